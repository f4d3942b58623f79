import type { Link, Refund, RelayEvent, RelayRecordInput } from "../../../src/event.js";
import { parseRecord } from "../../../src/event-schema.js";

type Kind = "event" | "refund" | "link";

function record<K extends Kind>(kind: K, input: object): Extract<RelayEvent | Refund | Link, { kind: K }> {
  return parseRecord({ ...input, kind } as RelayRecordInput, "stripe") as Extract<
    RelayEvent | Refund | Link,
    { kind: K }
  >;
}

/** A sale of 100.00 EUR, checked and completed as the relay does it. */
export const sale = (changes: object = {}) =>
  record("event", {
    type: "conversion",
    name: "invoice_paid",
    externalEventId: "evt_1",
    businessKey: "invoice:in_1",
    identity: { customerId: "cus_1" },
    references: { invoice: "in_1", customer: "cus_1", subscription: "sub_1" },
    sale: { minorUnits: 10_000, currency: "EUR" },
    ...changes,
  });

/** 59.50 EUR given back. */
export const refund = (changes: object = {}) =>
  record("refund", {
    externalEventId: "re_1",
    businessKey: "refund:re_1",
    saleKey: "invoice:in_1",
    references: { invoice: "in_1", payment: "pi_1" },
    amount: { minorUnits: 5_950, currency: "EUR" },
    ...changes,
  });

/** Session, customer and subscription belong to a referral. */
export const link = (changes: object = {}) =>
  record("link", {
    referralId: "ref_1",
    references: { session: "cs_1", customer: "cus_1", subscription: "sub_1" },
    ...changes,
  });
