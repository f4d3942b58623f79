import { describe, expect, it } from "vitest";
import { type StripeAmount, stripe } from "../../../adapters/stripe/index.js";
import { recordsOf } from "../../helpers/records.js";
import { failureOf, fixture, SECRET, withEvent, withLines, withObject } from "./webhook.js";

const adapter = stripe({ webhookSecret: SECRET });
const PAID_AT = "2025-10-09T08:55:00.000Z";
const ADA = { referralId: "ref_42", customerId: "cus_ada" };

/** A sale as every fixture has it, with what is particular to one. */
const sold = (id: string, of: { reason?: string; metadata?: object; [field: string]: unknown }) => {
  const { reason = "subscription_create", metadata = {}, ...rest } = of;
  return {
    kind: "event",
    source: "stripe",
    name: "invoice_paid",
    type: "conversion",
    externalEventId: `evt_${id}`,
    businessKey: `invoice:in_${id}`,
    identity: ADA,
    references: { invoice: `in_${id}`, customer: "cus_ada", subscription: "sub_ada" },
    occurredAt: PAID_AT,
    isSubscription: true,
    metadata: { source: "stripe", invoice: `in_${id}`, subscription: "sub_ada", billing_reason: reason, ...metadata },
    ...rest,
  };
};
const legacyReferences = (id: string) => ({
  invoice: `in_${id}`,
  customer: "cus_ada",
  subscription: "sub_ada",
  payment: `pi_${id}`,
  charge: `ch_${id}`,
});
const usd = (minorUnits: number) => ({ minorUnits, currency: "USD", decimals: 2 });
const eur = (minorUnits: number) => ({ ...usd(minorUnits), currency: "EUR" });
const team = (price: string) => ({ productIds: ["prod_team"], priceIds: [price] });

describe("a paid invoice", () => {
  it.each([
    [
      "of 2020, with a coupon and exclusive tax that only `tax` states",
      "legacy.first",
      sold("legacy_first", {
        references: legacyReferences("legacy_first"),
        sale: usd(8000),
        paid: usd(9520),
        ...team("price_team_monthly"),
        interval: "monthly",
      }),
    ],
    [
      "of 2022, with inclusive tax and a price of twelve months",
      "legacy.renewal",
      sold("legacy_renewal", {
        reason: "subscription_cycle",
        references: legacyReferences("legacy_renewal"),
        sale: eur(10000),
        paid: eur(11900),
        ...team("price_team_12_months"),
        interval: "yearly",
      }),
    ],
    [
      "of acacia, with exclusive tax and a price of one year",
      "acacia.first",
      sold("acacia_first", {
        references: legacyReferences("acacia_first"),
        sale: { minorUnits: 4900, currency: "GBP", decimals: 2 },
        paid: { minorUnits: 5880, currency: "GBP", decimals: 2 },
        ...team("price_team_yearly"),
        interval: "yearly",
      }),
    ],
    [
      "of acacia, of which a credit balance paid a part",
      "acacia.renewal",
      sold("acacia_renewal", {
        reason: "subscription_cycle",
        references: legacyReferences("acacia_renewal"),
        sale: { minorUnits: 4067, currency: "GBP", decimals: 2 },
        paid: { minorUnits: 4880, currency: "GBP", decimals: 2 },
        ...team("price_team_monthly"),
        interval: "monthly",
      }),
    ],
    [
      "of basil, with a coupon, exclusive tax and a setup fee",
      "basil.first",
      sold("basil_first", {
        sale: eur(11000),
        paid: eur(13090),
        productIds: ["prod_setup", "prod_team"],
        priceIds: ["price_setup", "price_team_monthly"],
        interval: "monthly",
      }),
    ],
    [
      "of basil that names no referral and states its year only as a period",
      "basil.renewal",
      sold("basil_renewal", {
        reason: "subscription_cycle",
        identity: { customerId: "cus_ada" },
        sale: usd(50000),
        ...team("price_team_yearly"),
        interval: "yearly",
      }),
    ],
    [
      "of basil that was made by hand and has no parent",
      "basil.manual",
      sold("basil_manual", {
        references: { invoice: "in_basil_manual", customer: "cus_ada" },
        sale: usd(90000),
        productIds: ["prod_consulting"],
        priceIds: ["price_consulting"],
        isSubscription: false,
        metadata: { subscription: undefined, billing_reason: "manual" },
      }),
    ],
    [
      "of clover, with inclusive tax, of a customer who is an account",
      "clover.first",
      sold("clover_first", {
        identity: { referralId: "ref_42", customerId: "acct_buyer" },
        references: { invoice: "in_clover_first", customer: "acct_buyer", subscription: "sub_ada" },
        sale: eur(10000),
        paid: eur(11900),
        ...team("price_team_monthly"),
        interval: "monthly",
      }),
    ],
    [
      "of clover in yen, which have no decimals, for February",
      "clover.renewal",
      sold("clover_renewal", {
        reason: "subscription_cycle",
        sale: { minorUnits: 1500, currency: "JPY", decimals: 0 },
        paid: { minorUnits: 1650, currency: "JPY", decimals: 0 },
        ...team("price_team_monthly_jpy"),
        interval: "monthly",
      }),
    ],
    [
      "of clover for an upgrade, with unused time given back",
      "clover.proration",
      sold("clover_proration", {
        reason: "subscription_update",
        sale: usd(4500),
        ...team("price_team_monthly"),
      }),
    ],
    [
      "of clover with more lines than a webhook carries",
      "clover.many-lines",
      sold("clover_many", {
        reason: "subscription_cycle",
        sale: usd(14000),
        productIds: ["prod_seat_0", "prod_seat_1"],
        priceIds: ["price_seat_0", "price_seat_1", "price_seat_2"],
        interval: "monthly",
      }),
    ],
    [
      "of endive, with exclusive tax, for a leap year",
      "endive.first",
      sold("endive_first", {
        sale: usd(10000),
        paid: usd(10825),
        ...team("price_team_yearly"),
        interval: "yearly",
      }),
    ],
    [
      "of dahlia in dinar, which have three decimals",
      "endive.renewal",
      sold("endive_renewal", {
        reason: "subscription_cycle",
        sale: { minorUnits: 5120, currency: "KWD", decimals: 3 },
        ...team("price_team_monthly_kwd"),
        interval: "monthly",
      }),
    ],
    [
      "that is pinned to 2022 and carries both shapes, from a connected account",
      "hybrid.first",
      sold("hybrid_first", {
        references: legacyReferences("hybrid_first"),
        sale: usd(2900),
        paid: usd(3190),
        productIds: ["prod_solo"],
        priceIds: ["price_solo_monthly"],
        interval: "monthly",
        metadata: { account: "acct_connected" },
      }),
    ],
    [
      "that is pinned to 2022 and carries both shapes, again at the renewal",
      "hybrid.renewal",
      sold("hybrid_renewal", {
        reason: "subscription_cycle",
        references: legacyReferences("hybrid_renewal"),
        sale: usd(2900),
        paid: usd(3190),
        productIds: ["prod_solo"],
        priceIds: ["price_solo_monthly"],
        interval: "monthly",
        metadata: { account: "acct_connected" },
      }),
    ],
  ])("%s becomes its conversion", async (_, name, expected) => {
    expect(await recordsOf(adapter, fixture(`invoice-paid.${name}`))).toEqual([expected]);
  });

  it("is the same sale whatever api_version the event claims", async () => {
    for (const name of [
      "legacy.first",
      "acacia.first",
      "basil.first",
      "clover.first",
      "endive.first",
      "hybrid.first",
    ]) {
      const expected = await recordsOf(adapter, fixture(`invoice-paid.${name}`));
      for (const api_version of ["2015-01-01", "2022-11-15", "2025-03-31.basil", "2026-10-28.endive", null]) {
        expect(await recordsOf(adapter, withEvent(`invoice-paid.${name}`, { api_version }))).toEqual(expected);
      }
    }
  });

  it("is nothing while it costs nothing, as at the start of a trial", async () => {
    expect(await recordsOf(adapter, fixture("invoice-paid.basil.trial"))).toEqual([
      {
        kind: "skip",
        source: "stripe",
        reason: "no_amount",
        externalEventId: "evt_basil_trial",
        message: expect.stringContaining("in_basil_trial"),
      },
    ]);
  });

  it("is nothing at a discount of 100 %, or when a credit balance paid all of it", async () => {
    const name = "invoice-paid.clover.first";
    for (const amounts of [
      { subtotal: 11900, total: 0, total_excluding_tax: 0, amount_due: 0, amount_paid: 0, total_taxes: [] },
      { starting_balance: -20000, ending_balance: -8100, amount_due: 0, amount_paid: 0 },
      { total: -500, total_excluding_tax: -500, amount_due: 0, amount_paid: 0 },
    ]) {
      expect(await recordsOf(adapter, withObject(name, amounts))).toMatchObject([
        { kind: "skip", reason: "no_amount" },
      ]);
    }
  });

  it("may be of a guest, and an e-mail address is not taken for an id", async () => {
    const event = withObject("invoice-paid.basil.manual", { customer: null, metadata: {} });
    expect(await recordsOf(adapter, event)).toMatchObject([{ kind: "event", identity: {} }]);
    const [record] = await recordsOf(adapter, event);
    expect(JSON.stringify(record)).not.toContain("@");
    expect(record).toHaveProperty("identity", { referralId: undefined, customerId: undefined });
  });

  it.each([
    ["expanded", { id: "cus_ada", object: "customer", email: "ada@example.com", metadata: {} }],
    ["deleted", { id: "cus_ada", object: "customer", deleted: true }],
  ])("may have its customer as an object that is %s", async (_, customer) => {
    const event = withObject("invoice-paid.clover.first", { customer, customer_account: "acct_other" });
    expect(await recordsOf(adapter, event)).toMatchObject([
      { identity: { customerId: "cus_ada" }, references: { customer: "cus_ada" } },
    ]);
  });

  it("may have its subscription, payment and charge as objects", async () => {
    const event = withObject("invoice-paid.acacia.first", {
      subscription: { id: "sub_object", object: "subscription" },
      payment_intent: { id: "pi_object", object: "payment_intent", latest_charge: "ch_object" },
      charge: { id: "ch_object", object: "charge" },
    });
    expect(await recordsOf(adapter, event)).toMatchObject([
      { references: { subscription: "sub_object", payment: "pi_object", charge: "ch_object" } },
    ]);
  });

  it("may have its prices and products as objects, in either shape", async () => {
    const product = { id: "prod_object", object: "product", name: "Team" };
    const price = { id: "price_object", object: "price", product };
    const expected = [{ productIds: ["prod_object"], priceIds: ["price_object"] }];
    const pricing = { price_details: { price, product }, type: "price_details", unit_amount_decimal: "10000" };
    expect(await recordsOf(adapter, withLines("invoice-paid.endive.first", [{ pricing }]))).toMatchObject(expected);
    const line = { price: { ...price, recurring: null }, plan: null };
    expect(await recordsOf(adapter, withLines("invoice-paid.acacia.first", [line]))).toMatchObject(expected);
    const plan = { id: "price_object", product, interval: "month", interval_count: 1 };
    const planned = withLines("invoice-paid.legacy.first", [{ price: undefined, plan }]);
    expect(await recordsOf(adapter, planned)).toMatchObject([{ ...expected[0], interval: "monthly" }]);
  });

  it("may have no price on a line, or pricing without price_details", async () => {
    for (const pricing of [
      undefined,
      null,
      { type: "price_details", unit_amount_decimal: "10000" },
      { price_details: null },
    ]) {
      expect(await recordsOf(adapter, withLines("invoice-paid.endive.first", [{ pricing }]))).toMatchObject([
        { sale: usd(10000), productIds: [], priceIds: [], interval: "yearly" },
      ]);
    }
  });

  it("names nothing as sold that a line gives back, unless nothing else is there", async () => {
    const priced = (name: string, amount: number | null) => ({
      amount,
      pricing: { price_details: { product: `prod_${name}`, price: `price_${name}` } },
    });
    const old = priced("old", -500);
    const lines = [old, priced("free", 0), priced("new", 900), priced("unsaid", null)];
    expect(await recordsOf(adapter, withLines("invoice-paid.clover.first", lines))).toMatchObject([
      { productIds: ["prod_free", "prod_new", "prod_unsaid"], priceIds: ["price_free", "price_new", "price_unsaid"] },
    ]);
    expect(await recordsOf(adapter, withLines("invoice-paid.clover.first", [old]))).toMatchObject([
      { productIds: ["prod_old"], priceIds: ["price_old"] },
    ]);
  });

  it("may have no lines at all", async () => {
    expect(await recordsOf(adapter, withLines("invoice-paid.basil.renewal", []))).toMatchObject([
      { sale: usd(50000), productIds: [], priceIds: [], isSubscription: true },
    ]);
  });

  it("takes its subscription from a line where the invoice names none", async () => {
    const basil = withObject("invoice-paid.basil.renewal", { parent: null });
    const quoted = { type: "quote_details", quote_details: { quote: "qt_1" }, subscription_details: null };
    const ofQuote = withObject("invoice-paid.basil.renewal", { parent: quoted });
    const legacy = withObject("invoice-paid.legacy.first", { subscription: undefined });
    for (const event of [basil, ofQuote, legacy]) {
      expect(await recordsOf(adapter, event)).toMatchObject([
        { references: { subscription: "sub_ada" }, metadata: { subscription: "sub_ada" }, isSubscription: true },
      ]);
    }
  });

  it("takes its subscription from the first line that has one", async () => {
    const oneOff = { type: "invoiceitem", subscription: null, plan: null, price: null };
    const event = withLines("invoice-paid.legacy.first", [oneOff, {}], { subscription: undefined });
    expect(await recordsOf(adapter, event)).toMatchObject([
      { references: { subscription: "sub_ada" }, metadata: { subscription: "sub_ada" }, isSubscription: true },
    ]);
  });

  it("is a subscription's where one line of several recurs, though no line says which one's", async () => {
    const recurring = { subscription: null };
    const oneOff = { type: "invoiceitem", subscription: null, plan: null, price: null };
    for (const lines of [
      [oneOff, recurring],
      [recurring, oneOff],
    ]) {
      const event = withLines("invoice-paid.legacy.first", lines, { subscription: undefined });
      expect(await recordsOf(adapter, event)).toMatchObject([{ kind: "event", isSubscription: true }]);
    }
  });

  it("takes its subscription from a one-off item that was added to it, since basil", async () => {
    const item = (subscription: unknown) => ({
      type: "invoice_item_details",
      subscription_item_details: null,
      invoice_item_details: { invoice_item: "ii_1", subscription, proration: false },
    });
    for (const subscription of ["sub_ada", { id: "sub_ada", object: "subscription" }]) {
      expect(
        await recordsOf(adapter, withLines("invoice-paid.basil.manual", [{ parent: item(subscription) }])),
      ).toMatchObject([
        { references: { subscription: "sub_ada" }, metadata: { subscription: "sub_ada" }, isSubscription: true },
      ]);
    }
    for (const subscription of [null, undefined, ""]) {
      const [record] = await recordsOf(
        adapter,
        withLines("invoice-paid.basil.manual", [{ parent: item(subscription) }]),
      );
      expect(record).toMatchObject({ kind: "event", isSubscription: false });
      expect(record).toHaveProperty("references.subscription", undefined);
    }
  });

  it("takes an empty text in place of an id for none", async () => {
    const name = "invoice-paid.clover.first";
    for (const customer of ["", { id: "", object: "customer" }]) {
      expect(await recordsOf(adapter, withObject(name, { customer, customer_account: "acct_buyer" }))).toMatchObject([
        { identity: { customerId: "acct_buyer" }, references: { customer: "acct_buyer" } },
      ]);
      const [guest] = await recordsOf(adapter, withObject(name, { customer, customer_account: "" }));
      expect(guest).toMatchObject({ kind: "event", identity: { referralId: "ref_42" } });
      expect(guest).toHaveProperty("identity.customerId", undefined);
      expect(guest).toHaveProperty("references.customer", undefined);
    }
    const legacy = withObject("invoice-paid.legacy.first", { subscription: "", payment_intent: "", charge: "" });
    const [record] = await recordsOf(adapter, legacy);
    expect(record).toMatchObject({ references: { subscription: "sub_ada" }, isSubscription: true });
    expect(record).toHaveProperty("references.payment", undefined);
    expect(record).toHaveProperty("references.charge", undefined);
    const empty = { type: "price_details", price_details: { price: "", product: "" } };
    expect(await recordsOf(adapter, withLines("invoice-paid.endive.first", [{ pricing: empty }]))).toMatchObject([
      { productIds: [], priceIds: [] },
    ]);
  });

  it("is dated by the event where it does not say when it was paid", async () => {
    for (const status_transitions of [undefined, null, { paid_at: null }]) {
      const event = withObject("invoice-paid.basil.renewal", { status_transitions });
      expect(await recordsOf(adapter, event)).toMatchObject([{ occurredAt: "2025-10-09T08:55:07.000Z" }]);
    }
  });

  it("is not reported again by invoice.payment_succeeded", async () => {
    const event = withEvent("invoice-paid.clover.first", { type: "invoice.payment_succeeded", id: "evt_twin" });
    expect(await recordsOf(adapter, event)).toEqual([
      {
        kind: "skip",
        source: "stripe",
        reason: "reported_elsewhere",
        externalEventId: "evt_twin",
        message: expect.stringContaining("invoice.paid"),
      },
    ]);
  });

  it("keeps its business key when a second event tells of it", async () => {
    const again = withEvent("invoice-paid.clover.first", { id: "evt_again" });
    expect(await recordsOf(adapter, again)).toMatchObject([
      { externalEventId: "evt_again", businessKey: "invoice:in_clover_first" },
    ]);
  });

  it.each([
    ["data.object.amount_paid", { amount_paid: "topsecret" }],
    ["data.object.amount_paid", { amount_paid: 19.99 }],
    ["data.object.currency", { currency: undefined }],
    ["data.object.currency", { currency: "topsecret" }],
    ["data.object.currency", { currency: "" }],
    ["data.object.currency", { currency: "u$d" }],
    ["data.object.lines", { lines: undefined }],
    ["data.object.object", { object: "topsecret" }],
    ["data.object.total_taxes.0.amount", { total_taxes: [{ amount: "topsecret" }] }],
    ["data.object.customer", { customer: { topsecret: 1 } }],
  ])("of a wrong shape is refused with its field %s and no value", async (field, changes) => {
    const error = await failureOf(recordsOf(adapter, withObject("invoice-paid.clover.first", changes)));
    expect(error).toMatchObject({ code: "malformed_payload", status: 400 });
    expect(error.message).toContain(`${field}:`);
    expect(error.message).not.toMatch(/topsecret|19\.99|ref_42|ada@example/);
  });
});

describe("what was paid for an invoice", () => {
  const paidFor = async (
    changes: Record<string, unknown>,
    { name = "invoice-paid.clover.first", amount = "net" as StripeAmount } = {},
  ) => {
    const [record] = await recordsOf(stripe({ webhookSecret: SECRET, amount }), withObject(name, changes));
    expect(record).toMatchObject({ kind: "event" });
    return record?.kind === "event" ? record.paid : undefined;
  };

  it("stands beside the sale where it is another amount, since refunds are of what was paid", async () => {
    expect(await paidFor({})).toEqual(eur(11900));
    expect(await paidFor({}, { amount: () => 4242 })).toEqual(eur(11900));
    expect(await paidFor({}, { amount: () => 20_000 })).toEqual(eur(11900));
  });

  it("is not repeated where it is the sale", async () => {
    expect(await paidFor({}, { amount: "gross" })).toBeUndefined();
    expect(await paidFor({}, { amount: () => 11900 })).toBeUndefined();
    expect(await paidFor({ total_excluding_tax: 11900 })).toBeUndefined();
    expect(await paidFor({ amount_paid: 5000 }, { amount: "gross" })).toBeUndefined();
  });

  it("is what the customer paid, where a credit balance paid the rest: no more can be given back", async () => {
    expect(await paidFor({ amount_paid: 5000, starting_balance: -6900 })).toEqual(eur(5000));
  });

  it("is no more than the total, where more was paid: the whole total given back is the whole sale", async () => {
    expect(await paidFor({ amount_paid: 12400, starting_balance: 500 })).toEqual(eur(11900));
    expect(await paidFor({ amount_paid: 12400 }, { amount: () => 4242 })).toEqual(eur(11900));
    expect(await paidFor({ amount_paid: 12400 }, { amount: "gross" })).toBeUndefined();
  });

  it("is absent where nothing was paid, and your function makes it a sale all the same", async () => {
    for (const amount_paid of [0, -500]) {
      expect(await paidFor({ amount_paid }, { amount: (sale) => Number(sale["subtotal"]) })).toBeUndefined();
    }
  });

  it.each([
    ["JPY", 0],
    ["KWD", 3],
    ["UGX", 2],
  ])("has Stripe's own decimals, as the sale has: %s", async (currency, decimals) => {
    expect(await paidFor({ currency: currency.toLowerCase() })).toEqual({ minorUnits: 11900, currency, decimals });
  });
});

describe("the amount of an invoice", () => {
  const amountOf = async (
    changes: Record<string, unknown>,
    { name = "invoice-paid.clover.first", amount = "net" as StripeAmount } = {},
  ) => {
    const [record] = await recordsOf(stripe({ webhookSecret: SECRET, amount }), withObject(name, changes));
    return record?.kind === "event" ? record.sale?.minorUnits : record?.kind === "skip" ? record.reason : undefined;
  };

  it("is the total without tax, as Stripe states it", async () => {
    expect(await amountOf({})).toBe(10000);
    expect(await amountOf({ total_taxes: [{ amount: 1 }] })).toBe(10000);
  });

  it("is without the tax that total_taxes, tax or total_tax_amounts state where no net total is", async () => {
    const none = { total_excluding_tax: null, total_taxes: undefined };
    expect(await amountOf({ ...none, total_taxes: [{ amount: 1000 }, { amount: 900 }] })).toBe(10000);
    expect(await amountOf({ ...none, tax: 1900 })).toBe(10000);
    expect(await amountOf({ ...none, total_tax_amounts: [{ amount: 1500 }, { amount: 400 }] })).toBe(10000);
    expect(await amountOf({ ...none, tax: null, total_tax_amounts: [{ amount: 1900 }] })).toBe(10000);
    expect(await amountOf({ ...none, total_excluding_tax: undefined, tax: 0, total_taxes: [{ amount: 1900 }] })).toBe(
      10000,
    );
    expect(await amountOf(none)).toBe(11900);
  });

  it("counts each tax once where a payload states it in several shapes", async () => {
    const changes = { total_excluding_tax: undefined, tax: 290, total_tax_amounts: [{ amount: 290 }] };
    expect(await amountOf(changes, { name: "invoice-paid.hybrid.first" })).toBe(2900);
  });

  it("is its share of the net total where a credit balance paid a part: that paid goods and tax alike", async () => {
    expect(await amountOf({ amount_paid: 11899, starting_balance: -1 })).toBe(9999);
    expect(await amountOf({ amount_paid: 5950 })).toBe(5000);
    expect(await amountOf({ amount_paid: 5950, total_excluding_tax: null })).toBe(5000);
    expect(await amountOf({ amount_paid: 1 })).toBe(1);
  });

  it("goes down where the share ends on half a cent", async () => {
    const half = { total: 200, total_excluding_tax: 150, total_taxes: [{ amount: 50 }] };
    expect(await amountOf({ ...half, amount_paid: 2 })).toBe(1);
    expect(await amountOf({ ...half, amount_paid: 6 })).toBe(4);
    expect(await amountOf({ ...half, amount_paid: 7 })).toBe(5);
  });

  it("is the net total where more was paid, since an earlier debt or a credit to come is no part of it", async () => {
    expect(await amountOf({ amount_paid: 12400, starting_balance: 500 })).toBe(10000);
    expect(await amountOf({ amount_paid: 12400, amount_overpaid: 500 })).toBe(10000);
    expect(await amountOf({ amount_paid: 12400, total_excluding_tax: null })).toBe(10000);
  });

  it("is nothing where only an earlier debt was paid, or tax alone was given back", async () => {
    for (const amount of ["net", "gross"] as const) {
      const nothing = { total: 0, total_excluding_tax: 0, total_taxes: [] };
      expect(await amountOf({ ...nothing, amount_paid: 500, starting_balance: 500 }, { amount })).toBe("no_amount");
      expect(await amountOf({ ...nothing, amount_paid: -500 }, { amount })).toBe("no_amount");
      const taxGiven = { total: -500, total_excluding_tax: 100, total_taxes: [{ amount: -600 }] };
      expect(await amountOf({ ...taxGiven, amount_paid: 0 }, { amount })).toBe("no_amount");
    }
  });

  it("is never the sum of the lines", async () => {
    const event = withLines("invoice-paid.clover.first", [{ amount: 1 }, { amount: -99 }]);
    expect(await recordsOf(adapter, event)).toMatchObject([{ sale: { minorUnits: 10000 } }]);
  });

  it('is what was paid of the total with amount: "gross"', async () => {
    expect(await amountOf({}, { amount: "gross" })).toBe(11900);
    expect(await amountOf({ amount_paid: 5000 }, { amount: "gross" })).toBe(5000);
    expect(await amountOf({ amount_paid: 12400, starting_balance: 500 }, { amount: "gross" })).toBe(11900);
    expect(await amountOf({ amount_paid: 0 }, { amount: "gross" })).toBe("no_amount");
  });

  it("is what your function answers, sync or async, and nothing is sold at 0 or less", async () => {
    const sale = fixture("invoice-paid.clover.first").data.object;
    const asked: unknown[] = [];
    const amount = (invoice: object) => {
      asked.push(invoice);
      return 123;
    };
    expect(await amountOf({}, { amount })).toBe(123);
    expect(asked).toMatchObject([
      { id: "in_clover_first", number: "EXAMPLE-0001", lines: { data: [{ subtotal: 11900 }] } },
    ]);
    expect(sale).toMatchObject({ id: "in_clover_first" });
    expect(await amountOf({}, { amount: async () => 456 })).toBe(456);
    expect(await amountOf({}, { amount: () => 0 })).toBe("no_amount");
    expect(await amountOf({}, { amount: () => -5 })).toBe("no_amount");
  });

  it.each([19.99, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60, "100", undefined, null, 100n])(
    "must be an integer of minor units, and your function answered %s",
    async (answer) => {
      const error = await failureOf(amountOf({}, { amount: () => answer as number }));
      expect(error).toMatchObject({ code: "mapping_failed", status: 503 });
      expect(error.message).toContain("amount of stripe()");
    },
  );

  it("keeps the webhook with Stripe when your function throws", async () => {
    const cause = new Error("no rate for today");
    const rejecting = () => Promise.reject(cause);
    const throwing = () => {
      throw cause;
    };
    for (const amount of [rejecting, throwing]) {
      expect(await failureOf(amountOf({}, { amount }))).toMatchObject({
        code: "mapping_failed",
        retryable: true,
        cause,
      });
    }
  });

  it.each([
    ...["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"].map(
      (currency) => [currency, 0] as const,
    ),
    ...["BHD", "JOD", "KWD", "OMR", "TND"].map((currency) => [currency, 3] as const),
    ...["USD", "EUR", "UGX", "ISK", "HUF", "TWD", "CNY", "MRU"].map((currency) => [currency, 2] as const),
  ])("in %s has %i decimals at Stripe", async (currency, decimals) => {
    const event = withObject("invoice-paid.clover.first", { currency: currency.toLowerCase() });
    expect(await recordsOf(adapter, event)).toMatchObject([{ sale: { minorUnits: 10000, currency, decimals } }]);
  });
});

describe("the interval of an invoice", () => {
  const start = 1_760_000_000;
  const period = (days: number) => ({ start, end: start + days * 86_400 });
  const intervalOf = async (lines: readonly Record<string, unknown>[], name: string) => {
    const [record] = await recordsOf(adapter, withLines(name, lines));
    expect(record).toMatchObject({ kind: "event", type: "conversion" });
    return record?.kind === "event" ? record.interval : undefined;
  };
  const byPeriod = (...days: number[]) =>
    intervalOf(
      days.map((count) => ({ period: period(count) })),
      "invoice-paid.clover.first",
    );
  const recurring = (interval: string, interval_count = 1) => ({
    plan: null,
    price: { id: "price_1", product: "prod_1", recurring: { interval, interval_count } },
  });
  const byPrice = (...lines: object[]) => intervalOf(lines as Record<string, unknown>[], "invoice-paid.acacia.first");

  it.each([28, 29, 30, 31])("is monthly for a period of %i days", async (days) => {
    expect(await byPeriod(days)).toBe("monthly");
  });

  it.each([365, 366])("is yearly for a period of %i days", async (days) => {
    expect(await byPeriod(days)).toBe("yearly");
  });

  it.each([0, 1, 7, 14, 27, 32, 90, 182, 364, 367, 730])("is absent for a period of %i days", async (days) => {
    expect(await byPeriod(days)).toBeUndefined();
  });

  it("is that of the price where there is one, whatever the period", async () => {
    expect(await byPrice({ ...recurring("year"), period: period(30) })).toBe("yearly");
    expect(await byPrice({ ...recurring("month"), period: period(365) })).toBe("monthly");
    expect(await byPrice({ ...recurring("month", 12), period: period(365) })).toBe("yearly");
  });

  it("is that of the plan where there is no price", async () => {
    const plan = (interval: string, interval_count: number | null) => ({
      price: null,
      plan: { id: "plan_1", product: "prod_1", interval, interval_count },
    });
    expect(await byPrice(plan("month", 1))).toBe("monthly");
    expect(await byPrice(plan("year", null))).toBe("yearly");
    expect(await byPrice(plan("month", 3))).toBeUndefined();
  });

  it.each([
    ["day", 1],
    ["week", 1],
    ["week", 4],
    ["month", 3],
    ["month", 6],
    ["month", 24],
    ["year", 2],
  ])("is absent for a price of every %s × %i, also where the period looks like a month", async (interval, count) => {
    expect(await byPrice({ ...recurring(interval, count), period: period(28) })).toBeUndefined();
  });

  it("is absent where lines disagree", async () => {
    expect(await byPrice(recurring("month"), recurring("year"))).toBeUndefined();
    expect(await byPrice(recurring("month"), recurring("week"))).toBeUndefined();
    expect(await byPrice(recurring("week"), recurring("month"))).toBeUndefined();
    expect(await byPeriod(31, 365)).toBeUndefined();
  });

  it("is that on which all lines agree", async () => {
    expect(await byPrice(recurring("month"), recurring("month"))).toBe("monthly");
    expect(await byPeriod(30, 31)).toBe("monthly");
  });

  it("is not taken from what a proration leaves of a cycle", async () => {
    const parent = {
      type: "subscription_item_details",
      subscription_item_details: { subscription: "sub_ada", subscription_item: "si_ada", proration: true },
    };
    const prorated = { parent, period: period(30), amount: -900 };
    expect(await intervalOf([prorated], "invoice-paid.clover.first")).toBeUndefined();
    expect(await intervalOf([prorated, { period: period(365) }], "invoice-paid.clover.first")).toBe("yearly");
    const legacy = { price: null, plan: null, type: "subscription", proration: true, period: period(30) };
    expect(await intervalOf([legacy], "invoice-paid.acacia.first")).toBeUndefined();
  });

  it.each([14, 30, 365])(
    "is not taken from the period of a line for nothing, which is a trial: %i days",
    async (days) => {
      const trial = { amount: 0, period: period(days) };
      expect(await intervalOf([trial], "invoice-paid.clover.first")).toBeUndefined();
      expect(await intervalOf([trial, { period: period(365) }], "invoice-paid.clover.first")).toBe("yearly");
      expect(await intervalOf([{ period: period(30) }, trial], "invoice-paid.clover.first")).toBe("monthly");
    },
  );

  it("is that of the price for a line for nothing too", async () => {
    expect(await byPrice({ ...recurring("year"), amount: 0, period: period(30) })).toBe("yearly");
  });

  it("is that of the new plan on an upgrade, in either generation", async () => {
    const proration = (amount: number) => ({ amount, period: period(12) });
    const legacyPart = { type: "invoiceitem", proration: true };
    const basilPart = {
      parent: {
        type: "subscription_item_details",
        subscription_item_details: { subscription: "sub_ada", subscription_item: "si_ada", proration: true },
      },
    };
    const legacy = [
      { ...proration(-500), ...legacyPart, ...recurring("month") },
      { amount: 90_000, period: period(365), ...recurring("year") },
    ];
    const basil = [
      { ...proration(-500), ...basilPart },
      { amount: 90_000, period: period(365) },
    ];
    for (const lines of [legacy, [...legacy].reverse()]) expect(await byPrice(...lines)).toBe("yearly");
    for (const lines of [basil, [...basil].reverse()]) {
      expect(await intervalOf(lines, "invoice-paid.clover.first")).toBe("yearly");
    }
  });

  it("is not that of a proration beside a cycle that has no word", async () => {
    const proration = { ...recurring("month"), proration: true };
    expect(await byPrice(proration, recurring("week"))).toBeUndefined();
    expect(await byPrice(recurring("week"), proration)).toBeUndefined();
  });

  it("is that on which prorations agree by their prices where there is nothing else", async () => {
    const proration = (interval: string) => ({ ...recurring(interval), proration: true });
    expect(await byPrice(proration("month"), proration("month"))).toBe("monthly");
    expect(await byPrice(proration("month"), proration("year"))).toBeUndefined();
  });

  it("is absent for an item that is sold once, though its line has a period", async () => {
    const event = withLines("invoice-paid.basil.manual", [{ period: period(30) }]);
    const [record] = await recordsOf(adapter, event);
    expect(record).toMatchObject({ kind: "event", isSubscription: false });
    expect(record).toHaveProperty("interval", undefined);
  });
});

describe("the referral of an invoice", () => {
  const at = (referral: string | undefined) => ({ affonso_referral: referral, plan: "team" });
  const referralOf = async (changes: Record<string, unknown>, lines: readonly Record<string, unknown>[] = [{}]) => {
    const [record] = await recordsOf(adapter, withLines("invoice-paid.hybrid.first", lines, changes));
    return record?.kind === "event" ? record.identity.referralId : undefined;
  };
  const parent = (metadata: unknown) => ({
    type: "subscription_details",
    subscription_details: { metadata, subscription: "sub_ada" },
  });

  it("is the subscription's first, then the legacy copy of it, then a line's, then the invoice's own", async () => {
    const places = {
      parent: parent(at("ref_parent")),
      subscription_details: { metadata: at("ref_legacy") },
      metadata: at("ref_invoice"),
    };
    const lines = [{ metadata: {} }, { metadata: at("ref_line") }];
    expect(await referralOf(places, lines)).toBe("ref_parent");
    expect(await referralOf({ ...places, parent: parent({}) }, lines)).toBe("ref_legacy");
    expect(await referralOf({ ...places, parent: parent(null), subscription_details: null }, lines)).toBe("ref_line");
    expect(
      await referralOf({ ...places, parent: undefined, subscription_details: undefined }, [{ metadata: {} }]),
    ).toBe("ref_invoice");
  });

  it.each([" ref_42", "ref_42 ", "\tref_42\n", "\u00a0ref_42\ufeff", `${" ".repeat(300)}ref_42`])(
    "is taken without the white space around it: %j",
    async (referral) => {
      expect(await referralOf({ parent: parent(at(referral)) })).toBe("ref_42");
    },
  );

  it("is passed over where it is empty, no text, too long or has control characters", async () => {
    for (const nonsense of [
      "",
      "  ",
      "x".repeat(256),
      "ref\n42",
      "ref\u0000",
      42,
      null,
      ["ref_42"],
      { id: "ref_42" },
    ]) {
      const places = { parent: parent({ affonso_referral: nonsense }), subscription_details: null };
      expect(await referralOf({ ...places, metadata: at("ref_invoice") }, [{ metadata: {} }])).toBe("ref_invoice");
      expect(await referralOf({ ...places, metadata: {} }, [{ metadata: {} }])).toBeUndefined();
    }
  });

  it("is never inherited: __proto__ and constructor are keys like others, and reach nothing", async () => {
    const hostile =
      '{"__proto__":{"affonso_referral":"ref_evil","polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}}}';
    const event = JSON.parse(
      JSON.stringify(fixture("invoice-paid.clover.first"))
        .replaceAll('{"affonso_referral":"ref_42"}', hostile)
        .replace('"metadata":{}', `"metadata":${hostile},"__proto__":{"customer":"cus_evil","charge":"ch_evil"}`),
    );
    const [record] = await recordsOf(adapter, event);
    expect(record).toMatchObject({ kind: "event", identity: { customerId: "acct_buyer" } });
    expect(JSON.stringify(record)).not.toMatch(/evil|polluted|__proto__/);
    expect(record).toHaveProperty("identity.referralId", undefined);
    expect({}).not.toHaveProperty("polluted");
    expect(Object.prototype).not.toHaveProperty("affonso_referral");
  });
});
