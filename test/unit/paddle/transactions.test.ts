import { describe, expect, it } from "vitest";
import { paddle } from "../../../adapters/paddle/index.js";
import { recordsOf } from "../../helpers/records.js";
import { fixture, SECRET, withData, withTotals } from "./webhook.js";

const adapter = paddle({ webhookSecret: SECRET });

describe("a completed Paddle transaction", () => {
  it("becomes a conversion with the discounted amount without tax", async () => {
    expect(await recordsOf(adapter, fixture("transaction-completed.first-payment"))).toEqual([
      {
        kind: "event",
        source: "paddle",
        name: "transaction_completed",
        type: "conversion",
        externalEventId: "evt_first",
        businessKey: "transaction:txn_first",
        identity: { referralId: "ref_42", customerId: "ctm_ada" },
        references: { transaction: "txn_first", customer: "ctm_ada", subscription: "sub_team" },
        // The capture, neither the declined attempt nor the earlier one, and not when the event was made.
        occurredAt: "2026-03-02T09:15:30.654Z",
        sale: { minorUnits: 9000, currency: "USD", decimals: 2 },
        productIds: ["pro_team", "pro_setup", "pro_domains"],
        priceIds: ["pri_team_monthly", "pri_setup", "pri_domains"],
        interval: "monthly",
        isSubscription: true,
        metadata: {
          source: "paddle",
          transaction: "txn_first",
          subscription: "sub_team",
          origin: "web",
          discount: "dsc_launch",
        },
      },
    ]);
  });

  it("is a conversion again at each renewal, dated by the event where there is no capture", async () => {
    expect(await recordsOf(adapter, fixture("transaction-completed.renewal"))).toEqual([
      {
        kind: "event",
        source: "paddle",
        name: "transaction_completed",
        type: "conversion",
        externalEventId: "evt_renewal",
        businessKey: "transaction:txn_renewal",
        identity: { referralId: "ref_42", customerId: "ctm_ada" },
        references: { transaction: "txn_renewal", customer: "ctm_ada", subscription: "sub_team" },
        occurredAt: "2026-03-02T09:15:33.786Z",
        sale: { minorUnits: 9000, currency: "USD", decimals: 2 },
        productIds: ["pro_team"],
        priceIds: ["pri_team_monthly"],
        interval: "monthly",
        isSubscription: true,
        metadata: {
          source: "paddle",
          transaction: "txn_renewal",
          subscription: "sub_team",
          origin: "subscription_recurring",
        },
      },
    ]);
  });

  it("may have neither customer, subscription nor custom data", async () => {
    expect(await recordsOf(adapter, fixture("transaction-completed.one-off"))).toEqual([
      {
        kind: "event",
        source: "paddle",
        name: "transaction_completed",
        type: "conversion",
        externalEventId: "evt_oneoff",
        businessKey: "transaction:txn_oneoff",
        identity: {},
        references: { transaction: "txn_oneoff" },
        occurredAt: "2026-03-02T09:15:30.654Z",
        sale: { minorUnits: 4900, currency: "EUR", decimals: 2 },
        productIds: ["pro_ebook"],
        priceIds: ["pri_ebook"],
        isSubscription: false,
        metadata: { source: "paddle", transaction: "txn_oneoff", origin: "api" },
      },
    ]);
  });

  it("is yearly when it is billed every twelve months", async () => {
    expect(await recordsOf(adapter, fixture("transaction-completed.every-twelve-months"))).toMatchObject([
      { interval: "yearly", isSubscription: true, sale: { minorUnits: 99900 } },
    ]);
  });

  it("keeps Paddle's words in the metadata when it is billed weekly", async () => {
    const [event] = await recordsOf(adapter, fixture("transaction-completed.weekly"));
    expect(event).toMatchObject({ isSubscription: true, metadata: { billing_interval: "1 week" } });
    expect(event).not.toHaveProperty("interval", expect.anything());
  });

  it.each([
    ["one year", [["year", 1]], { interval: "yearly" }],
    [
      "a year and twelve months",
      [
        ["year", 1],
        ["month", 12],
      ],
      { interval: "yearly" },
    ],
    ["a month and a one-off item", [["month", 1], null], { interval: "monthly" }],
    [
      "a month and a year",
      [
        ["month", 1],
        ["year", 1],
      ],
      { metadata: { billing_interval: "1 month, 1 year" } },
    ],
    [
      "a month and a week",
      [
        ["month", 1],
        ["week", 1],
      ],
      { metadata: { billing_interval: "1 month, 1 week" } },
    ],
    ["three months", [["month", 3]], { metadata: { billing_interval: "3 month" } }],
    ["two years", [["year", 2]], { metadata: { billing_interval: "2 year" } }],
  ] as const)("reads the interval of items billed every %s", async (_what, cycles, expected) => {
    const items = cycles.map((cycle) => ({
      price: { id: "pri_1", billing_cycle: cycle && { interval: cycle[0], frequency: cycle[1] } },
    }));
    const [event] = await recordsOf(adapter, withData("transaction-completed.renewal", { items }));
    expect(event).toMatchObject({ isSubscription: true, ...expected });
    expect("interval" in expected).toBe(event !== undefined && "interval" in event && event.interval !== undefined);
  });

  it("is dated by the last capture, whatever became of other payments", async () => {
    const payments = [
      { status: "captured", captured_at: "2026-03-02T09:15:37.09387Z" },
      { status: "captured", captured_at: "2026-03-02T09:15:37.5Z" },
      { status: "canceled", captured_at: "2026-03-02T09:16:00.000000Z" },
      { status: "captured", captured_at: null },
    ];
    const event = withData("transaction-completed.renewal", { payments });
    expect(await recordsOf(adapter, event)).toMatchObject([{ occurredAt: "2026-03-02T09:15:37.500Z" }]);
  });

  it("counts as a subscription by its items alone, or by its subscription id alone", async () => {
    const byItems = withData("transaction-completed.weekly", { subscription_id: null });
    const byId = withData("transaction-completed.one-off", { subscription_id: "sub_1" });
    expect(await recordsOf(adapter, byItems)).toMatchObject([{ isSubscription: true }]);
    expect(await recordsOf(adapter, byId)).toMatchObject([{ isSubscription: true }]);
  });

  it.each([
    ["a number", { affonso_referral: 42 }],
    ["an object", { affonso_referral: { id: "ref_1" } }],
    ["blank", { affonso_referral: " " }],
    ["with a control character", { affonso_referral: "ref\u0000" }],
    ["too long for an id", { affonso_referral: "r".repeat(256) }],
    ["missing", { referral: "ref_1" }],
    ["inherited", Object.create({ affonso_referral: "ref_1" })],
    ["in an array", ["ref_1"]],
    ["in plain text", "affonso_referral"],
  ])("does without a referral that is %s, and keeps the customer", async (_what, custom_data) => {
    const records = await recordsOf(adapter, withData("transaction-completed.renewal", { custom_data }));
    expect(records).toMatchObject([{ kind: "event", identity: { customerId: "ctm_ada" } }]);
    expect(records[0]).not.toHaveProperty("identity.referralId", expect.anything());
  });

  it("takes the referral without the white space around it", async () => {
    for (const affonso_referral of [" ref_42", "ref_42\n", "\t ref_42 \u00a0"]) {
      const event = withData("transaction-completed.renewal", { custom_data: { affonso_referral } });
      expect(await recordsOf(adapter, event)).toMatchObject([{ identity: { referralId: "ref_42" } }]);
    }
  });

  it("is polluted by no key of custom_data or of the event", async () => {
    const hostile =
      '{"__proto__":{"affonso_referral":"ref_evil","polluted":true},"constructor":{"prototype":{"polluted":true}}}';
    const text = JSON.stringify(fixture("transaction-completed.renewal"))
      .replace('{"affonso_referral":"ref_42"}', hostile)
      .replace(/^\{/, '{"__proto__":{"event_type":"transaction.paid","polluted":true},');
    expect(text.match(/__proto__/g)).toHaveLength(2);
    const [event] = await recordsOf(adapter, JSON.parse(text));
    expect(event).toMatchObject({ kind: "event", identity: { customerId: "ctm_ada" } });
    expect(event).not.toHaveProperty("identity.referralId", expect.anything());
    expect(event).not.toHaveProperty("polluted");
    expect({}).not.toHaveProperty("polluted");
  });

  it("works without the lists that Paddle may leave out", async () => {
    const event = withData("transaction-completed.renewal", { items: null, payments: undefined });
    const details = event.data["details"] as Record<string, unknown>;
    const bare = { ...event, data: { ...event.data, details: { totals: details["totals"] } } };
    expect(await recordsOf(adapter, bare)).toMatchObject([{ productIds: [], priceIds: [], isSubscription: true }]);
  });

  it("leaves transaction.paid to transaction.completed, so that a sale is sent once", async () => {
    const paid = { ...fixture("transaction-completed.renewal"), event_type: "transaction.paid" };
    expect(await recordsOf(adapter, paid)).toEqual([
      {
        kind: "skip",
        source: "paddle",
        reason: "reported_elsewhere",
        externalEventId: "evt_renewal",
        message: "transaction.completed reports the sale",
      },
    ]);
  });

  it.each(["customer.created", "constructor", "__proto__"])(
    "skips an event type it has no mapping for: %s",
    async (type) => {
      const event = { ...fixture("transaction-completed.renewal"), event_type: type };
      expect(await recordsOf(adapter, event)).toMatchObject([
        { kind: "skip", reason: "unmapped", message: `${type} has no mapping` },
      ]);
    },
  );

  it("names the field of a payload that is not Paddle's shape, never its value", async () => {
    const event = withData("transaction-completed.renewal", { details: { totals: { total: 10800 } } });
    await expect(recordsOf(adapter, event)).rejects.toMatchObject({
      code: "malformed_payload",
      message: expect.stringMatching(/transaction\.completed.*data\.details\.totals\.total: expected string/),
    });
    await expect(recordsOf(adapter, event)).rejects.not.toThrow("10800");
  });

  it.each([
    ["occurred_at", "transaction-completed.renewal", { occurred_at: "2 March 2026" }],
    ["occurred_at", "adjustment.full-refund", { occurred_at: "2026-03-02T09:15:33" }],
    ["occurred_at", "subscription-created.trialing", { occurred_at: "" }],
  ])("is refused with a time that is no ISO date: %s of %s", async (field, name, changes) => {
    await expect(recordsOf(adapter, { ...fixture(name), ...changes })).rejects.toMatchObject({
      code: "malformed_payload",
      status: 400,
      message: expect.stringContaining(`${field}:`),
    });
  });

  it.each([
    ["data.currency_code", "transaction-completed.renewal", { currency_code: "dollars" }],
    ["data.payments.0.captured_at", "transaction-completed.renewal", { payments: [{ captured_at: "yesterday" }] }],
    ["data.started_at", "subscription-created.trialing", { started_at: "yesterday" }],
    ["data.currency_code", "adjustment.full-refund", { currency_code: "" }],
    ["data.totals.currency_code", "adjustment.full-refund", { totals: { total: "500", currency_code: "U$D" } }],
  ])("is refused with a field of another shape: %s of %s", async (field, name, data) => {
    await expect(recordsOf(adapter, withData(name, data))).rejects.toMatchObject({
      code: "malformed_payload",
      status: 400,
      message: expect.stringContaining(`${field}:`),
    });
  });

  it("is refused with totals in no currency", async () => {
    const event = withTotals("transaction-completed.renewal", { currency_code: "dollars" });
    await expect(recordsOf(adapter, event)).rejects.toMatchObject({
      code: "malformed_payload",
      message: expect.stringContaining("data.details.totals.currency_code:"),
    });
  });

  it("says what to pass when it is given the camelCase event of Paddle's SDK", async () => {
    const event: unknown = { eventId: "evt_1", eventType: "transaction.completed", occurredAt: "", data: {} };
    await expect(recordsOf(adapter as never, event)).rejects.toMatchObject({
      code: "malformed_payload",
      message: expect.stringContaining("pass JSON.parse(rawBody) instead"),
    });
  });
});

describe("an event of Paddle's webhook simulator", () => {
  it("is ignored, whatever its type", async () => {
    for (const event_type of ["transaction.completed", "customer.created"]) {
      const event = { ...fixture("transaction-completed.simulated"), event_type };
      expect(await recordsOf(adapter, event)).toMatchObject([{ kind: "skip", reason: "test_mode" }]);
    }
  });

  it("is known by either of its ids", async () => {
    const event = fixture("transaction-completed.simulated");
    for (const ids of [{ event_id: "evt_1" }, { notification_id: "ntf_1" }, { notification_id: null }]) {
      expect(await recordsOf(adapter, { ...event, ...ids })).toMatchObject([{ reason: "test_mode" }]);
    }
  });

  it("is sent with a mark when asked for", async () => {
    const forwarding = paddle({ webhookSecret: SECRET, testMode: "forward" });
    const [simulated] = await recordsOf(forwarding, fixture("transaction-completed.simulated"));
    expect(simulated).toMatchObject({
      kind: "event",
      externalEventId: "ntfsimevt_0000",
      sale: { minorUnits: 9000 },
      metadata: { test_mode: true },
    });
    const [real] = await recordsOf(forwarding, fixture("transaction-completed.renewal"));
    expect(real).not.toHaveProperty("metadata.test_mode");
  });
});
