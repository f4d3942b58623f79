import { describe, expect, it } from "vitest";
import { type StripeEventInput, stripe } from "../../../adapters/stripe/index.js";
import type { Refund } from "../../../src/event.js";
import { recordsOf } from "../../helpers/records.js";
import { failureOf, fixture, relayOf, SECRET, signed, withEvent, withObject } from "./webhook.js";

const adapter = stripe({ webhookSecret: SECRET });
const fromCharge = stripe({ webhookSecret: SECRET, refundsFrom: "charge" });
const usd = (minorUnits: number) => ({ minorUnits, currency: "USD", decimals: 2 });

describe("a refund", () => {
  const refund = {
    kind: "refund",
    source: "stripe",
    externalEventId: "re_full",
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

  describe.each(["refund.updated", "charge.refund.updated"])("that %s tells of", (type) => {
    it("was pending and is a refund when it succeeds, dated by when it was made", async () => {
      expect(await recordsOf(adapter, withEvent("refund-updated.settled", { type }))).toEqual([
        {
          kind: "refund",
          source: "stripe",
          externalEventId: "re_slow",
          businessKey: "refund:re_slow",
          references: { charge: "ch_sale", payment: "pi_sale" },
          amount: usd(1200),
          occurredAt: "2025-10-06T08:55:00.000Z",
          metadata: { source: "stripe", refund: "re_slow" },
        },
      ]);
    });

    it.each(["failed", "canceled", "pending", "requires_action"])("is none while it is %s", async (status) => {
      const { data } = withObject("refund-updated.settled", { status });
      expect(await recordsOf(adapter, withEvent("refund-updated.settled", { type, data }))).toEqual([
        {
          kind: "skip",
          source: "stripe",
          reason: "not_final",
          externalEventId: "evt_re_settled",
          message: `re_slow is ${status}`,
        },
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
        const event = withEvent("refund-updated.settled", { type, data: { ...data, previous_attributes } });
        expect(await recordsOf(adapter, event)).toMatchObject([
          { kind: "skip", reason: "reported_elsewhere", message: "re_slow changed, but not its status" },
        ]);
      }
    });
  });

  it("has one id and one business key, whichever webhook tells of it, so that it counts once", async () => {
    const { object } = fixture("refund-created").data;
    const update = { object, previous_attributes: { status: "pending" } };
    for (const event of [
      withEvent("refund-created", { id: "evt_again" }),
      withEvent("refund-created", { id: "evt_update", type: "refund.updated", data: update }),
      withEvent("refund-created", { id: "evt_of_old", type: "charge.refund.updated", data: update }),
    ]) {
      expect(await recordsOf(adapter, event)).toEqual([refund]);
    }
  });

  it("is left to charge.refunded where refundsFrom says so", async () => {
    const events = [
      fixture("refund-created"),
      fixture("refund-updated.settled"),
      withEvent("refund-updated.settled", { type: "charge.refund.updated" }),
    ];
    for (const event of events) {
      expect(await recordsOf(fromCharge, event)).toMatchObject([
        { kind: "skip", reason: "reported_elsewhere", message: expect.stringContaining("refundsFrom") },
      ]);
    }
  });

  it("may be without a charge, and have its ids as objects", async () => {
    const event = withObject("refund-created", {
      charge: null,
      payment_intent: { id: "pi_object", object: "payment_intent" },
    });
    const [record] = await recordsOf(adapter, event);
    expect(record).toMatchObject({ kind: "refund", references: { payment: "pi_object" } });
    expect(record).toHaveProperty("references.charge", undefined);
  });

  it("may be without a reason, however it says so", async () => {
    for (const reason of [undefined, null, ""]) {
      const [record] = await recordsOf(adapter, withObject("refund-created", { reason }));
      expect(record).toMatchObject({ kind: "refund", amount: usd(5000) });
      expect(record).toHaveProperty("reason", undefined);
    }
  });

  it("of nothing is nothing", async () => {
    for (const amount of [0, -100]) {
      expect(await recordsOf(adapter, withObject("refund-created", { amount }))).toEqual([
        {
          kind: "skip",
          source: "stripe",
          reason: "no_amount",
          externalEventId: "evt_re_created",
          message: "re_full gives nothing back",
        },
      ]);
    }
  });

  it("may have an empty text in place of an id, which is none", async () => {
    const [record] = await recordsOf(adapter, withObject("refund-created", { charge: "", payment_intent: "" }));
    expect(record).toMatchObject({ kind: "refund", amount: usd(5000) });
    expect(record).toHaveProperty("references.charge", undefined);
    expect(record).toHaveProperty("references.payment", undefined);
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
    ["data.object.currency", { currency: "topsecret" }],
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
    externalEventId: "re_second",
    businessKey: "refund:re_second",
    saleKey: "invoice:in_sale",
    references,
    amount: usd(2500),
    reason: "requested_by_customer",
    occurredAt: "2025-10-09T08:55:00.000Z",
    metadata: { source: "stripe", refund: "re_second" },
  };

  const older = {
    ...newest,
    externalEventId: "re_first",
    businessKey: "refund:re_first",
    amount: usd(1000),
    occurredAt: "2025-10-07T08:55:00.000Z",
    metadata: { source: "stripe", refund: "re_first" },
  };
  type Listed = Record<string, unknown>;
  const listed = () => (fixture("charge-refunded.legacy").data.object as { refunds: { data: Listed[] } }).refunds.data;
  /** The charge of old, with what it was before and the refunds that it lists. */
  const withBefore = (previous_attributes: unknown, data: Listed[] = listed()): StripeEventInput => {
    const { object } = withObject("charge-refunded.legacy", { refunds: { object: "list", data } }).data;
    return withEvent("charge-refunded.legacy", { data: { object, previous_attributes } });
  };
  const notFinal = (id: string, status: string) => ({
    kind: "skip",
    source: "stripe",
    reason: "not_final",
    externalEventId: "evt_ch_old",
    message: `${id} is ${status}`,
  });

  it("of old tells which refunds were not there before, whatever refundsFrom says", async () => {
    expect(await recordsOf(adapter, fixture("charge-refunded.legacy"))).toEqual([newest]);
    expect(await recordsOf(fromCharge, fixture("charge-refunded.legacy"))).toEqual([newest]);
  });

  it("of old may list its refunds in any order", async () => {
    const event = fixture("charge-refunded.legacy");
    const { refunds } = event.data.object as { refunds: { data: object[] } };
    const reversed = { ...refunds, data: [...refunds.data].reverse() };
    expect(await recordsOf(adapter, withObject("charge-refunded.legacy", { refunds: reversed }))).toEqual([newest]);
  });

  it("of old tells all its refunds where there were none before, or where it does not say", async () => {
    for (const before of [
      { amount_refunded: 0, refunds: { object: "list", data: [] } },
      { amount_refunded: 0, refunds: { data: null } },
      { amount_refunded: 0, refunds: null },
      { amount_refunded: 0 },
      {},
      null,
      undefined,
    ]) {
      for (const using of [adapter, fromCharge]) {
        expect(await recordsOf(using, withBefore(before))).toEqual([newest, older]);
      }
    }
  });

  it("of old tells a refund that is not the newest, where that is the one that was not there before", async () => {
    const before = { refunds: { data: [{ id: "re_second" }] } };
    expect(await recordsOf(adapter, withBefore(before))).toEqual([older]);
  });

  it("of old tells nothing where all its refunds were there before", async () => {
    expect(await recordsOf(adapter, withBefore({ refunds: { data: listed() } }))).toMatchObject([
      { kind: "skip", reason: "reported_elsewhere", message: "ch_sale has no refund that is new" },
    ]);
  });

  it.each(["pending", "requires_action", "failed", "canceled"])(
    "of old does not count a refund that is %s, and counts the other",
    async (status) => {
      const [second = {}, first = {}] = listed();
      const lists = [
        { data: [{ ...second, status }, first], expected: [notFinal("re_second", status), older] },
        { data: [second, { ...first, status }], expected: [newest, notFinal("re_first", status)] },
      ];
      for (const { data, expected } of lists) expect(await recordsOf(adapter, withBefore({}, data))).toEqual(expected);
      expect(await recordsOf(adapter, withBefore(undefined, [{ ...second, status }]))).toEqual([
        notFinal("re_second", status),
      ]);
    },
  );

  it("of old counts a refund without a status as done", async () => {
    const [second = {}] = listed();
    for (const status of [null, undefined]) {
      expect(await recordsOf(adapter, withBefore({}, [{ ...second, status }]))).toEqual([newest]);
    }
  });

  it("of old passes over a refund of nothing, and counts the other", async () => {
    const [second = {}, first = {}] = listed();
    expect(await recordsOf(adapter, withBefore({}, [{ ...second, amount: 0 }, first]))).toMatchObject([
      { kind: "skip", reason: "no_amount", message: "re_second gives nothing back" },
      older,
    ]);
  });

  it("of old gives each of its refunds to on.refund, and ignores those that are not final", async () => {
    const [second = {}, first = {}] = listed();
    const taken: Refund[] = [];
    const relay = relayOf(adapter, { on: { refund: (refund) => void taken.push(refund) } });
    await relay.receive("stripe", signed(withBefore({})));
    expect(taken).toEqual([newest, older]);
    const pending = [second, first].map((refund) => ({ ...refund, status: "pending" }));
    const result = await relay.receive("stripe", signed(withBefore({}, pending)));
    const ignored = { kind: "skip", status: "ignored", externalEventId: "evt_ch_old", reason: "not_final" };
    expect(result).toEqual({ status: "ignored", records: [ignored, ignored] });
    expect(taken).toHaveLength(2);
  });

  it.each([
    ["data.previous_attributes.refunds.data.0.id", { refunds: { data: [{ note: "topsecret" }] } }],
    ["data.previous_attributes.refunds.data", { refunds: { data: "topsecret" } }],
    ["data.previous_attributes.amount_refunded", { amount_refunded: "topsecret" }],
  ])("is refused where what it was before has a wrong shape: %s", async (field, before) => {
    const error = await failureOf(recordsOf(adapter, withBefore(before)));
    expect(error.code).toBe("malformed_payload");
    expect(error.message).toContain(`${field}:`);
    expect(error.message).not.toContain("topsecret");
  });

  it("shares its business key with refund.created, so that the refund counts once", async () => {
    const [told] = await recordsOf(adapter, withObject("refund-created", { id: "re_second", amount: 2500 }));
    const { businessKey, externalEventId, amount } = newest;
    expect(told).toMatchObject({ businessKey, externalEventId, amount });
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
        externalEventId: "ch_sale:1000",
        businessKey: "refund:ch_sale:1000",
        amount: usd(1000),
        occurredAt: "2025-10-09T08:55:07.000Z",
        metadata: { source: "stripe", refund: "ch_sale:1000" },
      },
    ]);
    expect(await recordsOf(fromCharge, fixture("charge-refunded.second-partial"))).toEqual([
      {
        ...told,
        externalEventId: "ch_sale:5000",
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
    ).toMatchObject([{ kind: "skip", reason: "no_amount", message: "ch_sale:0 gives nothing back" }]);
  });

  it("of between that does not say what was refunded before is not taken for the whole sum", async () => {
    for (const name of ["charge-refunded.first-partial", "charge-refunded.second-partial"]) {
      const { object } = fixture(name).data;
      for (const previous_attributes of [{ amount_refunded: null }, { refunded: false }, {}, null, undefined]) {
        const event = withEvent(name, { data: { object, previous_attributes } });
        expect(await recordsOf(fromCharge, event)).toEqual([
          {
            kind: "skip",
            source: "stripe",
            reason: "no_amount",
            externalEventId: event.id,
            message: "ch_sale does not say how much was refunded before",
          },
        ]);
        expect(await recordsOf(adapter, event)).toMatchObject([{ kind: "skip", reason: "reported_elsewhere" }]);
      }
    }
  });

  it("of between with less refunded than before is nothing", async () => {
    const event = withObject("charge-refunded.second-partial", { amount_refunded: 500 });
    expect(await recordsOf(fromCharge, event)).toMatchObject([{ kind: "skip", reason: "no_amount" }]);
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

  it("with an empty text in place of its invoice has none", async () => {
    for (const invoice of ["", { id: "", object: "invoice" }]) {
      for (const [using, name] of [
        [adapter, "legacy"],
        [fromCharge, "first-partial"],
      ] as const) {
        const [record] = await recordsOf(using, withObject(`charge-refunded.${name}`, { invoice }));
        expect(record).toMatchObject({ kind: "refund", references: { charge: "ch_sale" } });
        expect(record).toHaveProperty("saleKey", undefined);
        expect(record).toHaveProperty("references.invoice", undefined);
      }
    }
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
