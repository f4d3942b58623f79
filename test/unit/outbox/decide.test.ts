import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BLOCKED_ADVICE, type BlockedReason, type Outcome } from "../../../src/endpoint/outcome.js";
import { DEFAULT_RETRY } from "../../../src/endpoint/retry.js";
import { settlementOf } from "../../../src/outbox/decide.js";

const T0 = 1_767_225_600_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const references = ["key:invoice:in_1", "invoice:in_1", "subscription:sub_1", "customer:cus_1"];
/** What waits for a sale speaks of it by these: its customer and its subscription have others, which wait for theirs. */
const ofTheSale = ["key:invoice:in_1", "invoice:in_1"];

/** What becomes of an entry with this many failed attempts and this age. */
const settle = (outcome: Outcome, { attempts = 0, ageMs = 0, random = 0.5 } = {}) =>
  settlementOf(outcome, { attempts, createdAtMs: T0 - ageMs, references }, { nowMs: T0, retry: DEFAULT_RETRY, random });

const failed = (reason: "timeout" | "network" | "server_error", status?: number): Outcome =>
  status === undefined ? { kind: "failed", reason } : { kind: "failed", reason, status };
const refusal = {
  status: 400,
  code: "VALIDATION_ERROR",
  message: "no",
  field: "sale_amount",
  details: [{ field: "sale_amount" }],
};

describe("an entry whose attempt was", () => {
  it("taken is delivered, keeps the conversion's id, has no error any more, and wakes what waited for it", () => {
    for (const duplicate of [false, true]) {
      const settlement = settle({ kind: "delivered", duplicate, data: { id: "conv_1", status: "pending" } });
      expect(settlement).toEqual({ state: "delivered", conversionId: "conv_1", error: null, wake: ofTheSale });
    }
  });

  it.each<[string, Record<string, unknown>]>([
    ["none, as for a lead", { action: "referral_updated" }],
    ["a number", { id: 7 }],
    ["null", { id: null }],
    ["nothing, as of a 409", {}],
  ])("taken without a usable id (%s) is delivered without one", (_, data) => {
    const settlement = settle({ kind: "delivered", duplicate: false, data });
    expect(settlement.state).toBe("delivered");
    expect(settlement.conversionId).toBeUndefined();
  });

  it("of nobody's customer is unmatched: done, no failure, no dead letter", () => {
    const settlement = settle({ kind: "unmatched", error: { status: 404, code: "NOT_FOUND" } }, { attempts: 3 });
    expect(settlement).toMatchObject({ state: "unmatched", wake: ofTheSale });
    expect(settlement.error).toMatchObject({ reason: "not_found", status: 404, code: "NOT_FOUND" });
    expect(settlement.countsAttempt ?? false).toBe(false);
  });

  it.each([0, 1, 8, 100])(
    "refused is a dead letter at once, after %i attempts before it, with the endpoint's words",
    (attempts) => {
      const settlement = settle({ kind: "rejected", error: refusal }, { attempts });
      expect(settlement).toEqual({
        state: "dead",
        countsAttempt: true,
        error: { reason: "rejected", ...refusal },
        wake: ofTheSale,
      });
    },
  );

  it.each(Object.keys(BLOCKED_ADVICE) as BlockedReason[])(
    "kept out (%s) stays as due as it was and has lost no attempt, at any age",
    (reason) => {
      for (const ageMs of [0, 6 * DAY, 400 * DAY]) {
        const settlement = settle({ kind: "blocked", reason, error: { status: 401 } }, { attempts: 5, ageMs });
        expect(settlement).toMatchObject({ state: "pending", dueAtMs: T0, error: { reason, status: 401 } });
        expect(settlement.countsAttempt ?? false).toBe(false);
        expect(settlement.held ?? false).toBe(false);
        expect(settlement.wake).toBeUndefined();
      }
    },
  );

  it("kept out without an answer keeps the reason alone", () => {
    expect(settle({ kind: "blocked", reason: "tls" }).error).toEqual({ reason: "tls" });
  });

  it("throttled stays due and has lost no attempt, at any age, and its last error stays known", () => {
    for (const ageMs of [0, 400 * DAY]) {
      const settlement = settle({ kind: "throttled", retryAfterMs: 600_000 }, { attempts: 5, ageMs });
      expect(settlement).toMatchObject({ state: "pending", dueAtMs: T0 });
      expect(settlement.countsAttempt ?? false).toBe(false);
      expect(settlement.error).toBeUndefined();
    }
  });

  it.each<[number, number]>([
    [0, 5_000],
    [1, 30_000],
    [2, 2 * MINUTE],
    [3, 10 * MINUTE],
    [4, 30 * MINUTE],
    [5, HOUR],
    [6, 2 * HOUR],
    [7, 4 * HOUR],
    [8, 6 * HOUR],
    [30, 6 * HOUR],
  ])("a failure after %i others is tried again in %i ms", (attempts, delayMs) => {
    expect(settle(failed("server_error", 503), { attempts })).toEqual({
      state: "pending",
      dueAtMs: T0 + delayMs,
      countsAttempt: true,
      error: { reason: "server_error", status: 503 },
    });
    expect(settle(failed("server_error", 503), { attempts, random: 0 }).dueAtMs).toBe(T0 + 0.8 * delayMs);
    expect(settle(failed("server_error", 503), { attempts, random: 1 }).dueAtMs).toBe(T0 + 1.2 * delayMs);
  });

  it.each(["timeout", "network"] as const)("a %s says so, and has no status", (reason) => {
    expect(settle(failed(reason)).error).toEqual({ reason, status: undefined });
  });

  it("a network failure keeps the system's code", () => {
    const error = { reason: "network", status: undefined, code: "ECONNREFUSED" };
    expect(settle({ kind: "failed", reason: "network", code: "ECONNREFUSED" }).error).toEqual(error);
  });

  it("a failure is a dead letter only when the next try would be past 7 days, and wakes what waited for it", () => {
    expect(settle(failed("timeout"), { attempts: 8, ageMs: 7 * DAY - 6 * HOUR }).state).toBe("pending");
    const settlement = settle(failed("server_error", 500), { attempts: 8, ageMs: 7 * DAY - 6 * HOUR + 1 });
    expect(settlement).toEqual({
      state: "dead",
      countsAttempt: true,
      error: { reason: "too_old", status: 500 },
      wake: ofTheSale,
    });
  });
});

describe("all entries", () => {
  const outcomes = fc.oneof(
    fc.constantFrom<Outcome>(
      { kind: "delivered", duplicate: false, data: { id: "conv_1" } },
      { kind: "unmatched", error: { status: 404, code: "NOT_FOUND" } },
      { kind: "rejected", error: refusal },
      { kind: "blocked", reason: "redirected" },
      failed("timeout"),
      failed("network"),
      failed("server_error", 500),
    ),
    fc.integer({ min: 1_000, max: 600_000 }).map((retryAfterMs): Outcome => ({ kind: "throttled", retryAfterMs })),
  );
  const entries = fc.record({
    attempts: fc.integer({ min: 0, max: 200 }),
    ageMs: fc.integer({ min: 0, max: 30 * DAY }),
    random: fc.double({ min: 0, max: 1, noNaN: true }),
  });

  it("are pending with a time, or done with whoever waits for them woken", () => {
    fc.assert(
      fc.property(outcomes, entries, (outcome, entry) => {
        const { state, dueAtMs, wake, held } = settle(outcome, entry);
        expect(held ?? false).toBe(false);
        if (state === "pending") {
          expect(dueAtMs).toBeGreaterThanOrEqual(T0);
          expect(dueAtMs).toBeLessThanOrEqual(T0 + 6 * HOUR * 1.2);
        } else {
          expect(wake).toEqual(ofTheSale);
        }
      }),
    );
  });

  it("die of a refusal or of their age, and of nothing else", () => {
    fc.assert(
      fc.property(outcomes, entries, (outcome, entry) => {
        const { state } = settle(outcome, entry);
        const mayDie = outcome.kind === "rejected" || (outcome.kind === "failed" && entry.ageMs > 6.5 * DAY);
        if (!mayDie) expect(state).not.toBe("dead");
      }),
    );
  });

  it("lose an attempt when they failed or were refused, and by nothing else", () => {
    fc.assert(
      fc.property(outcomes, entries, (outcome, entry) => {
        const counts = outcome.kind === "failed" || outcome.kind === "rejected";
        expect(settle(outcome, entry).countsAttempt ?? false).toBe(counts);
      }),
    );
  });
});
