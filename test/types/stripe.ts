// Compiled by tsc and never run: what the types of affonso-relay/stripe promise.
import type Stripe from "stripe";
import {
  type StripeCheckoutSession,
  type StripeContext,
  type StripeEvent,
  type StripeEventInput,
  type StripeInvoice,
  type StripeOptions,
  stripe,
  stripeEvents,
} from "../../adapters/stripe/index.js";
import { createRelay, type Identity, type Money, type RelayEvent, type WebhookAdapter } from "../../src/index.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectTrue<_T extends true>(): void {}

declare const event: Stripe.Event;
declare const paid: Stripe.InvoicePaidEvent;
const webhookSecret = "whsec_1";

// The name is a literal, the provider's own or yours.
const first = stripe({ webhookSecret });
const second = stripe({ webhookSecret: ["whsec_1", "whsec_2"], name: "stripe-eu" });
expectTrue<Equal<typeof first, WebhookAdapter<"stripe", StripeEventInput>>>();
expectTrue<Equal<typeof second, WebhookAdapter<"stripe-eu", StripeEventInput>>>();

const relay = createRelay({ apiKey: "sk_live_1", adapters: [first, second] });
expectTrue<Equal<(typeof relay.sources)[number], "stripe" | "stripe-eu">>();

// What the SDK has verified goes in as it is, and so does its JSON where it is typed.
void relay.receiveVerified("stripe", event);
void relay.receiveVerified("stripe-eu", paid);
void relay.receiveVerified("stripe", {
  id: "evt_1",
  type: "invoice.paid",
  created: 1,
  livemode: true,
  data: { object: {} },
});

// A body goes in as bytes or text, or as a function that reads the bytes.
const headers = { "stripe-signature": "t=1,v1=00" };
void relay.receive("stripe", { body: new Uint8Array(), headers });
void relay.receive("stripe", { body: "{}", headers });
void relay.receive("stripe", { body: async () => new Uint8Array(), headers });

// @ts-expect-error a body that was parsed already can't be verified
void relay.receive("stripe", { body: { id: "evt_1" }, headers });

// @ts-expect-error an ArrayBuffer is a Uint8Array's, and not one
void relay.receive("stripe", { body: new ArrayBuffer(2), headers });

// @ts-expect-error no such source
void relay.receiveVerified("paddle", event);

// @ts-expect-error the invoice is not the event
void relay.receiveVerified("stripe", paid.data.object);

// @ts-expect-error a body is not an event
void relay.receiveVerified("stripe", "{}");

declare const unparsed: unknown;
// @ts-expect-error what nobody looked at
void relay.receiveVerified("stripe", unparsed);

declare const thin: Stripe.V2.Core.Event;
// @ts-expect-error a thin event carries no object
void relay.receiveVerified("stripe", thin);

// @ts-expect-error the secret is not optional
stripe({});

// @ts-expect-error a misspelt option
stripe({ webhookSecret, amounts: "net" });

// @ts-expect-error no such amount
stripe({ webhookSecret, amount: "earnings" });

// @ts-expect-error no such setting
stripe({ webhookSecret, clientReferenceId: "user" });

// @ts-expect-error no such setting
stripe({ webhookSecret, refundsFrom: "charge.refunded" });

// @ts-expect-error no such mode
stripe({ webhookSecret, testMode: true });

// Options may be undefined, as they are when they come from the environment.
stripe({ webhookSecret, amount: undefined, name: undefined, events: undefined, toleranceSeconds: undefined });

stripe({
  webhookSecret,
  amount(sale) {
    expectTrue<Equal<typeof sale, StripeInvoice | StripeCheckoutSession>>();
    if (sale.object === "invoice") {
      expectTrue<Equal<typeof sale.amount_paid, number>>();
      return sale.amount_paid;
    }
    expectTrue<Equal<typeof sale.object, "checkout.session">>();
    return sale.amount_total ?? 0;
  },
});

stripe({ webhookSecret, amount: async (sale) => (sale.object === "invoice" ? sale.total : 0) });

// @ts-expect-error an amount is a number of minor units
stripe({ webhookSecret, amount: () => "19.99" });

// What was paid is money as the sale is, and absent where it is the same.
expectTrue<Equal<RelayEvent["paid"], RelayEvent["sale"]>>();
expectTrue<Equal<undefined extends RelayEvent["paid"] ? true : false, true>>();
expectTrue<NonNullable<RelayEvent["paid"]> extends Money ? true : false>();

// Known types are offered as keys; any other may be one.
type KnownType = keyof typeof stripeEvents;
type Events = NonNullable<StripeOptions["events"]>;
expectTrue<Equal<"invoice.paid" extends KnownType ? true : false, true>>();
expectTrue<Equal<KnownType extends keyof Events ? true : false, true>>();
expectTrue<Equal<string extends KnownType ? true : false, false>>();
expectTrue<Equal<"charge.refund.updated" extends KnownType ? true : false, true>>();

stripe({
  webhookSecret,
  events: {
    "invoice.paid": null,
    "refund.created": undefined,
    "customer.created": (about, context) => {
      expectTrue<Equal<typeof about, StripeEvent>>();
      expectTrue<Equal<typeof context, StripeContext>>();
      return { type: "lead", name: "signed_up", identity: { customerId: about.id } };
    },
    "checkout.session.completed": stripeEvents["checkout.session.completed"],
  },
});

// @ts-expect-error a handler that answers nonsense
stripe({ webhookSecret, events: { "invoice.paid": () => "sold" } });

// @ts-expect-error a handler that forgets to answer
stripe({ webhookSecret, events: { "invoice.paid": () => {} } });

stripe({
  webhookSecret,
  identify(about, found) {
    expectTrue<Equal<typeof about, StripeEvent>>();
    expectTrue<Equal<typeof found, Identity>>();
    return { ...found, externalUserId: "user_7" };
  },
});

// @ts-expect-error no such identity
stripe({ webhookSecret, identify: () => ({ userId: 7 }) });

// @ts-expect-error the defaults can't be replaced for everybody
stripeEvents["invoice.paid"] = stripeEvents["refund.created"];
