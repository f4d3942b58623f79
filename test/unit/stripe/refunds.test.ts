import { describe, expect, it } from "vitest";
import { stripe } from "../../../adapters/stripe/index.js";
import { recordsOf } from "../../helpers/records.js";
import { failureOf, fixture, SECRET, withEvent, withObject } from "./webhook.js";

const adapter = stripe({ webhookSecret: SECRET });
const fromCharge = stripe({ webhookSecret: SECRET, refundsFrom: "charge" });
const usd = (minorUnits: number) => ({ minorUnits, currency: "USD", decimals: 2 });

describe("a refund", () => {
  const refund = {
    kind: "refund",
    source: "stripe",
    externalEventId: "evt_re_created",
    businessKey: "refund:re_full",
    references: { charge: "ch_sale", payment: "pi_sale" },
    amount: usd(5000),
    reason: "requested_by_customer",
    occurredAt: "2025-10-09T08:55:00.000Z",
    metadata: { source: "stripe", refund: "re_full" },
  };

  it("is a refund of its payment when it is made", async () => {
    expect(await recordsOf(adapter, fixture("refund-created"))).toEqual([refund]);
  });

  it("counts as done where no status is stated", async () => {
    for (const status of [null, undefined]) {
      expect(await recordsOf(adapter, withObject("refund-created", { status }))).toEqual([refund]);
    }
  });

  it.each(["pending", "requires_action", "failed", "canceled"])("that is %s is no refund", async (status) => {
    expect(await recordsOf(adapter, withObject("refund-created", { status }))).toEqual([
      {
        kind: "skip",
        source: "stripe",
        reason: "not_final",
        externalEventId: "evt_re_created",
        message: `re_full is ${status}`,
      },
    ]);
  });

  it("that was pending is a refund when it succeeds, dated by when it was made", async () => {
    expect(await recordsOf(adapter, fixture("refund-updated.settled"))).toEqual([
      {
        kind: "refund",
        source: "stripe",
        externalEventId: "evt_re_settled",
        businessKey: "refund:re_slow",
        references: { charge: "ch_sale", payment: "pi_sale" },
        amount: usd(1200),
        occurredAt: "2025-10-06T08:55:00.000Z",
        metadata: { source: "stripe", refund: "re_slow" },
      },
    ]);
  });

  it("that fails after all is none", async () => {
    expect(await recordsOf(adapter, withObject("refund-updated.settled", { status: "failed" }))).toMatchObject([
      { kind: "skip", reason: "not_final" },
    ]);
  });

  it("is not told again by an update of anything but its status", async () => {
    const { data } = fixture("refund-updated.settled");
    for (const previous_attributes of [
      { metadata: { note: null } },
      { destination_details: {} },
      {},
      null,
      undefined,
    ]) {
      const event = withEvent("refund-updated.settled", { data: { ...data, previous_attributes } });
      expect(await recordsOf(adapter, event)).toMatchObject([{ kind: "skip", reason: "reported_elsewhere" }]);
    }
  });

  it("is left to charge.refunded where refundsFrom says so", async () => {
    for (const name of ["refund-created", "refund-updated.settled"]) {
      expect(await recordsOf(fromCharge, fixture(name))).toMatchObject([
        { kind: "skip", reason: "reported_elsewhere", message: expect.stringContaining("refundsFrom") },
      ]);
    }
  });

  it("may be without a charge, and have its ids as objects", async () => {
    const event = withObject("refund-created", {
      charge: null,
      payment_intent: { id: "pi_object", object: "payment_intent" },
      reason: null,
    });
    const [record] = await recordsOf(adapter, event);
    expect(record).toMatchObject({ kind: "refund", references: { payment: "pi_object" } });
    expect(record).toHaveProperty("references.charge", undefined);
    expect(record).toHaveProperty("reason", undefined);
  });

  it("uses Stripe's own decimals", async () => {
    expect(await recordsOf(adapter, withObject("refund-created", { currency: "jpy" }))).toMatchObject([
      { amount: { minorUnits: 5000, currency: "JPY", decimals: 0 } },
    ]);
    expect(await recordsOf(adapter, withObject("refund-created", { currency: "ugx" }))).toMatchObject([
      { amount: { minorUnits: 5000, currency: "UGX", decimals: 2 } },
    ]);
  });

  it.each([
    ["data.object.amount", { amount: "topsecret" }],
    ["data.object.created", { created: undefined }],
  ])("of a wrong shape is refused with its field %s", async (field, changes) => {
    const error = await failureOf(recordsOf(adapter, withObject("refund-created", changes)));
    expect(error.code).toBe("malformed_payload");
    expect(error.message).toContain(`${field}:`);
    expect(error.message).not.toContain("topsecret");
  });
});

describe("a refunded charge", () => {
  const references = { charge: "ch_sale", payment: "pi_sale", invoice: "in_sale", customer: "cus_ada" };
  const newest = {
    kind: "refund",
    source: "stripe",
    externalEventId: "evt_ch_old",
    businessKey: "refund:re_second",
    saleKey: "invoice:in_sale",
    references,
    amount: usd(2500),
    reason: "requested_by_customer",
    occurredAt: "2025-10-09T08:55:00.000Z",
    metadata: { source: "stripe", refund: "re_second" },
  };

  it("of old tells its refunds, of which the newest is the one, whatever refundsFrom says", async () => {
    expect(await recordsOf(adapter, fixture("charge-refunded.legacy"))).toEqual([newest]);
    expect(await recordsOf(fromCharge, fixture("charge-refunded.legacy"))).toEqual([newest]);
  });

  it("of old may list its refunds in any order", async () => {
    const event = fixture("charge-refunded.legacy");
    const { refunds } = event.data.object as { refunds: { data: object[] } };
    const reversed = { ...refunds, data: [...refunds.data].reverse() };
    expect(await recordsOf(adapter, withObject("charge-refunded.legacy", { refunds: reversed }))).toEqual([newest]);
  });

  it("shares its business key with refund.created, so that the refund counts once", async () => {
    const [told] = await recordsOf(adapter, withObject("refund-created", { id: "re_second", amount: 2500 }));
    expect(told).toMatchObject({ businessKey: newest.businessKey, amount: newest.amount });
  });

  it("of between is left to refund.created by default", async () => {
    for (const name of ["first-partial", "second-partial"]) {
      expect(await recordsOf(adapter, fixture(`charge-refunded.${name}`))).toMatchObject([
        { kind: "skip", reason: "reported_elsewhere", message: expect.stringContaining("refundsFrom") },
      ]);
    }
  });

  it('of between tells what each refund added, with refundsFrom: "charge"', async () => {
    const told = { kind: "refund", source: "stripe", saleKey: "invoice:in_sale", references };
    expect(await recordsOf(fromCharge, fixture("charge-refunded.first-partial"))).toEqual([
      {
        ...told,
        externalEventId: "evt_ch_first",
        businessKey: "refund:ch_sale:1000",
        amount: usd(1000),
        occurredAt: "2025-10-09T08:55:07.000Z",
        metadata: { source: "stripe", refund: "ch_sale:1000" },
      },
    ]);
    expect(await recordsOf(fromCharge, fixture("charge-refunded.second-partial"))).toEqual([
      {
        ...told,
        externalEventId: "evt_ch_second",
        businessKey: "refund:ch_sale:5000",
        amount: usd(4000),
        occurredAt: "2025-10-10T08:55:00.000Z",
        metadata: { source: "stripe", refund: "ch_sale:5000" },
      },
    ]);
  });

  it("of between with nothing refunded is nothing", async () => {
    expect(
      await recordsOf(fromCharge, withObject("charge-refunded.first-partial", { amount_refunded: 0 })),
    ).toMatchObject([{ kind: "skip", reason: "no_amount" }]);
  });

  it("with an empty list of refunds is one of between", async () => {
    const event = withObject("charge-refunded.first-partial", { refunds: { object: "list", data: [] } });
    expect(await recordsOf(fromCharge, event)).toMatchObject([{ kind: "refund", amount: usd(1000) }]);
  });

  it("without an invoice names no sale but its payment", async () => {
    const [record] = await recordsOf(adapter, withObject("charge-refunded.legacy", { invoice: null, customer: null }));
    expect(record).toMatchObject({ kind: "refund", references: { charge: "ch_sale", payment: "pi_sale" } });
    expect(record).toHaveProperty("saleKey", undefined);
  });

  it("may have its invoice and payment as objects", async () => {
    const event = withObject("charge-refunded.first-partial", {
      invoice: { id: "in_object", object: "invoice" },
      payment_intent: { id: "pi_object", object: "payment_intent" },
    });
    expect(await recordsOf(fromCharge, event)).toMatchObject([
      { saleKey: "invoice:in_object", references: { invoice: "in_object", payment: "pi_object" } },
    ]);
  });
});
