// Compiled by tsc and never run: what the types of affonso-relay/paddle promise.
import type { EventEntity } from "@paddle/paddle-node-sdk";
import {
  type PaddleContext,
  type PaddleEvent,
  type PaddleEventInput,
  type PaddleOptions,
  type PaddleTransaction,
  paddle,
  paddleEvents,
} from "../../adapters/paddle/index.js";
import { createRelay, type Identity, type WebhookAdapter } from "../../src/index.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectTrue<_T extends true>(): void {}

const webhookSecret = "pdl_ntfset_1";

// The name is a literal, the provider's own or yours.
const first = paddle({ webhookSecret });
const second = paddle({ webhookSecret: ["pdl_ntfset_1", "pdl_ntfset_2"], name: "paddle-eu" });
expectTrue<Equal<typeof first, WebhookAdapter<"paddle", PaddleEventInput>>>();
expectTrue<Equal<typeof second, WebhookAdapter<"paddle-eu", PaddleEventInput>>>();

const relay = createRelay({ apiKey: "sk_live_1", adapters: [first, second] });
expectTrue<Equal<(typeof relay.sources)[number], "paddle" | "paddle-eu">>();

// The JSON goes in as Paddle sent it, whatever the entity.
const event = {
  event_id: "evt_1",
  event_type: "transaction.completed",
  occurred_at: "2026-07-19T12:00:00Z",
  data: { id: "txn_1", status: "completed" },
};
void relay.receiveVerified("paddle", event);
void relay.receiveVerified("paddle-eu", { ...event, notification_id: "ntf_1" });

// @ts-expect-error no such source
void relay.receiveVerified("stripe", event);

// @ts-expect-error the entity is not the event
void relay.receiveVerified("paddle", event.data);

// @ts-expect-error a body is not an event
void relay.receiveVerified("paddle", "{}");

// @ts-expect-error a part that is needed has another type
void relay.receiveVerified("paddle", { ...event, occurred_at: new Date() });

declare const unparsed: unknown;
// @ts-expect-error what nobody looked at
void relay.receiveVerified("paddle", unparsed);

declare const unmarshalled: EventEntity;
// @ts-expect-error what the SDK's unmarshal answers is in camelCase, and lacks fields
void relay.receiveVerified("paddle", unmarshalled);

// @ts-expect-error the secret is not optional
paddle({});

// @ts-expect-error a misspelt option
paddle({ webhookSecret, amounts: "net" });

// @ts-expect-error no such amount
paddle({ webhookSecret, amount: "subtotal" });

// @ts-expect-error no such mode
paddle({ webhookSecret, testMode: true });

// @ts-expect-error decimals are a number
paddle({ webhookSecret, currencyDecimals: { JPY: "0" } });

// @ts-expect-error an option of Stripe's
paddle({ webhookSecret, refundsFrom: "charge" });

paddle({
  webhookSecret,
  currencyDecimals: { HUF: 0 },
  amount(transaction) {
    expectTrue<Equal<typeof transaction, PaddleTransaction>>();
    expectTrue<Equal<typeof transaction.id, string>>();
    // @ts-expect-error amounts are text, as Paddle writes them
    void (transaction.details.totals.total satisfies number);
    return Number(transaction.details.totals.total);
  },
});

paddle({ webhookSecret, amount: async (transaction) => Number(transaction.details.totals.total) });

// @ts-expect-error an amount is a number of minor units
paddle({ webhookSecret, amount: (transaction) => transaction.details.totals.total });

// @ts-expect-error an amount is not a sum with its currency
paddle({ webhookSecret, amount: () => ({ minorUnits: 1999, currency: "USD" }) });

// Known types are offered as keys; any other may be one.
type KnownType = keyof typeof paddleEvents;
type Events = NonNullable<PaddleOptions["events"]>;
expectTrue<Equal<"transaction.completed" extends KnownType ? true : false, true>>();
expectTrue<Equal<KnownType extends keyof Events ? true : false, true>>();
expectTrue<Equal<string extends KnownType ? true : false, false>>();

paddle({
  webhookSecret,
  events: {
    "adjustment.created": null,
    "adjustment.updated": undefined,
    "customer.created": (about, context) => {
      expectTrue<Equal<typeof about, PaddleEvent>>();
      expectTrue<Equal<typeof context, PaddleContext>>();
      return { type: "lead", name: "signed_up", identity: { customerId: about.event_id } };
    },
    "transaction.completed": paddleEvents["transaction.completed"],
  },
});

// @ts-expect-error a handler that answers nonsense
paddle({ webhookSecret, events: { "transaction.completed": () => "sold" } });

// @ts-expect-error a handler that forgets to answer
paddle({ webhookSecret, events: { "transaction.completed": () => {} } });

// @ts-expect-error a handler is a function, or null
paddle({ webhookSecret, events: { "transaction.completed": false } });

paddle({
  webhookSecret,
  identify(about, found) {
    expectTrue<Equal<typeof about, PaddleEvent>>();
    expectTrue<Equal<typeof found, Identity>>();
    return { ...found, externalUserId: "user_7" };
  },
});

// @ts-expect-error no such identity
paddle({ webhookSecret, identify: () => ({ userId: 7 }) });

// @ts-expect-error the defaults can't be replaced for everybody
paddleEvents["transaction.completed"] = paddleEvents["adjustment.created"];
