import type { RelayEvent } from "../../../../src/event.js";

/** A sale like no other. */
export function sale(id: string): RelayEvent {
  return {
    kind: "event",
    source: "billing",
    name: "invoice_paid",
    type: "conversion",
    externalEventId: `evt_${id}`,
    businessKey: `invoice_${id}`,
    identity: { referralId: "ref_ada", customerId: `cus_${id}` },
    references: { invoice: `in_${id}` },
    sale: { minorUnits: 2900, currency: "USD" },
  };
}
