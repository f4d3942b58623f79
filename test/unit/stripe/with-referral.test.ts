import type Stripe from "stripe";
import { describe, expect, it } from "vitest";
import { stripe, withReferral } from "../../../adapters/stripe/index.js";
import { recordsOf } from "../../helpers/records.js";
import { SECRET, withObject } from "./webhook.js";

type SessionParams = Stripe.Checkout.SessionCreateParams;

const metadata = { affonso_referral: "ref_ada" };
const adapter = stripe({ webhookSecret: SECRET });

describe("withReferral of Stripe", () => {
  it.each<[string, SessionParams, SessionParams]>([
    ["subscription", {}, { subscription_data: { metadata } }],
    ["payment", {}, { payment_intent_data: { metadata } }],
    ["setup", {}, { setup_intent_data: { metadata } }],
    [
      "payment",
      { invoice_creation: { enabled: true } },
      { payment_intent_data: { metadata }, invoice_creation: { enabled: true, invoice_data: { metadata } } },
    ],
    [
      "payment",
      { invoice_creation: { enabled: false } },
      { payment_intent_data: { metadata }, invoice_creation: { enabled: false } },
    ],
  ])("marks what a Checkout session of mode %s makes, with %j", (mode, params, marked) => {
    expect(withReferral({ mode, ...params }, "ref_ada")).toEqual({ mode, ...params, metadata, ...marked });
  });

  it.each<[string, object, object]>([
    ["a subscription", { customer: "cus_1", items: [{ price: "price_1" }] }, {}],
    ["a customer", { email: "ada@shop.example" }, {}],
    ["an invoice", { customer: "cus_1", collection_method: "send_invoice" }, {}],
    ["a payment", { amount: 2900, currency: "usd" }, {}],
    [
      "a quote of a subscription",
      { subscription_data: { trial_period_days: 7 } },
      { subscription_data: { trial_period_days: 7, metadata } },
    ],
    [
      "a payment link with an invoice",
      { invoice_creation: { enabled: true, invoice_data: { footer: "Thanks" } } },
      { invoice_creation: { enabled: true, invoice_data: { footer: "Thanks", metadata } } },
    ],
    ["something without params", {}, {}],
  ])("marks %s itself, and of its parts only those that are there", (_, params, marked) => {
    expect(withReferral(params, "ref_ada")).toEqual({ ...params, metadata, ...marked });
  });

  it("keeps all else, and changes nothing of what it is given", () => {
    const own = { order: "7", seats: 3 };
    const params: SessionParams = deepFreeze({
      mode: "payment",
      line_items: [{ price: "price_1", quantity: 1 }],
      metadata: own,
      payment_intent_data: { description: "Book", metadata: own },
      invoice_creation: { enabled: true, invoice_data: { footer: "Thanks", metadata: own } },
    });
    const marked = withReferral(params, "ref_ada");
    const both = { ...own, ...metadata };
    expect(marked).toEqual({
      mode: "payment",
      line_items: params.line_items,
      metadata: both,
      payment_intent_data: { description: "Book", metadata: both },
      invoice_creation: { enabled: true, invoice_data: { footer: "Thanks", metadata: both } },
    });
    expect(marked.line_items).toBe(params.line_items);
    expect(params.metadata).toEqual(own);
  });

  it.each([[null], [""], [undefined], [{}]] as const)("makes metadata where it is %j", (none) => {
    expect(withReferral({ metadata: none }, "ref_ada")).toEqual({ metadata });
  });

  it.each([undefined, null])("makes a part where it is %j, in its mode alone", (none) => {
    const params = { subscription_data: none, payment_intent_data: none, invoice_creation: none };
    expect(withReferral({ mode: "subscription", ...params }, "ref_ada")).toEqual({
      ...params,
      mode: "subscription",
      metadata,
      subscription_data: { metadata },
    });
  });

  it("replaces a referral that is there, and keeps it where there is no other", () => {
    const old = { metadata: { affonso_referral: "ref_old" } };
    expect(withReferral({ ...old, mode: "subscription", subscription_data: old }, "ref_ada")).toEqual({
      mode: "subscription",
      metadata,
      subscription_data: { metadata },
    });
    expect(withReferral(old, undefined)).toEqual(old);
  });

  it.each([undefined, null, "", "  ", "ref\r\nada", "ref\u0000", "x".repeat(256)])(
    "answers the very params where the referral is %j",
    (referral) => {
      const params = { mode: "subscription", metadata: { order: "7" } };
      expect(withReferral(params, referral)).toBe(params);
      expect(params).toEqual({ mode: "subscription", metadata: { order: "7" } });
    },
  );

  it("refuses the request in place of its referral, in JavaScript, and params that are none", () => {
    for (const referral of [7, true, {}, ["ref_ada"], Symbol("ref_ada")]) {
      expect(() => withReferral({ mode: "subscription" }, referral as never)).toThrow(
        /withReferral's referral must be what referralFrom\(request\) answers/,
      );
    }
    for (const params of [undefined, null, "{}"]) {
      expect(() => withReferral(params as never, "ref_ada")).toThrow(/withReferral's params must be an object/);
    }
  });

  it("leaves out the white space around a referral", () => {
    expect(withReferral({}, " ref_ada\n")).toEqual({ metadata });
  });

  it("stays within Stripe's limits for metadata: 40 characters of key, 500 of value", () => {
    const marked = withReferral<{ metadata?: object }>({}, "😀".repeat(255));
    const [[key, value] = [], ...others] = Object.entries(marked.metadata ?? {});
    expect([key?.length, [...value].length, others]).toEqual([16, 255, []]);
  });
});

describe("what withReferral has put into a Checkout session", () => {
  const sold = (params: SessionParams) => withReferral<SessionParams>(params, "ref_ada");
  /** Stripe's own copies begin as the params say. */
  const noLines = { lines: { data: [] } };
  const ofAda = { identity: { referralId: "ref_ada" } };

  it("is read from the session of a subscription", async () => {
    const { metadata } = sold({ mode: "subscription" });
    expect(await recordsOf(adapter, withObject("checkout-session.subscription", { metadata }))).toMatchObject([
      { kind: "link", referralId: "ref_ada" },
    ]);
  });

  it("is read from the subscription and each of its invoices, of every generation of Stripe's API", async () => {
    const { subscription_data } = sold({ mode: "subscription", subscription_data: { trial_period_days: 7 } });
    const { metadata } = subscription_data ?? {};
    const inParent = { ...noLines, parent: { subscription_details: { metadata } } };
    const line = { id: "il_1", amount: 2900, metadata };
    const events = [
      withObject("subscription-created.trialing", { metadata }),
      withObject("invoice-paid.endive.first", inParent),
      withObject("invoice-paid.basil.renewal", inParent),
      withObject("invoice-paid.acacia.renewal", { ...noLines, subscription_details: { metadata } }),
      withObject("invoice-paid.legacy.first", { subscription_details: undefined, lines: { data: [line] } }),
    ];
    for (const event of events) expect(await recordsOf(adapter, event)).toMatchObject([ofAda]);
  });

  it("is read from the session of a one-off sale", async () => {
    const { metadata } = sold({ mode: "payment" });
    expect(await recordsOf(adapter, withObject("checkout-session.payment", { metadata }))).toMatchObject([ofAda]);
  });

  it("is read from the invoice of a one-off sale", async () => {
    const { invoice_creation } = sold({ mode: "payment", invoice_creation: { enabled: true } });
    const { metadata } = invoice_creation?.invoice_data ?? {};
    expect(await recordsOf(adapter, withObject("invoice-paid.basil.manual", { metadata }))).toMatchObject([ofAda]);
  });

  it("is read from a session that sets up a payment method", async () => {
    const { metadata } = sold({ mode: "setup" });
    expect(await recordsOf(adapter, withObject("checkout-session.setup", { metadata }))).toMatchObject([
      { kind: "link", referralId: "ref_ada" },
    ]);
  });
});

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
