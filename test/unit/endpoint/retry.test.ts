import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_RETRY, nextAttemptAtMs, type RetryPolicy } from "../../../src/endpoint/retry.js";
import type { RelayOptions } from "../../../src/options.js";
import { memoryOutbox } from "../../../src/outbox/memory.js";
import { durableOptions } from "../../../src/outbox/options.js";
import { MAX_AHEAD_MS } from "../../../src/outbox/outbox.js";
import { optionsOf, resolveOnNode } from "../core/support.js";

const T0 = 1_767_225_600_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long after now, for an event that came in just now. */
const delay = (attempts: number, random: number, policy = DEFAULT_RETRY) =>
  (nextAttemptAtMs(policy, { attempts, createdAtMs: T0 }, T0, random) ?? Number.NaN) - T0;

const policies: fc.Arbitrary<RetryPolicy> = fc.record({
  // The longest delay that may be configured is 3 days.
  delaysMs: fc.array(fc.integer({ min: 1, max: 3 * DAY }), { minLength: 1, maxLength: 12 }),
  jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  maxAgeMs: fc.integer({ min: 1, max: 365 * DAY }),
});
const shares = fc.double({ min: 0, max: 1, noNaN: true });

describe("the default schedule", () => {
  it.each<[number, number]>([
    [1, 5_000],
    [2, 30_000],
    [3, 2 * MINUTE],
    [4, 10 * MINUTE],
    [5, 30 * MINUTE],
    [6, HOUR],
    [7, 2 * HOUR],
    [8, 4 * HOUR],
    [9, 6 * HOUR],
    [10, 6 * HOUR],
    [35, 6 * HOUR],
    [1_000, 6 * HOUR],
  ])("after failure %i waits %i ms, a fifth more or less", (attempts, expected) => {
    expect(delay(attempts, 0.5)).toBe(expected);
    expect(delay(attempts, 0)).toBe(expected * 0.8);
    expect(delay(attempts, 1)).toBe(expected * 1.2);
  });

  it.each<[string, number]>([
    ["shortest", 0],
    ["average", 0.5],
    ["longest", 1],
  ])(
    "goes on for 7 days and no longer with the %s delays, which is past the three days of the providers",
    (_, random) => {
      let nowMs = T0;
      let attempts = 0;
      for (let at: number | undefined = T0; at !== undefined; attempts++) {
        nowMs = at;
        at = nextAttemptAtMs(DEFAULT_RETRY, { attempts: attempts + 1, createdAtMs: T0 }, nowMs, random);
      }
      expect(nowMs - T0).toBeLessThanOrEqual(7 * DAY);
      expect(nowMs - T0).toBeGreaterThan(7 * DAY - 6 * HOUR * 1.2);
      expect(attempts).toBeGreaterThan(28);
    },
  );

  it("still tries at the age of exactly 7 days, and never after it", () => {
    const createdAtMs = T0 - 7 * DAY + 6 * HOUR;
    expect(nextAttemptAtMs(DEFAULT_RETRY, { attempts: 9, createdAtMs }, T0, 0.5)).toBe(T0 + 6 * HOUR);
    expect(nextAttemptAtMs(DEFAULT_RETRY, { attempts: 9, createdAtMs: createdAtMs - 1 }, T0, 0.5)).toBeUndefined();
  });

  it("does not give an event up for the number of its attempts", () => {
    expect(delay(100_000, 0.5)).toBe(6 * HOUR);
  });
});

describe("a schedule of one's own", () => {
  it("repeats its last delay until its own age", () => {
    const policy = { delaysMs: [1_000, 2_000], jitter: 0, maxAgeMs: 10_000 };
    expect([1, 2, 3, 4].map((attempts) => delay(attempts, 0.3, policy))).toEqual([1_000, 2_000, 2_000, 2_000]);
    expect(nextAttemptAtMs(policy, { attempts: 5, createdAtMs: T0 - 9_000 }, T0, 0.3)).toBeUndefined();
  });

  it("without jitter is exact whatever the random number", () => {
    fc.assert(
      fc.property(shares, (random) => {
        expect(delay(3, random, { ...DEFAULT_RETRY, jitter: 0 })).toBe(2 * MINUTE);
      }),
    );
  });

  it("spreads retries over the whole of its jitter", () => {
    const policy = { delaysMs: [1_000], jitter: 1, maxAgeMs: DAY };
    expect([0, 0.25, 0.5, 0.75, 1].map((random) => delay(1, random, policy))).toEqual([0, 500, 1_000, 1_500, 2_000]);
  });

  it("never goes back in time, stays within its jitter, and ends by age alone", () => {
    const ages = fc.integer({ min: 0, max: 400 * DAY });
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 50 }), ages, shares, (policy, attempts, ageMs, random) => {
        const base = policy.delaysMs[Math.min(attempts, policy.delaysMs.length) - 1] ?? Number.NaN;
        const at = nextAttemptAtMs(policy, { attempts, createdAtMs: T0 - ageMs }, T0, random);
        if (at === undefined) {
          expect(ageMs + base * (1 + policy.jitter)).toBeGreaterThan(policy.maxAgeMs);
        } else {
          expect(Number.isSafeInteger(at)).toBe(true);
          expect(at - T0).toBeGreaterThanOrEqual(Math.floor(base * (1 - policy.jitter)));
          expect(at - T0).toBeLessThanOrEqual(Math.ceil(base * (1 + policy.jitter)));
          expect(at - T0 + ageMs).toBeLessThanOrEqual(policy.maxAgeMs + 1);
        }
      }),
    );
  });

  it("puts nothing off for so long that a store takes it for the work of a clock that was wrong", () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 50 }), shares, (policy, attempts, random) => {
        const delayMs = delay(attempts, random, { ...policy, maxAgeMs: 365 * DAY });
        expect(delayMs).toBeLessThanOrEqual(MAX_AHEAD_MS);
      }),
    );
  });

  it("waits longer for a larger random number, and for a later failure where the delays grow", () => {
    const growing = policies.map((policy) => ({
      ...policy,
      delaysMs: [...policy.delaysMs].sort((a, b) => a - b),
      maxAgeMs: 10_000 * DAY,
    }));
    fc.assert(
      fc.property(growing, fc.integer({ min: 1, max: 20 }), shares, shares, (policy, attempts, one, other) => {
        const [less, more] = [Math.min(one, other), Math.max(one, other)];
        expect(delay(attempts, more, policy)).toBeGreaterThanOrEqual(delay(attempts, less, policy));
        expect(delay(attempts + 1, one, policy)).toBeGreaterThanOrEqual(delay(attempts, one, policy));
      }),
    );
  });
});

describe("the option retry", () => {
  const policyOf = (retry: RelayOptions["retry"]) =>
    durableOptions(resolveOnNode(optionsOf({ outbox: memoryOutbox(), retry })).outboxOptions).retry;

  it("takes delays of up to 3 days", () => {
    expect(policyOf({ delaysMs: [1, 3 * DAY] })).toEqual({ ...DEFAULT_RETRY, delaysMs: [1, 3 * DAY] });
  });

  it.each([3 * DAY + 1, 30 * DAY, 0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])(
    "refuses a delay of %d ms, and says which one it is",
    (delayMs) => {
      expect(() => policyOf({ delaysMs: [5_000, delayMs] })).toThrow(
        "invalid_options: retry.delaysMs[1] must be a whole number from 1 to 259200000",
      );
    },
  );
});
