import { describe, expect, it } from "vitest";
import { paddle } from "../../../adapters/paddle/index.js";
import { recordsOf } from "../../helpers/records.js";
import { fixture, SECRET, withData } from "./webhook.js";

const adapter = paddle({ webhookSecret: SECRET });

describe("a Paddle adjustment", () => {
  it("is a refund of its transaction once it is approved", async () => {
    expect(await recordsOf(adapter, fixture("adjustment.full-refund"))).toEqual([
      {
        kind: "refund",
        source: "paddle",
        externalEventId: "adj_full",
        businessKey: "refund:adj_full",
        saleKey: "transaction:txn_first",
        references: { transaction: "txn_first", customer: "ctm_ada", subscription: "sub_team" },
        amount: { minorUnits: 9000, currency: "USD", decimals: 2 },
        reason: "fraud",
        occurredAt: "2026-03-05T10:00:00.786Z",
        metadata: { source: "paddle", adjustment: "adj_full", action: "refund", type: "full" },
      },
    ]);
  });

  it("may refund a part, with a reason of several lines", async () => {
    expect(await recordsOf(adapter, fixture("adjustment.partial-refund"))).toEqual([
      {
        kind: "refund",
        source: "paddle",
        externalEventId: "adj_partial",
        businessKey: "refund:adj_partial",
        saleKey: "transaction:txn_first",
        references: { transaction: "txn_first", customer: "ctm_ada" },
        amount: { minorUnits: 92, currency: "USD", decimals: 2 },
        reason: "Seats returned",
        occurredAt: "2026-03-05T10:00:00.786Z",
        metadata: { source: "paddle", adjustment: "adj_partial", action: "refund", type: "partial" },
      },
    ]);
  });

  it("has one id and one business key, whichever webhook tells of it, so that it counts once", async () => {
    const event = fixture("adjustment.full-refund");
    const expected = await recordsOf(adapter, event);
    for (const event_type of ["adjustment.created", "adjustment.updated"]) {
      const again = { ...event, event_type, event_id: "evt_again", notification_id: "ntf_again" };
      expect(await recordsOf(adapter, again)).toEqual(expected);
    }
  });

  it("is told by the webhook's id where it is skipped", async () => {
    expect(await recordsOf(adapter, withData("adjustment.full-refund", { status: "rejected" }))).toMatchObject([
      { kind: "skip", externalEventId: "evt_full" },
    ]);
  });

  it("is a refund when it is a chargeback, with the action for a reason", async () => {
    expect(await recordsOf(adapter, fixture("adjustment.chargeback"))).toMatchObject([
      { kind: "refund", reason: "chargeback", metadata: { action: "chargeback" }, amount: { minorUnits: 9000 } },
    ]);
  });

  it("waits while Paddle has not approved it", async () => {
    expect(await recordsOf(adapter, fixture("adjustment.pending-refund"))).toMatchObject([
      { kind: "skip", reason: "not_final", message: expect.stringContaining("adj_pending") },
    ]);
  });

  it.each(["rejected", "reversed"])("gives nothing back when it is %s", async (status) => {
    expect(await recordsOf(adapter, withData("adjustment.full-refund", { status }))).toMatchObject([
      { kind: "skip", reason: "unmapped", message: expect.stringContaining(`the refund is ${status}`) },
    ]);
  });

  it.each(["credit", "credit_reverse", "chargeback_reverse", "chargeback_warning", "chargeback_warning_reverse"])(
    "gives no money back when its action is %s",
    async (action) => {
      expect(await recordsOf(adapter, withData("adjustment.credit", { action }))).toMatchObject([
        { kind: "skip", reason: "unmapped", message: expect.stringContaining(`a ${action} gives`) },
      ]);
    },
  );

  it("is skipped when it is a refund of nothing", async () => {
    const event = withData("adjustment.full-refund", { totals: { total: "0", currency_code: "USD" } });
    expect(await recordsOf(adapter, event)).toMatchObject([
      { kind: "skip", reason: "no_amount", message: "adj_full: a refund of nothing" },
    ]);
  });

  it("takes its own currency where its totals name none, and is refused without any", async () => {
    const totals = { total: "500", currency_code: null };
    const own = withData("adjustment.full-refund", { totals, currency_code: "JPY" });
    expect(await recordsOf(adapter, own)).toMatchObject([
      { amount: { minorUnits: 500, currency: "JPY", decimals: 0 } },
    ]);
    const none = withData("adjustment.full-refund", { totals, currency_code: null });
    await expect(recordsOf(adapter, none)).rejects.toMatchObject({ code: "malformed_payload" });
  });

  it("keeps a reason of any length within what a record takes", async () => {
    const [refund] = await recordsOf(adapter, withData("adjustment.full-refund", { reason: "😀".repeat(300) }));
    expect(refund).toMatchObject({ reason: "😀".repeat(255) });
  });

  it("has its reason in one line, with one space for whatever stood between the lines", async () => {
    const [refund] = await recordsOf(
      adapter,
      withData("adjustment.full-refund", { reason: "\nlate\r\n\tand broken " }),
    );
    expect(refund).toMatchObject({ reason: "late and broken" });
  });

  it.each([
    ["net", 9000],
    ["gross", 10800],
    [() => 1, 10800],
  ] as const)("is measured as the sale was: amount %s gives back %i", async (amount, minorUnits) => {
    const adapter = paddle({ webhookSecret: SECRET, amount });
    expect(await recordsOf(adapter, fixture("adjustment.full-refund"))).toMatchObject([{ amount: { minorUnits } }]);
  });
});
