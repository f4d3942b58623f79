import { describe, expect, it } from "vitest";
import { toWire } from "../../../src/endpoint/wire.js";
import type { RelayEvent } from "../../../src/event.js";
import { parseRecord } from "../../../src/event-schema.js";
import { failureOf } from "../core/support.js";

function event(input: object): RelayEvent {
  const record = parseRecord(input as never, "billing");
  return record.kind === "event" ? record : expect.fail("not an event");
}
const sent = (input: object) => JSON.parse(JSON.stringify(toWire(event(input))));
const lead = { type: "lead", name: "signed_up", identity: { customerId: "user_1" } };
const soldFor = (sale: object) =>
  JSON.stringify(toWire(event({ ...lead, type: "conversion", externalEventId: "e", sale })));

describe("the body of an event", () => {
  it("spells every field as the endpoint does", () => {
    const full = event({
      type: "conversion",
      name: "invoice_paid",
      externalEventId: "evt_1",
      businessKey: "invoice_1",
      identity: { referralId: "ref_1", customerId: "user_1", externalUserId: "ext_1", clickId: "click_1" },
      references: { customer: "cus_1", invoice: "in_1" },
      occurredAt: "2026-01-01T01:00:00+01:00",
      sale: { minorUnits: 9_900, currency: "USD" },
      productIds: ["pro"],
      priceIds: ["pro-monthly", "seat"],
      interval: "monthly",
      isSubscription: true,
      metadata: { plan: "pro", nested: { list: [1, null] } },
    });
    expect(JSON.stringify(toWire(full), null, 1)).toBe(`{
 "event_name": "invoice_paid",
 "event_type": "conversion",
 "referral_id": "ref_1",
 "customer_id": "user_1",
 "external_user_id": "ext_1",
 "click_id": "click_1",
 "occurred_at": "2026-01-01T00:00:00.000Z",
 "external_event_id": "evt_1",
 "sale_amount": 99,
 "sale_amount_currency": "USD",
 "product_ids": [
  "pro"
 ],
 "price_ids": [
  "pro-monthly",
  "seat"
 ],
 "interval": "monthly",
 "is_subscription": true,
 "metadata": {
  "plan": "pro",
  "nested": {
   "list": [
    1,
    null
   ]
  }
 }
}`);
  });

  it("has no field that the event has not", () => {
    expect(sent(lead)).toEqual({ event_name: "signed_up", event_type: "lead", customer_id: "user_1" });
  });

  it("has no empty lists and no empty ids", () => {
    const empty = { ...lead, productIds: [], priceIds: [], identity: { customerId: "user_1", clickId: "" } };
    expect(sent(empty)).toEqual({ event_name: "signed_up", event_type: "lead", customer_id: "user_1" });
  });

  it("keeps what is false or empty and still says something", () => {
    expect(sent({ ...lead, isSubscription: false, metadata: {} })).toMatchObject({
      is_subscription: false,
      metadata: {},
    });
  });

  it.each(["conversion", "lead", "trial", "milestone"])("names the type %s", (type) => {
    const sale = { minorUnits: 1, currency: "USD" };
    expect(sent({ ...lead, type, externalEventId: "e", sale }).event_type).toBe(type);
  });

  it.each([
    [{ minorUnits: 1999, currency: "USD" }, "19.99"],
    [{ minorUnits: 1990, currency: "EUR" }, "19.9"],
    [{ minorUnits: 7, currency: "USD" }, "0.07"],
    [{ minorUnits: 500, currency: "JPY" }, "500"],
    [{ minorUnits: 1234, currency: "KWD" }, "1.234"],
    [{ minorUnits: 500_000, currency: "UGX", decimals: 2 }, "5000"],
    [{ minorUnits: 500_000, currency: "UGX" }, "500000"],
    [{ minorUnits: 12_345, currency: "CLF" }, "1.2345"],
    [{ minorUnits: 999_999_999_999_999, currency: "USD" }, "9999999999999.99"],
  ])("writes money in major units, digit by digit (%#)", (sale, amount) => {
    expect(soldFor(sale)).toContain(`"sale_amount":${amount},"sale_amount_currency":"${sale.currency}"`);
  });

  it("is not made where the amount would be rounded", async () => {
    const at = Number.MAX_SAFE_INTEGER;
    const amounts = [at, at - 1].map((minorUnits) => ({ minorUnits, currency: "USD" }));
    const bodies = await Promise.allSettled(amounts.map(async (sale) => soldFor(sale)));
    const refused = bodies.filter(({ status }) => status === "rejected");
    expect(refused.length).toBeGreaterThan(0);
    const error = await failureOf(() => {
      for (const sale of amounts) soldFor(sale);
    });
    expect(error.code).toBe("invalid_event");
  });
});
