import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LaneState, PauseReason } from "../../../src/outbox/lane.js";
import type { OutboxStats } from "../../../src/outbox/outbox.js";
import { relayStats } from "../../../src/stats.js";

const T0 = 1_767_225_600_000;
const LAUNCH = { perMinute: 300, perSecond: 10 };
const counts = { pending: 0, delivered: 0, unmatched: 0, dead: 0, discarded: 0 };
const stats = ({ pending = 0, ...more }: Partial<OutboxStats> & { pending?: number } = {}, limit = LAUNCH) =>
  relayStats({ counts: { ...counts, pending }, oldestPendingAtMs: null, conflicts: 0, lane: {}, ...more }, limit, T0);

describe("stats", () => {
  it("of an outbox that holds nothing", () => {
    expect(stats()).toEqual({
      counts,
      conflicts: 0,
      oldestPendingAgeMs: undefined,
      lane: { state: "open" },
      rateLimit: LAUNCH,
      etaMs: 0,
    });
  });

  it("pass on what the store counts", () => {
    const some = { pending: 1, delivered: 2, unmatched: 3, dead: 4, discarded: 5 };
    expect(stats({ counts: some, conflicts: 6 })).toMatchObject({ counts: some, conflicts: 6 });
  });

  it("tell the oldest pending one's age, which is never negative", () => {
    expect(stats({ oldestPendingAtMs: T0 - 90_000 }).oldestPendingAgeMs).toBe(90_000);
    expect(stats({ oldestPendingAtMs: T0 }).oldestPendingAgeMs).toBe(0);
    expect(stats({ oldestPendingAtMs: T0 + 90_000 }).oldestPendingAgeMs).toBe(0);
  });

  it.each<[string, LaneState, object]>([
    ["with failures that are not enough to pause it", { failures: 9, rejections: 19 }, { state: "open" }],
    ["once the closure is over", { closedUntilMs: T0 }, { state: "open" }],
    ["that a clock closed which was days ahead", { closedUntilMs: T0 + 86_400_000 }, { state: "open" }],
    [
      "after a 429",
      { closedUntilMs: T0 + 30_000 },
      { state: "rate_limited", until: new Date(T0 + 30_000).toISOString() },
    ],
  ])("say of a lane %s what it is", (_, lane, expected) => {
    expect(stats({ lane }).lane).toEqual(expected);
  });

  it.each<PauseReason>([
    "unauthorized",
    "forbidden",
    "misconfigured_endpoint",
    "redirected",
    "tls",
    "unavailable",
    "rejecting",
  ])("say that it is paused (%s) and since when, even where it is closed too", (reason) => {
    const paused = { reason, sinceMs: T0 - 5_000, nextProbeAtMs: T0 + 1 };
    const expected = { state: "paused", reason, since: new Date(T0 - 5_000).toISOString() };
    expect(stats({ lane: { paused } }).lane).toEqual(expected);
    expect(stats({ lane: { paused, closedUntilMs: T0 + 9_000 } }).lane).toEqual(expected);
  });

  it("keep to the smaller one of the plan's limit and the endpoint's", () => {
    expect(stats({ lane: { limitPerMinute: 120 } }).rateLimit).toEqual({ perMinute: 120, perSecond: 10 });
    expect(stats({ lane: { limitPerMinute: 1_200 } }).rateLimit).toEqual(LAUNCH);
  });

  it.each<[number, number, number, number]>([
    [300, 10, 100_000, 5.85],
    [600, 20, 100_000, 2.93],
    [3_000, 100, 1_000_000, 5.85],
  ])("at %i a minute and %i a second, %i events take %d hours", (perMinute, perSecond, pending, hours) => {
    const { etaMs } = stats({ pending }, { perMinute, perSecond });
    expect(etaMs / 3_600_000).toBeGreaterThan(hours * 0.98);
    expect(etaMs / 3_600_000).toBeLessThan(hours * 1.03);
  });

  it("have an ETA that grows with the backlog, and as the endpoint's limit falls", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.nat(1_000), fc.integer({ min: 60, max: 300 }), (pending, more, limit) => {
        const { etaMs } = stats({ pending });
        expect(Number.isSafeInteger(etaMs)).toBe(true);
        expect(stats({ pending: pending + more }).etaMs).toBeGreaterThanOrEqual(etaMs);
        expect(stats({ pending, lane: { limitPerMinute: limit } }).etaMs).toBeGreaterThanOrEqual(etaMs);
      }),
    );
  });
});
