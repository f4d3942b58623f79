import type { BlockedReason, Outcome } from "../endpoint/outcome.js";
import { admitAt, type Pace } from "../endpoint/rate-limit.js";

/** Why nothing is sent although there is something to send. */
export type PauseReason = BlockedReason | "unavailable" | "rejecting";

/**
 * The one way to the endpoint, which all workers of all processes share. It is kept in the store as JSON: absent fields
 * are those of a lane on which nothing has happened.
 */
export interface LaneState {
  /** Theoretical arrival time of the next request, for the rate limit (GCRA). */
  readonly arrivalMs?: number | undefined;
  /** Nothing is sent before, since the endpoint asked for it (429). */
  readonly closedUntilMs?: number | undefined;
  /** The limit per minute that the endpoint last named. */
  readonly limitPerMinute?: number | undefined;
  /** Attempts in a row that failed, of whatever entries. */
  readonly failures?: number | undefined;
  /** Entries in a row that the endpoint refused for good. */
  readonly rejections?: number | undefined;
  /** Set while the lane is paused; then one entry at a time probes it. */
  readonly paused?:
    | { readonly reason: PauseReason; readonly sinceMs: number; readonly nextProbeAtMs: number }
    | undefined;
  /** When it was last paused no more, or nothing but failures kept it paused. */
  readonly resumedAtMs?: number | undefined;
}

/** How often a paused lane is probed: often enough to resume within a minute, at most 1 440 times a day. */
export const PROBE_INTERVAL_MS = 60_000;
/** Failures in a row after which the endpoint is taken to be down, and only probed. */
export const FAILURES_TO_PAUSE = 10;
/** Refusals in a row after which the fault is taken to be ours: the backlog must not end as dead letters. */
export const REJECTIONS_TO_PAUSE = 20;

/** No 429 closes for longer, and no probe is further off: what is, a clock wrote that was wrong and is right again. */
const MAX_CLOSED_MS = 600_000;

/** Until when nothing is sent, because of a 429 or a pause; 0 where the lane is open. */
export function closedUntilMs(lane: LaneState, nowMs: number): number {
  const probe = lane.paused?.nextProbeAtMs ?? 0;
  return Math.max(throttledUntilMs(lane, nowMs), probe - nowMs > PROBE_INTERVAL_MS ? 0 : probe);
}

function throttledUntilMs({ closedUntilMs: closed = 0 }: LaneState, nowMs: number): number {
  return closed - nowMs > MAX_CLOSED_MS ? 0 : closed;
}

/** How many of the entries that are due may go now. */
export function admit(
  lane: LaneState,
  available: number,
  nowMs: number,
  pace: Pace,
): { count: number; lane: LaneState } {
  if (available === 0 || closedUntilMs(lane, nowMs) > nowMs) return { count: 0, lane };
  if (lane.paused !== undefined) {
    const paused = { ...lane.paused, nextProbeAtMs: nowMs + PROBE_INTERVAL_MS };
    return { count: 1, lane: { ...lane, paused } };
  }
  const { count, arrivalMs } = admitAt(pace, lane.arrivalMs, nowMs, available);
  return { count, lane: { ...lane, arrivalMs } };
}

/** When it is worth asking `admit` again; undefined where nothing but entries that are due is waited for. */
export function reopensAtMs(lane: LaneState, nowMs: number, pace: Pace): number | undefined {
  const closed = closedUntilMs(lane, nowMs);
  const isPaced = lane.arrivalMs !== undefined && lane.paused === undefined;
  const paced = isPaced ? lane.arrivalMs - (pace.burst - 1) * pace.intervalMs : 0;
  const at = Math.max(closed, paced);
  return at > 0 ? at : undefined;
}

/** Since when an attempt that fails is its entry's: the time of a pause that no attempt could end is none's. */
export function triesSinceMs({ paused, resumedAtMs = 0 }: LaneState): number {
  return isBlocked(paused) ? Number.POSITIVE_INFINITY : resumedAtMs;
}

/** An entry was admitted and nothing was sent for it: its place in the rate limit, or its probe, is another's. */
export function withoutRequest(lane: LaneState, nowMs: number, pace: Pace): LaneState {
  if (lane.paused !== undefined) return { ...lane, paused: { ...lane.paused, nextProbeAtMs: nowMs } };
  if (lane.arrivalMs === undefined) return lane;
  return { ...lane, arrivalMs: lane.arrivalMs - pace.intervalMs };
}

/** What an attempt's outcome means for everything that comes after it. */
export function afterOutcome(lane: LaneState, outcome: Outcome, nowMs: number): LaneState {
  switch (outcome.kind) {
    case "delivered":
    case "unmatched":
      return resume({ ...lane, failures: 0, rejections: 0 }, nowMs);
    case "rejected": {
      // The endpoint answered, so it is neither down nor closed to us; but is it us?
      const rejections = (lane.rejections ?? 0) + 1;
      const next = { ...lane, failures: 0, rejections };
      if (rejections >= REJECTIONS_TO_PAUSE) return pause(next, "rejecting", nowMs);
      return resume(next, nowMs);
    }
    case "blocked":
      return pause(lane, outcome.reason, nowMs);
    case "throttled":
      return { ...lane, closedUntilMs: Math.max(throttledUntilMs(lane, nowMs), nowMs + outcome.retryAfterMs) };
    case "failed": {
      const failures = (lane.failures ?? 0) + 1;
      // It is closed to us no more: it fails, from now on.
      const next = { ...lane, failures, resumedAtMs: isBlocked(lane.paused) ? nowMs : lane.resumedAtMs };
      return failures >= FAILURES_TO_PAUSE ? pause(next, "unavailable", nowMs) : next;
    }
  }
}

function isBlocked(paused: LaneState["paused"]): boolean {
  return paused !== undefined && paused.reason !== "unavailable";
}

function resume(lane: LaneState, nowMs: number): LaneState {
  return lane.paused === undefined ? lane : { ...lane, paused: undefined, resumedAtMs: nowMs };
}

function pause(lane: LaneState, reason: PauseReason, nowMs: number): LaneState {
  const sinceMs = lane.paused?.sinceMs ?? nowMs;
  return { ...lane, paused: { reason, sinceMs, nextProbeAtMs: nowMs + PROBE_INTERVAL_MS } };
}
