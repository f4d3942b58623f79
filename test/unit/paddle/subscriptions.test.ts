import { describe, expect, it } from "vitest";
import { paddle } from "../../../adapters/paddle/index.js";
import { recordsOf } from "../../helpers/records.js";
import { fixture, SECRET, withData } from "./webhook.js";

const adapter = paddle({ webhookSecret: SECRET });

describe("a new Paddle subscription", () => {
  it("is a trial while it is trialing", async () => {
    expect(await recordsOf(adapter, fixture("subscription-created.trialing"))).toEqual([
      {
        kind: "event",
        source: "paddle",
        name: "trial_started",
        type: "trial",
        externalEventId: "evt_trial",
        businessKey: "trial:sub_trial",
        identity: { referralId: "ref_42", customerId: "ctm_ada" },
        references: { subscription: "sub_trial", customer: "ctm_ada", transaction: "txn_trial" },
        occurredAt: "2026-03-02T09:15:35.449Z",
        isSubscription: true,
        metadata: { source: "paddle", subscription: "sub_trial", trial_ends_at: "2026-03-16T09:15:35.449123Z" },
      },
    ]);
  });

  it("is dated by the event when its start is unknown, and says nothing of an end it does not know", async () => {
    const event = withData("subscription-created.trialing", { started_at: null, next_billed_at: null, items: [] });
    expect(await recordsOf(adapter, event)).toMatchObject([
      { occurredAt: "2026-03-02T09:15:38.334Z", metadata: { source: "paddle", subscription: "sub_trial" } },
    ]);
  });

  it("ends its trial when its items say so, else when it is billed next", async () => {
    const next_billed_at = "2026-04-01T00:00:00Z";
    const withItems = withData("subscription-created.trialing", { next_billed_at });
    expect(await recordsOf(adapter, withItems)).toMatchObject([
      { metadata: { trial_ends_at: "2026-03-16T09:15:35.449123Z" } },
    ]);
    const without = withData("subscription-created.trialing", { next_billed_at, items: [{ trial_dates: null }] });
    expect(await recordsOf(adapter, without)).toMatchObject([{ metadata: { trial_ends_at: next_billed_at } }]);
  });

  it("links its ids to the referral when it is paid from the start", async () => {
    expect(await recordsOf(adapter, fixture("subscription-created.active"))).toEqual([
      {
        kind: "link",
        source: "paddle",
        referralId: "ref_42",
        references: { subscription: "sub_active", customer: "ctm_ada", transaction: "txn_active" },
      },
    ]);
  });

  it("is skipped when it is paid and nobody referred it", async () => {
    for (const custom_data of [null, {}, { affonso_referral: " " }]) {
      const event = withData("subscription-created.active", { custom_data });
      expect(await recordsOf(adapter, event)).toMatchObject([
        { kind: "skip", reason: "no_referral", message: "sub_active has no affonso_referral in its custom_data" },
      ]);
    }
  });

  it("leaves subscription.trialing to subscription.created, so that a trial is sent once", async () => {
    const event = { ...fixture("subscription-created.trialing"), event_type: "subscription.trialing" };
    expect(await recordsOf(adapter, event)).toMatchObject([
      { kind: "skip", reason: "reported_elsewhere", message: "subscription.created reports the trial" },
    ]);
  });
});
