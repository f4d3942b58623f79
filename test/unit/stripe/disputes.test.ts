import { describe, expect, it } from "vitest";
import { stripe } from "../../../adapters/stripe/index.js";
import { recordsOf } from "../../helpers/records.js";
import { failureOf, fixture, SECRET, withObject } from "./webhook.js";

const adapter = stripe({ webhookSecret: SECRET });
const lost = {
  kind: "refund",
  source: "stripe",
  externalEventId: "du_lost",
  businessKey: "dispute:du_lost",
  references: { charge: "ch_sale", payment: "pi_sale" },
  amount: { minorUnits: 5000, currency: "USD", decimals: 2 },
  reason: "fraudulent",
  occurredAt: "2025-10-09T08:55:07.000Z",
  metadata: { source: "stripe", dispute: "du_lost" },
};

describe("a closed dispute", () => {
  it("that is lost is a refund of its payment, dated by when it was lost", async () => {
    expect(await recordsOf(adapter, fixture("dispute-closed.lost"))).toEqual([lost]);
  });

  it("counts where charge.refunded reports refunds too, since that does not tell of it", async () => {
    const fromCharge = stripe({ webhookSecret: SECRET, refundsFrom: "charge" });
    expect(await recordsOf(fromCharge, fixture("dispute-closed.lost"))).toEqual([lost]);
  });

  it.each(["won", "warning_closed", "prevented", "charge_refunded", "under_review"])(
    "that is %s gives nothing back",
    async (status) => {
      expect(await recordsOf(adapter, withObject("dispute-closed.lost", { status }))).toEqual([
        {
          kind: "skip",
          source: "stripe",
          reason: "not_final",
          externalEventId: "evt_dp_lost",
          message: `du_lost is ${status}, and only one that is lost gives money back`,
        },
      ]);
    },
  );

  it("is none of the refunds of its charge, whatever their ids are", async () => {
    const id = "du_lost";
    const [dispute] = await recordsOf(adapter, fixture("dispute-closed.lost"));
    const [refund] = await recordsOf(adapter, withObject("refund-created", { id }));
    const keyOf = (record: typeof dispute) => (record?.kind === "refund" ? record.businessKey : undefined);
    expect([keyOf(dispute), keyOf(refund)]).toEqual(["dispute:du_lost", "refund:du_lost"]);
  });

  it("counts once, however often it is told", async () => {
    const again = { ...fixture("dispute-closed.lost"), id: "evt_again" };
    expect(await recordsOf(adapter, again)).toEqual([lost]);
  });

  it("may have its ids as objects, and its payment as none", async () => {
    const charge = { id: "ch_object", object: "charge" };
    const event = withObject("dispute-closed.lost", { charge, payment_intent: null });
    const [record] = await recordsOf(adapter, event);
    expect(record).toMatchObject({ kind: "refund", references: { charge: "ch_object" } });
    expect(record).toHaveProperty("references.payment", undefined);
  });

  it("says that it was a dispute where it has no reason", async () => {
    for (const reason of [undefined, null, ""]) {
      expect(await recordsOf(adapter, withObject("dispute-closed.lost", { reason }))).toEqual([
        { ...lost, reason: "dispute" },
      ]);
    }
  });

  it("about nothing is nothing", async () => {
    for (const amount of [0, -5000]) {
      expect(await recordsOf(adapter, withObject("dispute-closed.lost", { amount }))).toMatchObject([
        { kind: "skip", reason: "no_amount", message: "du_lost gives nothing back" },
      ]);
    }
  });

  it("uses Stripe's own decimals", async () => {
    expect(await recordsOf(adapter, withObject("dispute-closed.lost", { currency: "jpy" }))).toMatchObject([
      { amount: { minorUnits: 5000, currency: "JPY", decimals: 0 } },
    ]);
  });

  it("says nothing of the customer", async () => {
    const [record] = await recordsOf(adapter, fixture("dispute-closed.lost"));
    expect(JSON.stringify(record)).not.toMatch(/@|Ada/);
  });

  it.each([
    ["data.object.amount", { amount: "topsecret" }],
    ["data.object.currency", { currency: "topsecret" }],
    ["data.object.status", { status: undefined }],
  ])("of a wrong shape is refused with its field %s", async (field, changes) => {
    const error = await failureOf(recordsOf(adapter, withObject("dispute-closed.lost", changes)));
    expect(error.code).toBe("malformed_payload");
    expect(error.message).toContain(`${field}:`);
    expect(error.message).not.toContain("topsecret");
  });
});
