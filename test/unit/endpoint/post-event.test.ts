import { describe, expect, it } from "vitest";
import type { EndpointError, Outcome } from "../../../src/endpoint/outcome.js";
import { postEvent } from "../../../src/endpoint/post-event.js";
import type { WireEvent } from "../../../src/endpoint/wire.js";
import type { Identity } from "../../../src/event.js";
import { sale } from "../outbox/support.js";

const delivered: Outcome = { kind: "delivered", duplicate: false, data: { id: "conv_1" } };
const unmatched: Outcome = { kind: "unmatched", error: { status: 404, code: "NOT_FOUND" } };
const rejected = (error: Partial<EndpointError> = {}): Outcome => ({
  kind: "rejected",
  error: { status: 400, code: "VALIDATION_ERROR", ...error },
});
const disagree = rejected({ field: "customer_id" });
const failed: Outcome = { kind: "failed", reason: "network" };

const both: Identity = { referralId: "ref_1", customerId: "cus_1", externalUserId: "u_1" };

/** Sends an event that is answered like this, one request after the other; answers who each request named. */
async function posted(identity: Identity, answers: readonly Outcome[], alone = false) {
  const named: string[] = [];
  const rest = [...answers];
  const { outcome, event } = await postEvent(sale({ identity }), alone, async (payload: WireEvent) => {
    expect(payload.external_event_id).toBe("evt_1");
    const ids = [payload.referral_id, payload.customer_id, payload.external_user_id];
    named.push(ids.filter((id) => id !== undefined).join(" "));
    return rest.shift() ?? expect.fail("there was one request too many");
  });
  expect(rest).toEqual([]);
  return { named, outcome, identity: event.identity };
}

describe("an event of several ids", () => {
  it("is sent once with all of them where the endpoint takes it, or where it is about something else", async () => {
    const others: Outcome[] = [
      delivered,
      failed,
      { kind: "blocked", reason: "unauthorized" },
      { kind: "throttled", retryAfterMs: 1_000 },
      rejected({ field: "sale_amount" }),
      rejected({ details: [{ field: "interval", message: "is wrong" }] }),
      rejected({ status: 413 }),
    ];
    for (const outcome of others) {
      expect(await posted(both, [outcome])).toEqual({ named: ["ref_1 cus_1 u_1"], outcome, identity: both });
    }
  });

  it.each([
    ["names an id", disagree],
    ["names one among its details", rejected({ details: [{ field: "external_user_id", message: "is of another" }] })],
    ["says no more than that", rejected()],
  ])("is sent by its referral alone where the refusal %s", async (_, refusal) => {
    expect(await posted(both, [refusal, delivered])).toEqual({
      named: ["ref_1 cus_1 u_1", "ref_1"],
      outcome: delivered,
      identity: { referralId: "ref_1" },
    });
  });

  it("is sent without a referral that the endpoint does not know, for those whom it may know", async () => {
    const named = ["ref_1 cus_1 u_1", "cus_1 u_1"];
    const { referralId: _, ...identity } = both;
    expect(await posted(both, [unmatched, delivered])).toEqual({ named, outcome: delivered, identity });
    expect(await posted(both, [unmatched, unmatched])).toMatchObject({ named, outcome: unmatched });
    // That the others disagree among themselves makes it no dead letter.
    expect(await posted(both, [unmatched, disagree])).toMatchObject({ named, outcome: unmatched, identity: both });
  });

  it("may be refused in both ways, one after the other", async () => {
    const named = ["ref_1 cus_1 u_1", "ref_1", "cus_1 u_1"];
    expect(await posted(both, [disagree, unmatched, delivered])).toMatchObject({ named, outcome: delivered });
    expect(await posted(both, [disagree, unmatched, failed])).toMatchObject({ named, outcome: failed });
    expect(await posted(both, [disagree, rejected()])).toMatchObject({ named: named.slice(0, 2), outcome: disagree });
  });

  it("is sent by its referral alone from the first where the ids are known to disagree", async () => {
    expect(await posted(both, [delivered], true)).toMatchObject({
      named: ["ref_1"],
      identity: { referralId: "ref_1" },
    });
    expect(await posted(both, [disagree], true)).toMatchObject({ named: ["ref_1"], outcome: disagree });
    expect(await posted(both, [unmatched, delivered], true)).toMatchObject({ named: ["ref_1", "cus_1 u_1"] });
  });
});

describe("an event of one side alone", () => {
  it.each<[string, Identity]>([
    ["a referral", { referralId: "ref_1" }],
    ["a referral and ids that are not there", { referralId: "ref_1", customerId: undefined }],
    ["a customer", { customerId: "cus_1" }],
  ])("(%s) is sent once, whatever comes of it", async (_, identity) => {
    for (const outcome of [delivered, unmatched, disagree, rejected()]) {
      expect(await posted(identity, [outcome])).toMatchObject({ named: [expect.any(String)], outcome });
      expect(await posted(identity, [outcome], true)).toMatchObject({ named: [expect.any(String)], outcome });
    }
  });
});
