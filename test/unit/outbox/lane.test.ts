import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Outcome } from "../../../src/endpoint/outcome.js";
import { paceOf } from "../../../src/endpoint/rate-limit.js";
import {
  admit,
  afterOutcome,
  closedUntilMs,
  FAILURES_TO_PAUSE,
  type LaneState,
  PROBE_INTERVAL_MS,
  REJECTIONS_TO_PAUSE,
  reopensAtMs,
  withoutRequest,
} from "../../../src/outbox/lane.js";

const T0 = 1_767_225_600_000;
const MINUTE = 60_000;
const PACE = paceOf({ perMinute: 300, perSecond: 10 });
const SINCE = T0 - 3_600_000;
const error = { status: 400, code: "VALIDATION_ERROR" };

const OUTCOMES = {
  delivered: { kind: "delivered", duplicate: false, data: {} },
  duplicate: { kind: "delivered", duplicate: true, data: {} },
  unmatched: { kind: "unmatched", error: { status: 404, code: "NOT_FOUND" } },
  rejected: { kind: "rejected", error },
  unauthorized: { kind: "blocked", reason: "unauthorized" },
  tls: { kind: "blocked", reason: "tls" },
  throttled: { kind: "throttled", retryAfterMs: 5_000 },
  timeout: { kind: "failed", reason: "timeout" },
} as const satisfies Record<string, Outcome>;

const paused = (reason: "unauthorized" | "unavailable" | "rejecting") => ({
  paused: { reason, sinceMs: SINCE, nextProbeAtMs: T0 },
});
const STATES = {
  fresh: {},
  busy: { failures: 3, rejections: 4 },
  failing: { failures: FAILURES_TO_PAUSE - 1, rejections: 4 },
  refusing: { failures: 3, rejections: REJECTIONS_TO_PAUSE - 1 },
  closed: { failures: 3, rejections: 4, closedUntilMs: T0 + 2_000 },
  "closed for long": { failures: 3, rejections: 4, closedUntilMs: T0 + 600_000 },
  unauthorized: { failures: 3, rejections: 4, ...paused("unauthorized") },
  unavailable: { failures: 12, rejections: 4, ...paused("unavailable") },
  rejecting: { failures: 3, rejections: 25, ...paused("rejecting") },
} as const satisfies Record<string, LaneState>;

/** A lane in one line: failures/rejections, until when it is closed, why and since when it is paused and probed when. */
function shown({ failures = 0, rejections = 0, closedUntilMs, paused }: LaneState): string {
  const closed = closedUntilMs === undefined ? [] : [`closed +${closedUntilMs - T0}`];
  const pause = paused && [
    paused.reason,
    paused.sinceMs === T0 ? "now" : "before",
    `probe +${paused.nextProbeAtMs - T0}`,
  ];
  return [`${failures}/${rejections}`, ...closed, ...(pause ?? ["open"])].join(" ");
}

type Row = readonly [keyof typeof STATES, string];
const table: Record<keyof typeof OUTCOMES, readonly Row[]> = {
  delivered: [
    ["fresh", "0/0 open"],
    ["busy", "0/0 open"],
    ["failing", "0/0 open"],
    ["refusing", "0/0 open"],
    ["closed", "0/0 closed +2000 open"],
    ["closed for long", "0/0 closed +600000 open"],
    ["unauthorized", "0/0 open"],
    ["unavailable", "0/0 open"],
    ["rejecting", "0/0 open"],
  ],
  duplicate: [
    ["fresh", "0/0 open"],
    ["failing", "0/0 open"],
    ["unavailable", "0/0 open"],
    ["rejecting", "0/0 open"],
  ],
  unmatched: [
    ["fresh", "0/0 open"],
    ["busy", "0/0 open"],
    ["failing", "0/0 open"],
    ["refusing", "0/0 open"],
    ["closed", "0/0 closed +2000 open"],
    ["closed for long", "0/0 closed +600000 open"],
    ["unauthorized", "0/0 open"],
    ["unavailable", "0/0 open"],
    ["rejecting", "0/0 open"],
  ],
  rejected: [
    ["fresh", "0/1 open"],
    ["busy", "0/5 open"],
    ["failing", "0/5 open"],
    ["refusing", "0/20 rejecting now probe +60000"],
    ["closed", "0/5 closed +2000 open"],
    ["closed for long", "0/5 closed +600000 open"],
    ["unauthorized", "0/5 open"],
    ["unavailable", "0/5 open"],
    ["rejecting", "0/26 rejecting before probe +60000"],
  ],
  unauthorized: [
    ["fresh", "0/0 unauthorized now probe +60000"],
    ["busy", "3/4 unauthorized now probe +60000"],
    ["failing", "9/4 unauthorized now probe +60000"],
    ["refusing", "3/19 unauthorized now probe +60000"],
    ["closed", "3/4 closed +2000 unauthorized now probe +60000"],
    ["closed for long", "3/4 closed +600000 unauthorized now probe +60000"],
    ["unauthorized", "3/4 unauthorized before probe +60000"],
    ["unavailable", "12/4 unauthorized before probe +60000"],
    ["rejecting", "3/25 unauthorized before probe +60000"],
  ],
  tls: [
    ["fresh", "0/0 tls now probe +60000"],
    ["unauthorized", "3/4 tls before probe +60000"],
  ],
  throttled: [
    ["fresh", "0/0 closed +5000 open"],
    ["busy", "3/4 closed +5000 open"],
    ["failing", "9/4 closed +5000 open"],
    ["refusing", "3/19 closed +5000 open"],
    ["closed", "3/4 closed +5000 open"],
    ["closed for long", "3/4 closed +600000 open"],
    ["unauthorized", "3/4 closed +5000 unauthorized before probe +0"],
    ["unavailable", "12/4 closed +5000 unavailable before probe +0"],
    ["rejecting", "3/25 closed +5000 rejecting before probe +0"],
  ],
  timeout: [
    ["fresh", "1/0 open"],
    ["busy", "4/4 open"],
    ["failing", "10/4 unavailable now probe +60000"],
    ["refusing", "4/19 open"],
    ["closed", "4/4 closed +2000 open"],
    ["closed for long", "4/4 closed +600000 open"],
    ["unauthorized", "4/4 unauthorized before probe +0"],
    ["unavailable", "13/4 unavailable before probe +60000"],
    ["rejecting", "4/25 rejecting before probe +0"],
  ],
};
const rows = Object.entries(table).flatMap(([outcome, cases]) =>
  cases.map(([state, expected]) => [outcome as keyof typeof OUTCOMES, state, expected] as const),
);

/** The lane after this many of one outcome. */
const repeated = (outcome: Outcome, times: number, lane: LaneState = {}) =>
  Array.from({ length: times }).reduce<LaneState>((before) => afterOutcome(before, outcome, T0), lane);

describe("what an outcome means for the lane", () => {
  it.each(rows)("%s on a lane that is %s: %s", (outcome, state, expected) => {
    const before: LaneState = { ...STATES[state], arrivalMs: T0 + 1, limitPerMinute: 300 };
    const copy = structuredClone(before);
    const lane = afterOutcome(before, OUTCOMES[outcome], T0);
    expect(shown(lane)).toBe(expected);
    expect(lane).toMatchObject({ arrivalMs: T0 + 1, limitPerMinute: 300 });
    expect(before, "the state before is not changed").toEqual(copy);
  });

  it("pauses after 10 failures in a row and not before", () => {
    expect(repeated(OUTCOMES.timeout, 9).paused).toBeUndefined();
    expect(repeated(OUTCOMES.timeout, 10).paused).toEqual({
      reason: "unavailable",
      sinceMs: T0,
      nextProbeAtMs: T0 + MINUTE,
    });
    const interrupted = repeated(
      OUTCOMES.timeout,
      9,
      afterOutcome(repeated(OUTCOMES.timeout, 9), OUTCOMES.delivered, T0),
    );
    expect(interrupted.paused).toBeUndefined();
  });

  it("pauses after 20 refusals in a row, so that a mistake of ours does not bury the backlog", () => {
    expect(repeated(OUTCOMES.rejected, 19).paused).toBeUndefined();
    expect(repeated(OUTCOMES.rejected, 20).paused?.reason).toBe("rejecting");
    const interrupted = repeated(
      OUTCOMES.rejected,
      19,
      afterOutcome(repeated(OUTCOMES.rejected, 19), OUTCOMES.unmatched, T0),
    );
    expect(interrupted.paused).toBeUndefined();
  });

  it("counts refusals in a row even where failures and 429s come in between", () => {
    let lane = repeated(OUTCOMES.rejected, 10);
    lane = repeated(OUTCOMES.timeout, 3, lane);
    lane = repeated(OUTCOMES.throttled, 3, lane);
    expect(repeated(OUTCOMES.rejected, 9, lane).paused).toBeUndefined();
    expect(repeated(OUTCOMES.rejected, 10, lane).paused?.reason).toBe("rejecting");
  });

  it("never takes a 429 for a failure, however many there are", () => {
    const lane = repeated(OUTCOMES.throttled, 1_000);
    expect(shown(lane)).toBe("0/0 closed +5000 open");
    expect(admit(lane, 5, T0 + 4_999, PACE).count).toBe(0);
    expect(admit(lane, 5, T0 + 5_000, PACE).count).toBeGreaterThan(0);
  });

  it("stays what it is when it is kept as JSON, after any outcomes", () => {
    const outcomes = fc.array(fc.constantFrom(...Object.values(OUTCOMES)), { maxLength: 40 });
    fc.assert(
      fc.property(outcomes, (list) => {
        let lane: LaneState = {};
        let stored: LaneState = {};
        list.forEach((outcome, at) => {
          lane = afterOutcome(lane, outcome, T0 + at * 1_000);
          stored = JSON.parse(JSON.stringify(afterOutcome(stored, outcome, T0 + at * 1_000)));
        });
        expect(stored).toEqual(lane);
        expect(admit(stored, 3, T0 + 100_000, PACE)).toEqual(admit(lane, 3, T0 + 100_000, PACE));
      }),
    );
  });
});

describe("admit", () => {
  it("keeps the pace, and what it has used of it, in the lane", () => {
    const first = admit({}, 100, T0, { intervalMs: 1_000, burst: 3 });
    expect(first).toEqual({ count: 3, lane: { arrivalMs: T0 + 3_000 } });
    expect(admit(first.lane, 100, T0 + 999, { intervalMs: 1_000, burst: 3 }).count).toBe(0);
    expect(admit(first.lane, 100, T0 + 1_000, { intervalMs: 1_000, burst: 3 }).count).toBe(1);
  });

  it("uses nothing up while nothing is due, the lane is closed or the next probe is not due", () => {
    const lanes: LaneState[] = [
      { closedUntilMs: T0 + 1 },
      { paused: { reason: "tls", sinceMs: SINCE, nextProbeAtMs: T0 + 1 } },
      { closedUntilMs: T0 + 1, paused: { reason: "tls", sinceMs: SINCE, nextProbeAtMs: T0 - 1 } },
    ];
    for (const lane of lanes) expect(admit(lane, 9, T0, PACE)).toEqual({ count: 0, lane });
    const open: LaneState = paused("unauthorized");
    expect(admit(open, 0, T0, PACE)).toEqual({ count: 0, lane: open });
  });

  it("lets one entry probe a paused lane, and the next one a minute later", () => {
    const { count, lane } = admit(paused("unauthorized"), 1_000, T0, PACE);
    expect(count).toBe(1);
    expect(admit(lane, 1_000, T0 + MINUTE - 1, PACE).count).toBe(0);
    expect(admit(lane, 1_000, T0 + MINUTE, PACE).count).toBe(1);
  });

  it("never admits more than there is, nor less than none", () => {
    const lanes = fc.record(
      {
        arrivalMs: fc.integer({ min: T0 - 100_000, max: T0 + 100_000 }),
        closedUntilMs: fc.integer({ min: T0 - 10_000, max: T0 + 10_000 }),
        paused: fc.record({
          reason: fc.constant("tls" as const),
          sinceMs: fc.constant(SINCE),
          nextProbeAtMs: fc.integer({ min: T0 - MINUTE, max: T0 + MINUTE }),
        }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(lanes, fc.integer({ min: 0, max: 100 }), (lane, available) => {
        const { count } = admit(lane, available, T0, PACE);
        expect(Number.isInteger(count)).toBe(true);
        expect(count).toBeGreaterThanOrEqual(0);
        expect(count).toBeLessThanOrEqual(available);
      }),
    );
  });
});

describe("a paused lane over time", () => {
  /** Asks every second; each request that is admitted is answered two seconds later. Answers when requests went. */
  function requests(lane: LaneState, lastsMs: number, answerAt: (nowMs: number) => Outcome): [number[], LaneState] {
    const sent: number[] = [];
    let underWay: number[] = [];
    let current = lane;
    for (let nowMs = T0; nowMs < T0 + lastsMs; nowMs += 1_000) {
      for (const sentMs of underWay.filter((ms) => ms + 2_000 <= nowMs)) {
        current = afterOutcome(current, answerAt(sentMs), nowMs);
      }
      underWay = underWay.filter((ms) => ms + 2_000 > nowMs);
      const { count, lane: next } = admit(current, 100, nowMs, PACE);
      current = next;
      for (let left = count; left > 0; left--) {
        sent.push(nowMs);
        underWay.push(nowMs);
      }
    }
    return [sent, current];
  }

  it.each(["unauthorized", "tls", "timeout", "rejected"] as const)(
    "sends at most 1,440 requests a day while the answer is %s",
    (name) => {
      const before = { ...repeated(OUTCOMES[name], 20), arrivalMs: T0 };
      expect(before.paused).toBeDefined();
      const [sent, lane] = requests(before, 24 * 60 * MINUTE, () => OUTCOMES[name]);
      expect(sent.length).toBeLessThanOrEqual(1_440);
      // Few enough to do no harm, often enough to notice.
      expect(sent.length).toBeGreaterThan(1_300);
      expect(lane.paused?.sinceMs).toBe(T0);
    },
  );

  it("never sends two probes within a minute of each other", () => {
    const outcomes = fc.array(fc.constantFrom(OUTCOMES.unauthorized, OUTCOMES.throttled, OUTCOMES.timeout), {
      minLength: 1,
    });
    fc.assert(
      fc.property(outcomes, (answers) => {
        let at = 0;
        const next = () => answers[at++ % answers.length] ?? OUTCOMES.unauthorized;
        const [sent] = requests(paused("unauthorized"), 30 * MINUTE, next);
        expect(sent.length).toBeGreaterThan(10);
        sent.slice(1).forEach((time, index) => {
          expect(time - (sent[index] ?? 0)).toBeGreaterThanOrEqual(PROBE_INTERVAL_MS);
        });
      }),
      { numRuns: 40 },
    );
  });

  it.each(["delivered", "unmatched"] as const)(
    "flows again within a minute and a bit once the answer is %s",
    (name) => {
      const backAtMs = T0 + 10 * MINUTE;
      const [sent, lane] = requests(paused("unauthorized"), 15 * MINUTE, (sentMs) =>
        sentMs < backAtMs ? OUTCOMES.unauthorized : OUTCOMES[name],
      );
      expect(lane.paused).toBeUndefined();
      const second = sent.filter((time) => time >= backAtMs)[1] ?? Number.NaN;
      expect(second - backAtMs).toBeLessThanOrEqual(MINUTE + 5_000);
      expect(sent.filter((time) => time > second).length).toBeGreaterThan(500);
    },
  );
});

describe("reopensAtMs", () => {
  it("knows no time for a lane on which nothing has happened", () => {
    expect(reopensAtMs({}, T0, PACE)).toBeUndefined();
    expect(reopensAtMs({ failures: 3, rejections: 4, limitPerMinute: 300 }, T0, PACE)).toBeUndefined();
  });

  it("is the later one of the probe and the end of the closure", () => {
    expect(reopensAtMs({ ...paused("unavailable"), closedUntilMs: T0 + 5 }, T0, PACE)).toBe(T0 + 5);
    expect(reopensAtMs({ ...paused("unauthorized"), closedUntilMs: T0 - 5 }, T0, PACE)).toBe(T0);
  });

  it("is when admit admits again, and not a moment later", () => {
    const plan = fc.tuple(fc.integer({ min: 20, max: 3_000 }), fc.integer({ min: 1, max: 10 }));
    const times = fc.record(
      {
        closedUntilMs: fc.integer({ min: T0, max: T0 + 600_000 }),
        probeInMs: fc.integer({ min: 0, max: MINUTE }),
        sent: fc.integer({ min: 1, max: 200 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(plan, times, ([perMinute, perSecond], { closedUntilMs, probeInMs, sent }) => {
        const pace = paceOf({ perMinute, perSecond });
        const used = sent === undefined ? {} : admit({}, sent, T0, pace).lane;
        const lane: LaneState = {
          ...used,
          closedUntilMs,
          ...(probeInMs !== undefined && {
            paused: { reason: "tls" as const, sinceMs: SINCE, nextProbeAtMs: T0 + probeInMs },
          }),
        };
        const at = reopensAtMs(lane, T0, pace);
        if (at === undefined) {
          expect(admit(lane, 5, T0, pace).count).toBeGreaterThan(0);
          return;
        }
        // Times since 1970 have a precision of less than a microsecond.
        expect(admit(lane, 5, Math.ceil(at + 0.001), pace).count).toBeGreaterThan(0);
        expect(admit(lane, 5, Math.floor(at - 0.001), pace).count).toBe(0);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("a lane that a clock wrote which was wrong", () => {
  const DAY = 24 * 60 * MINUTE;
  const ahead = fc.integer({ min: 1, max: 10 * 365 * DAY });

  it("is closed for the 10 minutes that a 429 may ask for, and open where it says more", () => {
    expect(closedUntilMs({ closedUntilMs: T0 + 10 * MINUTE }, T0)).toBe(T0 + 10 * MINUTE);
    expect(closedUntilMs({ closedUntilMs: T0 + 10 * MINUTE + 1 }, T0)).toBe(0);
    expect(admit({ closedUntilMs: T0 + DAY }, 1, T0, PACE).count).toBe(1);
    expect(reopensAtMs({ closedUntilMs: T0 + DAY }, T0, PACE)).toBeUndefined();
  });

  it("is probed where the next probe is further off than a minute, and keeps to a minute from then on", () => {
    const lane: LaneState = { paused: { reason: "tls", sinceMs: T0 + DAY, nextProbeAtMs: T0 + DAY } };
    expect(closedUntilMs(lane, T0)).toBe(0);
    const probed = admit(lane, 9, T0, PACE);
    expect(probed.count).toBe(1);
    expect(probed.lane.paused?.nextProbeAtMs).toBe(T0 + MINUTE);
    expect(admit(probed.lane, 9, T0 + MINUTE - 1, PACE).count).toBe(0);
  });

  it("still keeps the one of the two times that is right", () => {
    const at = (closedMs: number, probeMs: number): LaneState => ({
      closedUntilMs: T0 + closedMs,
      paused: { reason: "tls", sinceMs: T0, nextProbeAtMs: T0 + probeMs },
    });
    expect(closedUntilMs(at(5 * MINUTE, DAY), T0)).toBe(T0 + 5 * MINUTE);
    expect(closedUntilMs(at(DAY, 30_000), T0)).toBe(T0 + 30_000);
  });

  it("heeds the next 429 however wrong the one before was", () => {
    const lane = afterOutcome({ closedUntilMs: T0 + DAY }, OUTCOMES.throttled, T0);
    expect(admit(lane, 5, T0 + 4_999, PACE).count).toBe(0);
    expect(admit(lane, 5, T0 + 5_000, PACE).count).toBeGreaterThan(0);
  });

  it("sends again within 10 minutes, after any outcomes and however far the clock was set back", () => {
    const outcomes = fc.array(fc.constantFrom(...Object.values(OUTCOMES)), { maxLength: 40 });
    fc.assert(
      fc.property(outcomes, ahead, (list, aheadMs) => {
        let lane: LaneState = {};
        list.forEach((outcome, at) => {
          const nowMs = T0 + aheadMs + at * 1_000;
          lane = afterOutcome(admit(lane, 3, nowMs, PACE).lane, outcome, nowMs);
        });
        const asked = admit(lane, 3, T0, PACE).lane;
        expect((reopensAtMs(asked, T0, PACE) ?? T0) - T0).toBeLessThanOrEqual(10 * MINUTE);
        expect(admit(asked, 3, T0 + 10 * MINUTE, PACE).count).toBeGreaterThan(0);
      }),
    );
  });
});

describe("an entry for which nothing was sent", () => {
  it("gives back its place in the rate limit, so that another goes in its stead", () => {
    const pace = { intervalMs: 1_000, burst: 3 };
    const { lane } = admit({}, 100, T0, pace);
    expect(admit(lane, 100, T0, pace).count).toBe(0);
    const given = withoutRequest(withoutRequest(lane, T0, pace), T0, pace);
    expect(given).toEqual({ arrivalMs: T0 + 1_000 });
    expect(admit(given, 100, T0, pace)).toEqual({ count: 2, lane });
  });

  it("gives back its probe, so that another asks after the endpoint at once", () => {
    const { lane } = admit(paused("unauthorized"), 100, T0, PACE);
    const given = withoutRequest(lane, T0 + 5, PACE);
    expect(given.paused).toEqual({ reason: "unauthorized", sinceMs: SINCE, nextProbeAtMs: T0 + 5 });
    expect(admit(given, 100, T0 + 5, PACE).count).toBe(1);
    expect(withoutRequest({ ...lane, arrivalMs: T0 }, T0, PACE).arrivalMs, "a probe took no place").toBe(T0);
  });

  it("changes nothing where nothing was taken, nor anything else of the lane", () => {
    expect(withoutRequest({}, T0, PACE)).toEqual({});
    const lane: LaneState = { failures: 3, rejections: 4, closedUntilMs: T0 + 5, limitPerMinute: 300, arrivalMs: T0 };
    const copy = structuredClone(lane);
    expect(withoutRequest(lane, T0, PACE)).toEqual({ ...lane, arrivalMs: T0 - PACE.intervalMs });
    expect(lane, "the state before is not changed").toEqual(copy);
  });

  it("costs those that are sent nothing, and lets none of them go sooner than the pace allows", () => {
    const rushes = fc.array(
      fc.record({ afterMs: fc.integer({ min: 0, max: 500 }), sends: fc.array(fc.boolean(), { maxLength: 12 }) }),
      { minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(rushes, (list) => {
        const pace = { intervalMs: 250, burst: 4 };
        let [mixed, alone]: LaneState[] = [{}, {}];
        const sent = { mixed: 0, alone: 0 };
        let nowMs = T0;
        for (const { afterMs, sends } of list) {
          nowMs += afterMs;
          // One at a time, as a worker with one request under way does it.
          for (const isSent of sends) {
            const admitted = admit(mixed ?? {}, 1, nowMs, pace);
            mixed = admitted.lane;
            if (admitted.count > 0 && !isSent) mixed = withoutRequest(mixed, nowMs, pace);
            if (admitted.count > 0 && isSent) sent.mixed++;
            if (!isSent) continue;
            const other = admit(alone ?? {}, 1, nowMs, pace);
            alone = other.lane;
            sent.alone += other.count;
          }
        }
        expect(sent.mixed).toBe(sent.alone);
      }),
    );
  });
});
