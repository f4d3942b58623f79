// Compiled by tsc and never run: what the types of relay.send promise.
import type { Relay } from "../../src/index.js";

declare const relay: Relay;
declare const referral: string | undefined;
const externalUserId = "user_1";

void relay.send({ name: "signed_up", type: "lead", identity: { referralId: referral, externalUserId } });
void relay.send({ name: "trial_started", type: "trial", identity: { customerId: "c_1" }, occurredAt: new Date() });
void relay.send({ name: "activated", type: "milestone", externalEventId: undefined, identity: { clickId: "click_1" } });

const sale = { minorUnits: 1999, currency: "USD" };
const identity = { externalUserId };
void relay.send({
  name: "order_paid",
  type: "conversion",
  externalEventId: "order_1",
  identity,
  sale,
  paid: undefined,
});

// @ts-expect-error an event belongs to somebody
void relay.send({ name: "signed_up", type: "lead" });

// @ts-expect-error nobody is named
void relay.send({ name: "signed_up", type: "lead", identity: {} });

// @ts-expect-error the only id may be absent
void relay.send({ name: "signed_up", type: "lead", identity: { referralId: referral } });

// @ts-expect-error a misspelt type
void relay.send({ name: "signed_up", type: "leed", identity });

// @ts-expect-error a misspelt field
void relay.send({ name: "signed_up", type: "lead", identity, occuredAt: new Date() });

// @ts-expect-error a sale needs an id that says which it is
void relay.send({ name: "order_paid", type: "conversion", identity, sale });

// @ts-expect-error a sale needs its amount
void relay.send({ name: "order_paid", type: "conversion", externalEventId: "order_1", identity });

// @ts-expect-error keys are of the adapters: a webhook's sale would not be known by one
void relay.send({ name: "signed_up", type: "lead", identity, businessKey: "invoice:in_1" });

// @ts-expect-error where it came from is not the app's to say
void relay.send({ name: "signed_up", type: "lead", identity, source: "stripe" });
