import { describe, expect, it } from "vitest";
import { stripe } from "../../../adapters/stripe/index.js";
import { recordsOf } from "../../helpers/records.js";
import { failureOf, fixture, SECRET, withObject } from "./webhook.js";

const adapter = stripe({ webhookSecret: SECRET });

describe("a subscription that begins", () => {
  it("with a trial becomes a trial", async () => {
    expect(await recordsOf(adapter, fixture("subscription-created.trialing"))).toEqual([
      {
        kind: "event",
        source: "stripe",
        name: "trial_started",
        type: "trial",
        externalEventId: "evt_sub_trialing",
        businessKey: "trial:sub_trial",
        identity: { referralId: "ref_42", customerId: "cus_ada" },
        references: { subscription: "sub_trial", customer: "cus_ada", invoice: "in_of_sub_trial" },
        occurredAt: "2025-10-09T08:55:00.000Z",
        isSubscription: true,
        metadata: { source: "stripe", subscription: "sub_trial", trial_end: "2025-10-23T08:55:00.000Z" },
      },
    ]);
  });

  it("with a trial and no referral is a trial of its customer", async () => {
    const [record] = await recordsOf(adapter, withObject("subscription-created.trialing", { metadata: {} }));
    expect(record).toMatchObject({ type: "trial", identity: { customerId: "cus_ada" } });
    expect(record).toHaveProperty("identity.referralId", undefined);
  });

  it("with a trial of unknown bounds is dated by the event", async () => {
    const event = withObject("subscription-created.trialing", { trial_start: null, trial_end: undefined });
    const [record] = await recordsOf(adapter, event);
    expect(record).toMatchObject({ type: "trial", occurredAt: "2025-10-09T08:55:07.000Z" });
    expect(record).toHaveProperty("metadata", { source: "stripe", subscription: "sub_trial" });
  });

  it("without a trial links itself to its referral", async () => {
    expect(await recordsOf(adapter, fixture("subscription-created.active"))).toEqual([
      {
        kind: "link",
        source: "stripe",
        referralId: "ref_42",
        references: { subscription: "sub_active", customer: "cus_ada", invoice: "in_of_sub_active" },
      },
    ]);
  });

  it.each(["active", "incomplete", "past_due", "paused"])("%s and without a referral is skipped", async (status) => {
    const event = withObject("subscription-created.active", { status, metadata: {} });
    expect(await recordsOf(adapter, event)).toEqual([
      {
        kind: "skip",
        source: "stripe",
        reason: "no_referral",
        externalEventId: "evt_sub_active",
        message: expect.stringContaining("sub_active"),
      },
    ]);
  });

  it("may have its customer and its invoice as objects", async () => {
    const event = withObject("subscription-created.trialing", {
      customer: { id: "cus_object", object: "customer" },
      latest_invoice: { id: "in_object", object: "invoice" },
    });
    expect(await recordsOf(adapter, event)).toMatchObject([
      { identity: { customerId: "cus_object" }, references: { customer: "cus_object", invoice: "in_object" } },
    ]);
  });

  it("may have an empty text in place of an id, which is none", async () => {
    const empty = { customer: "", customer_account: "acct_buyer", latest_invoice: "" };
    for (const name of ["trialing", "active"]) {
      const [record] = await recordsOf(adapter, withObject(`subscription-created.${name}`, empty));
      expect(record).toMatchObject({ references: { customer: "acct_buyer" } });
      expect(record).toHaveProperty("references.invoice", undefined);
    }
  });

  it("is linked to its referral without the white space around it", async () => {
    const metadata = { affonso_referral: " ref_42\n" };
    for (const [name, at] of [
      ["trialing", "identity.referralId"],
      ["active", "referralId"],
    ]) {
      const [record] = await recordsOf(adapter, withObject(`subscription-created.${name}`, { metadata }));
      expect(record).toHaveProperty(String(at), "ref_42");
    }
  });

  it("must have a status", async () => {
    const error = await failureOf(
      recordsOf(adapter, withObject("subscription-created.trialing", { status: undefined })),
    );
    expect(error.code).toBe("malformed_payload");
    expect(error.message).toContain("data.object.status:");
  });
});

describe("a payment of an invoice", () => {
  it.each([
    ["payment-intent", { invoice: "in_paid", payment: "pi_paid" }],
    ["charge", { invoice: "in_paid", charge: "ch_paid" }],
  ])("links the invoice to its payment: %s", async (name, references) => {
    expect(await recordsOf(adapter, fixture(`invoice-payment-paid.${name}`))).toEqual([
      { kind: "link", source: "stripe", references },
    ]);
  });

  it("may be an expanded payment intent", async () => {
    const payment = { type: "payment_intent", payment_intent: { id: "pi_object", object: "payment_intent" } };
    expect(await recordsOf(adapter, withObject("invoice-payment-paid.charge", { payment }))).toMatchObject([
      { references: { invoice: "in_paid", payment: "pi_object" } },
    ]);
  });

  it.each([
    { payment: { type: "payment_record", payment_record: "pr_1" } },
    { payment: null },
    { payment: undefined },
    { invoice: null },
    { invoice: "" },
    { payment: { type: "charge", charge: "" } },
  ])("that names no payment or no invoice says nothing: %j", async (changes) => {
    expect(await recordsOf(adapter, withObject("invoice-payment-paid.charge", changes))).toMatchObject([
      {
        kind: "skip",
        reason: "unmapped",
        externalEventId: "evt_inpay_ch",
        message: expect.stringMatching(/^inpay_\w+ names no invoice or no payment$/),
      },
    ]);
  });
});
