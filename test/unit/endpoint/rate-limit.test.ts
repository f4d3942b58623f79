import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { admitAt, type Pace, paceOf, type RateLimit } from "../../../src/endpoint/rate-limit.js";

const T0 = 1_767_225_600_000;
const MINUTE = 60_000;
const SECOND = 1_000;
const PLANS: readonly [string, number, number][] = [
  ["Launch", 300, 10],
  ["Growth", 600, 20],
  ["Elite", 1_200, 40],
  ["Enterprise", 3_000, 100],
];

/** A way to the endpoint whose state is kept from call to call, as a store keeps it. */
class Gate {
  readonly pace: Pace;
  #arrivalMs: number | undefined;

  constructor(pace: Pace) {
    this.pace = pace;
  }

  admit(nowMs: number, wanted: number): number {
    const { count, arrivalMs } = admitAt(this.pace, this.#arrivalMs, nowMs, wanted);
    this.#arrivalMs = arrivalMs;
    return count;
  }
}

/** The most requests in any window of this length, its last millisecond included: counted, not reasoned. */
function most(times: readonly number[], windowMs: number): number {
  let from = 0;
  let worst = 0;
  times.forEach((time, at) => {
    while ((times[from] ?? time) < time - windowMs) from++;
    worst = Math.max(worst, at - from + 1);
  });
  return worst;
}

/** The times at which requests go when ever so many wait, and the gate is asked every `stepMs`. */
function saturated(limit: RateLimit, lastsMs: number, stepMs: number): number[] {
  const gate = new Gate(paceOf(limit));
  const times: number[] = [];
  for (let nowMs = T0; nowMs < T0 + lastsMs; nowMs += stepMs) {
    for (let left = gate.admit(nowMs, 1_000); left > 0; left--) times.push(nowMs);
  }
  return times;
}

/** 95 % of a limit; of a limit of one, the one. */
const share = (limit: number) => Math.max(0.95 * limit, 1);

const plans: fc.Arbitrary<RateLimit> = fc
  .tuple(fc.integer({ min: 2, max: 5_000 }), fc.double({ min: 0, max: 1, noNaN: true }))
  // A second may allow more than a minute does: then it is the minute that counts.
  .map(([perMinute, part]) => ({ perMinute, perSecond: Math.max(Math.floor(2 * perMinute * part), 1) }));

/** Rests and rushes: how long after the one before, and how many want to go. */
const arrivals = fc.array(
  fc.record({
    afterMs: fc.oneof(
      fc.integer({ min: 0, max: 20 }),
      fc.integer({ min: 0, max: 2_000 }),
      fc.integer({ min: 0, max: 2 * MINUTE }),
    ),
    wanted: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 500 })),
  }),
  { minLength: 1, maxLength: 400 },
);

describe("the pace", () => {
  it.each(PLANS)(
    "of the plan %s, %i a minute and %i a second, keeps 95 percent of both and uses 97 percent of that",
    (_, perMinute, perSecond) => {
      const times = saturated({ perMinute, perSecond }, 10 * MINUTE, 5);
      expect(most(times, MINUTE)).toBeLessThanOrEqual(0.95 * perMinute);
      expect(most(times, SECOND)).toBeLessThanOrEqual(0.95 * perSecond);
      expect(times.length / 10).toBeGreaterThanOrEqual(0.97 * 0.95 * perMinute);
    },
  );

  it.each(PLANS)("of the plan %s lets several go at once after a rest", (_, perMinute, perSecond) => {
    const pace = paceOf({ perMinute, perSecond });
    const atOnce = new Gate(pace).admit(T0, 1_000);
    expect(atOnce).toBeGreaterThanOrEqual(3);
    // Times since 1970 leave less than a microsecond of precision, which may cost one of them.
    expect(pace.burst - atOnce).toBeOneOf([0, 1]);
  });

  it("of the smallest plan of all still lets one go", () => {
    const times = saturated({ perMinute: 1, perSecond: 1 }, 30 * MINUTE, 50);
    expect(times.length).toBeGreaterThanOrEqual(15);
    expect(most(times, MINUTE - 1)).toBe(1);
  });

  it("never passes 95 % of either limit in any window, whatever the plan and whenever requests come", () => {
    fc.assert(
      fc.property(plans, arrivals, (limit, rushes) => {
        const gate = new Gate(paceOf(limit));
        const times: number[] = [];
        let nowMs = T0;
        for (const { afterMs, wanted } of rushes) {
          nowMs += afterMs;
          for (let left = gate.admit(nowMs, wanted); left > 0; left--) times.push(nowMs);
        }
        expect(most(times, MINUTE)).toBeLessThanOrEqual(share(limit.perMinute));
        expect(most(times, SECOND)).toBeLessThanOrEqual(share(limit.perSecond));
      }),
      { numRuns: 500 },
    );
  });

  it("never passes 95 % of either limit under saturation, whatever the plan", () => {
    fc.assert(
      fc.property(plans, fc.integer({ min: 1, max: 400 }), (limit, stepMs) => {
        const times = saturated(limit, 3 * MINUTE, stepMs);
        expect(most(times, MINUTE)).toBeLessThanOrEqual(share(limit.perMinute));
        expect(most(times, SECOND)).toBeLessThanOrEqual(share(limit.perSecond));
      }),
      { numRuns: 60 },
    );
  });

  it("uses at least 97 % of what is allowed under saturation, where a second's limit leaves room for a burst", () => {
    const generous = fc
      .integer({ min: 150, max: 5_000 })
      .chain((perMinute) =>
        fc
          .integer({ min: Math.ceil(perMinute / 60) + 3, max: Math.ceil(perMinute / 60) + Math.floor(perMinute / 50) })
          .map((perSecond) => ({ perMinute, perSecond })),
      );
    fc.assert(
      fc.property(generous, (limit) => {
        const sent = saturated(limit, 5 * MINUTE, 5).length;
        expect(sent / 5).toBeGreaterThanOrEqual(0.97 * 0.95 * limit.perMinute);
      }),
      { numRuns: 60 },
    );
  });

  it("spends no more than 2 % of a minute on its burst, whatever a second allows", () => {
    fc.assert(
      fc.property(plans, (limit) => {
        const { burst, intervalMs } = paceOf(limit);
        expect(Number.isInteger(burst)).toBe(true);
        expect(burst).toBeGreaterThanOrEqual(1);
        expect(burst).toBeLessThanOrEqual(Math.max(0.02 * 0.95 * limit.perMinute, 1));
        expect(intervalMs).toBeGreaterThan(0);
      }),
    );
  });

  it("uses at least 97 % of a minute where a second allows all of it", () => {
    const generous = fc
      .integer({ min: 150, max: 5_000 })
      .chain((perMinute) =>
        fc.integer({ min: perMinute, max: 2 * perMinute }).map((perSecond) => ({ perMinute, perSecond })),
      );
    fc.assert(
      fc.property(generous, (limit) => {
        const times = saturated(limit, 5 * MINUTE, 5);
        expect(times.length / 5).toBeGreaterThanOrEqual(0.97 * 0.95 * limit.perMinute);
        expect(most(times, MINUTE)).toBeLessThanOrEqual(0.95 * limit.perMinute);
      }),
      { numRuns: 30 },
    );
  });

  it("does not depend on how often it is asked for more than it allows", () => {
    const counts = [1, 7, 50].map((stepMs) => saturated({ perMinute: 300, perSecond: 10 }, 5 * MINUTE, stepMs).length);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });
});

describe("admitAt", () => {
  it("counts what it admits and not what was wanted", () => {
    const pace = { intervalMs: 1_000, burst: 3 };
    expect(admitAt(pace, undefined, T0, 10)).toEqual({ count: 3, arrivalMs: T0 + 3_000 });
    expect(admitAt(pace, undefined, T0, 2)).toEqual({ count: 2, arrivalMs: T0 + 2_000 });
    expect(admitAt(pace, T0 + 2_000, T0, 10)).toEqual({ count: 1, arrivalMs: T0 + 3_000 });
  });

  it("admits none and keeps its state when nothing is wanted or nothing is free", () => {
    const pace = { intervalMs: 1_000, burst: 3 };
    expect(admitAt(pace, T0 + 3_000, T0, 10)).toEqual({ count: 0, arrivalMs: T0 + 3_000 });
    expect(admitAt(pace, T0 + 1_000, T0, 0)).toEqual({ count: 0, arrivalMs: T0 + 1_000 });
  });

  it("saves nothing up beyond a burst, however long the rest", () => {
    expect(admitAt({ intervalMs: 1_000, burst: 3 }, T0 - 3_600_000, T0, 10).count).toBe(3);
  });

  it("admits one each interval after a burst, to the millisecond", () => {
    const pace = { intervalMs: 1_000, burst: 3 };
    const { arrivalMs } = admitAt(pace, undefined, T0, 3);
    expect(admitAt(pace, arrivalMs, T0 + 999, 3).count).toBe(0);
    expect(admitAt(pace, arrivalMs, T0 + 1_000, 3).count).toBe(1);
    expect(admitAt(pace, arrivalMs, T0 + 2_000, 3).count).toBe(2);
  });
});

describe("a clock that jumps", () => {
  const jumps = fc.array(
    fc.record({
      afterMs: fc.integer({ min: 0, max: 5_000 }),
      wanted: fc.integer({ min: 0, max: 50 }),
      jumpMs: fc.oneof(
        { weight: 4, arbitrary: fc.constant(0) },
        fc.integer({ min: -2_000, max: 2_000 }),
        fc.integer({ min: -3_600_000, max: 3_600_000 }),
        fc.constantFrom(-10, 10).map((years) => years * 365 * 86_400_000),
      ),
    }),
    { minLength: 1, maxLength: 200 },
  );

  it("never closes the lane for longer than a burst takes, however far it was set back", () => {
    fc.assert(
      fc.property(plans, arrivals, fc.integer({ min: 0, max: 10 * 365 * 86_400_000 }), (limit, rushes, backMs) => {
        const gate = new Gate(paceOf(limit));
        const { burst, intervalMs } = gate.pace;
        let nowMs = T0;
        for (const { afterMs, wanted } of rushes) {
          nowMs += afterMs;
          gate.admit(nowMs, wanted);
        }
        nowMs -= backMs;
        if (gate.admit(nowMs, 1) === 0) expect(gate.admit(nowMs + Math.ceil(burst * intervalMs), 1)).toBe(1);
      }),
    );
  });

  it("lets no more go in true time than a burst for each jump forward, and none for a jump back", () => {
    fc.assert(
      fc.property(plans, jumps, (limit, steps) => {
        const gate = new Gate(paceOf(limit));
        const times: number[] = [];
        const forward: number[] = [];
        let trueMs = T0;
        let offsetMs = 0;
        for (const { afterMs, wanted, jumpMs } of steps) {
          trueMs += afterMs;
          offsetMs += jumpMs;
          if (jumpMs > 0) forward.push(trueMs);
          for (let left = gate.admit(trueMs + offsetMs, wanted); left > 0; left--) times.push(trueMs);
        }
        const extra = gate.pace.burst * most(forward, MINUTE);
        expect(most(times, MINUTE)).toBeLessThanOrEqual(share(limit.perMinute) + extra);
      }),
      { numRuns: 500 },
    );
  });
});
