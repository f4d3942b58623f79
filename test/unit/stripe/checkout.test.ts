import { describe, expect, it } from "vitest";
import { type ClientReferenceId, type StripeAmount, stripe } from "../../../adapters/stripe/index.js";
import { recordsOf } from "../../helpers/records.js";
import { failureOf, fixture, SECRET, withObject } from "./webhook.js";

const adapter = stripe({ webhookSecret: SECRET });
const CREATED_AT = "2025-10-09T08:55:07.000Z";

const conversion = {
  kind: "event",
  source: "stripe",
  name: "checkout_completed",
  type: "conversion",
  externalEventId: "evt_cs_payment",
  businessKey: "checkout:cs_payment",
  identity: { referralId: "ref_42", customerId: "cus_ada" },
  references: { session: "cs_payment", customer: "cus_ada", payment: "pi_payment" },
  occurredAt: CREATED_AT,
  sale: { minorUnits: 4900, currency: "EUR", decimals: 2 },
  paid: { minorUnits: 5831, currency: "EUR", decimals: 2 },
  isSubscription: false,
  metadata: { source: "stripe", session: "cs_payment", payment: "pi_payment" },
};

describe("a completed Checkout session", () => {
  it("that was paid and has no invoice becomes a conversion, without the tax", async () => {
    expect(await recordsOf(adapter, fixture("checkout-session.payment"))).toEqual([conversion]);
  });

  it("whose sale an invoice reports links what it knows to the referral", async () => {
    expect(await recordsOf(adapter, fixture("checkout-session.with-invoice"))).toEqual([
      {
        kind: "link",
        source: "stripe",
        referralId: "ref_42",
        references: { session: "cs_invoice", customer: "cus_ada", invoice: "in_of_cs", payment: "pi_invoice" },
      },
    ]);
  });

  it("whose invoice is still to be made links what it knows to the referral, and sells nothing", async () => {
    for (const invoice of [null, undefined, ""]) {
      const event = withObject("checkout-session.with-invoice", { invoice });
      expect(await recordsOf(adapter, event)).toEqual([
        {
          kind: "link",
          source: "stripe",
          referralId: "ref_42",
          references: { session: "cs_invoice", customer: "cus_ada", payment: "pi_invoice" },
        },
      ]);
      expect(
        await recordsOf(adapter, withObject("checkout-session.with-invoice", { invoice, metadata: {} })),
      ).toMatchObject([{ kind: "skip", reason: "no_referral" }]);
    }
    const async = withObject("checkout-session.async-succeeded", { invoice_creation: { enabled: true } });
    expect(await recordsOf(adapter, async)).toMatchObject([{ kind: "link", references: { session: "cs_async" } }]);
  });

  it("that asks for no invoice is a sale, however it says so", async () => {
    for (const invoice_creation of [undefined, null, {}, { enabled: null }, { enabled: false }]) {
      expect(await recordsOf(adapter, withObject("checkout-session.payment", { invoice_creation }))).toEqual([
        conversion,
      ]);
    }
  });

  it("may have an empty text in place of an id, which is none", async () => {
    const empty = { invoice: "", subscription: "", customer: "", customer_account: "acct_buyer" };
    expect(await recordsOf(adapter, withObject("checkout-session.payment", empty))).toEqual([
      {
        ...conversion,
        identity: { referralId: "ref_42", customerId: "acct_buyer" },
        references: { session: "cs_payment", customer: "acct_buyer", payment: "pi_payment" },
      },
    ]);
    const link = { payment_link: "", client_reference_id: "user_7", metadata: {} };
    const [record] = await recordsOf(adapter, withObject("checkout-session.payment", link));
    expect(record).toHaveProperty("identity.referralId", undefined);
  });

  it("of a subscription links it to the referral, whether an invoice is named or not", async () => {
    const references = { session: "cs_subscription", customer: "cus_ada", subscription: "sub_ada" };
    const link = { kind: "link", source: "stripe", referralId: "ref_42" };
    expect(await recordsOf(adapter, fixture("checkout-session.subscription"))).toEqual([
      { ...link, references: { ...references, invoice: "in_of_sub" } },
    ]);
    expect(await recordsOf(adapter, withObject("checkout-session.subscription", { invoice: null }))).toEqual([
      { ...link, references },
    ]);
  });

  it("that names a subscription is no sale of its own, whatever its mode says", async () => {
    for (const mode of ["payment", "later", null, undefined]) {
      for (const subscription of ["sub_ada", { id: "sub_ada", object: "subscription" }]) {
        const event = withObject("checkout-session.payment", { mode, subscription });
        expect(await recordsOf(adapter, event)).toEqual([
          {
            kind: "link",
            source: "stripe",
            referralId: "ref_42",
            references: { session: "cs_payment", customer: "cus_ada", subscription: "sub_ada", payment: "pi_payment" },
          },
        ]);
      }
    }
  });

  it("is no sale yet while unpaid, and one when the payment has succeeded", async () => {
    const references = { session: "cs_async", customer: "cus_ada", payment: "pi_async" };
    expect(await recordsOf(adapter, fixture("checkout-session.unpaid"))).toEqual([
      { kind: "link", source: "stripe", referralId: "ref_42", references },
    ]);
    expect(await recordsOf(adapter, fixture("checkout-session.async-succeeded"))).toEqual([
      {
        ...conversion,
        externalEventId: "evt_cs_async",
        businessKey: "checkout:cs_async",
        references,
        metadata: { source: "stripe", session: "cs_async", payment: "pi_async" },
      },
    ]);
  });

  it("that names no currency is no sale, and still says whose its ids are", async () => {
    expect(await recordsOf(adapter, withObject("checkout-session.payment", { currency: null }))).toEqual([
      { kind: "link", source: "stripe", referralId: "ref_42", references: conversion.references },
    ]);
  });

  it.each([
    ["sets up a payment method", "setup", { session: "cs_setup", customer: "cus_ada" }],
    ["needs no payment", "free", { session: "cs_free", customer: "cus_ada" }],
  ])("that %s is only a link", async (_, name, references) => {
    expect(await recordsOf(adapter, fixture(`checkout-session.${name}`))).toEqual([
      { kind: "link", source: "stripe", referralId: "ref_42", references },
    ]);
  });

  it.each(["with-invoice", "unpaid", "subscription", "setup", "free"])(
    "that sells nothing and names no referral is skipped: %s",
    async (name) => {
      const event = withObject(`checkout-session.${name}`, { metadata: {} });
      expect(await recordsOf(adapter, event)).toEqual([
        {
          kind: "skip",
          source: "stripe",
          reason: "no_referral",
          externalEventId: event.id,
          message: expect.stringMatching(/^cs_/),
        },
      ]);
    },
  );

  it("is a sale for a guest too, who has no id", async () => {
    const [record] = await recordsOf(adapter, withObject("checkout-session.payment", { customer: null }));
    expect(record).toMatchObject({ kind: "event", identity: { referralId: "ref_42" } });
    expect(record).toHaveProperty("identity.customerId", undefined);
    expect(JSON.stringify(record)).not.toContain("@");
  });

  it("may have its ids as objects, and its customer as an account", async () => {
    const objects = {
      customer: { id: "cus_object", object: "customer" },
      payment_intent: { id: "pi_object", object: "payment_intent", status: "succeeded" },
    };
    expect(await recordsOf(adapter, withObject("checkout-session.payment", objects))).toMatchObject([
      { identity: { customerId: "cus_object" }, references: { customer: "cus_object", payment: "pi_object" } },
    ]);
    const account = withObject("checkout-session.payment", { customer: null, customer_account: "acct_buyer" });
    expect(await recordsOf(adapter, account)).toMatchObject([{ identity: { customerId: "acct_buyer" } }]);
    const invoice = withObject("checkout-session.payment", { invoice: { id: "in_object", object: "invoice" } });
    expect(await recordsOf(adapter, invoice)).toMatchObject([{ kind: "link", references: { invoice: "in_object" } }]);
  });

  it("names the connected account", async () => {
    const event = { ...fixture("checkout-session.payment"), account: "acct_connected" };
    expect(await recordsOf(adapter, event)).toMatchObject([{ metadata: { account: "acct_connected" } }]);
  });

  it("uses Stripe's own decimals", async () => {
    for (const [currency, decimals] of [
      ["jpy", 0],
      ["ugx", 2],
      ["isk", 2],
      ["kwd", 3],
    ] as const) {
      const event = withObject("checkout-session.payment", { currency });
      expect(await recordsOf(adapter, event)).toMatchObject([
        { sale: { minorUnits: 4900, currency: currency.toUpperCase(), decimals } },
      ]);
    }
  });

  it.each([
    ["data.object.amount_total", { amount_total: "topsecret" }],
    ["data.object.id", { id: undefined }],
    ["data.object.currency", { currency: "topsecret" }],
    ["data.object.total_details.amount_tax", { total_details: { amount_tax: 0.5 } }],
    ["data.object.object", { object: "invoice" }],
    ["data.object.invoice_creation.enabled", { invoice_creation: { enabled: "topsecret" } }],
  ])("of a wrong shape is refused with its field %s", async (field, changes) => {
    const error = await failureOf(recordsOf(adapter, withObject("checkout-session.payment", changes)));
    expect(error.code).toBe("malformed_payload");
    expect(error.message).toContain(`${field}:`);
    expect(error.message).not.toContain("topsecret");
  });
});

describe("the amount of a Checkout session", () => {
  const sold = (amount: StripeAmount, changes = {}) =>
    recordsOf(stripe({ webhookSecret: SECRET, amount }), withObject("checkout-session.payment", changes));

  it.each<[StripeAmount, number]>([
    ["net", 4900],
    ["gross", 5831],
    [() => 4242, 4242],
    [async () => 1, 1],
  ])("is by the option amount: %s", async (amount, minorUnits) => {
    expect(await sold(amount)).toMatchObject([{ sale: { minorUnits, currency: "EUR" } }]);
  });

  it.each<[StripeAmount, number | undefined]>([
    ["net", 5831],
    ["gross", undefined],
    [() => 4242, 5831],
    [() => 5831, undefined],
  ])("has what was paid beside it where that is another: %s", async (amount, minorUnits) => {
    const [record] = await sold(amount);
    const paid = minorUnits === undefined ? undefined : { minorUnits, currency: "EUR", decimals: 2 };
    expect(record).toHaveProperty("kind", "event");
    expect(record?.kind === "event" && record.paid).toEqual(paid);
  });

  it("has nothing beside it where nothing was paid, and your function makes it a sale all the same", async () => {
    for (const amount_total of [0, null, undefined]) {
      const [record] = await sold(() => 4242, { amount_total });
      expect(record).toMatchObject({ kind: "event", sale: { minorUnits: 4242 } });
      expect(record?.kind === "event" && record.paid).toBeUndefined();
    }
  });

  it("has no tax to take off where none is stated", async () => {
    for (const total_details of [undefined, null, {}, { amount_tax: null }]) {
      expect(await sold("net", { total_details })).toMatchObject([{ sale: { minorUnits: 5831 } }]);
    }
  });

  it("hands the whole session to your function", async () => {
    const asked: object[] = [];
    await sold((session) => asked.push(session) && 100);
    expect(asked).toMatchObject([{ object: "checkout.session", id: "cs_payment", amount_subtotal: 4900 }]);
  });

  it("skips what costs nothing", async () => {
    const message = "cs_payment is for nothing";
    const nothing = [{ kind: "skip", reason: "no_amount", externalEventId: "evt_cs_payment", message }];
    expect(await sold("net", { amount_total: 0, total_details: null })).toMatchObject(nothing);
    expect(await sold("net", { amount_total: null })).toMatchObject(nothing);
    expect(await sold(() => 0)).toMatchObject(nothing);
  });
});

describe("the client_reference_id of a session", () => {
  const identityOf = async (clientReferenceId: ClientReferenceId | undefined, changes = {}) => {
    const using = stripe({ webhookSecret: SECRET, clientReferenceId });
    const [record] = await recordsOf(using, withObject("checkout-session.payment-link", changes));
    // As JSON, since what is undefined is not sent.
    return record?.kind === "event" ? JSON.parse(JSON.stringify(record.identity)) : record;
  };
  const own = { payment_link: null, client_reference_id: "user_7", customer: "cus_ada" };
  const metadata = { affonso_referral: "ref_42" };

  it("is the referral of a payment link by default", async () => {
    expect(await identityOf(undefined)).toEqual({ referralId: "ref_from_link" });
    expect(await identityOf("auto")).toEqual({ referralId: "ref_from_link" });
  });

  it.each([
    ["auto", { referralId: "ref_from_link" }, { customerId: "cus_ada" }],
    ["referral", { referralId: "ref_from_link" }, { referralId: "user_7", customerId: "cus_ada" }],
    ["externalUser", { externalUserId: "ref_from_link" }, { externalUserId: "user_7", customerId: "cus_ada" }],
    ["ignore", {}, { customerId: "cus_ada" }],
  ] as const)("is what clientReferenceId says: %s", async (setting, ofLink, ofOwnSession) => {
    expect(await identityOf(setting)).toEqual(ofLink);
    expect(await identityOf(setting, own)).toEqual(ofOwnSession);
  });

  it.each([
    ["auto", { referralId: "ref_42" }, { referralId: "ref_42", customerId: "cus_ada" }],
    ["referral", { referralId: "ref_42" }, { referralId: "ref_42", customerId: "cus_ada" }],
    [
      "externalUser",
      { referralId: "ref_42", externalUserId: "ref_from_link" },
      { referralId: "ref_42", externalUserId: "user_7", customerId: "cus_ada" },
    ],
    ["ignore", { referralId: "ref_42" }, { referralId: "ref_42", customerId: "cus_ada" }],
  ] as const)("never overrules affonso_referral: %s", async (setting, ofLink, ofOwnSession) => {
    expect(await identityOf(setting, { metadata })).toEqual(ofLink);
    expect(await identityOf(setting, { ...own, metadata })).toEqual(ofOwnSession);
  });

  it("names the referral of the link record of a session with an invoice too", async () => {
    expect(await identityOf("auto", { invoice: "in_1" })).toMatchObject({ kind: "link", referralId: "ref_from_link" });
    expect(await identityOf("ignore", { invoice: "in_1" })).toMatchObject({ kind: "skip", reason: "no_referral" });
  });

  it("that is not taken for the referral is named with its option, where nothing else is there to send", async () => {
    const pricingTable = { payment_link: null, subscription: "sub_1", mode: "subscription" };
    for (const setting of ["auto", "ignore", "externalUser"] as const) {
      expect(await identityOf(setting, pricingTable)).toMatchObject({
        kind: "skip",
        reason: "no_referral",
        message: expect.stringContaining("clientReferenceId"),
      });
    }
    for (const client_reference_id of [null, undefined, ""]) {
      const skipped = await identityOf("auto", { ...pricingTable, client_reference_id });
      expect(skipped).toMatchObject({
        reason: "no_referral",
        message: expect.not.stringContaining("clientReferenceId"),
      });
    }
  });

  it("can be read of a payment link that is an object", async () => {
    expect(await identityOf("auto", { payment_link: { id: "plink_1", object: "payment_link" } })).toEqual({
      referralId: "ref_from_link",
    });
  });

  it("is taken without the white space around it, and so is affonso_referral", async () => {
    const padded = { client_reference_id: "\tref_from_link \n" };
    expect(await identityOf("auto", padded)).toEqual({ referralId: "ref_from_link" });
    expect(await identityOf("externalUser", padded)).toEqual({ externalUserId: "ref_from_link" });
    expect(await identityOf("auto", { metadata: { affonso_referral: " ref_42\r\n" } })).toEqual({
      referralId: "ref_42",
    });
  });

  it("is passed over where it can be no id, and the sale stays", async () => {
    for (const hostile of ["", "   ", "a\nb", "a\r\nSet-Cookie: x=1", "\u0000", "\u202e\ud800", "x".repeat(256)]) {
      for (const setting of ["auto", "referral", "externalUser", "ignore"] as const) {
        const changes = { client_reference_id: hostile, customer: "cus_ada" };
        expect(await identityOf(setting, changes)).toEqual({ customerId: "cus_ada" });
      }
    }
  });

  it("of a wrong type is refused as no session of Stripe's", async () => {
    expect((await failureOf(identityOf("auto", { client_reference_id: 7 }))).code).toBe("malformed_payload");
  });
});
