import { paceOf, type RateLimit } from "./endpoint/rate-limit.js";
import { closedUntilMs, type PauseReason } from "./outbox/lane.js";
import type { EntryState, OutboxStats } from "./outbox/outbox.js";

/** How the relay stands. It costs the same whatever the backlog, so it may be asked every few seconds. */
export interface RelayStats {
  /** Events and refunds by state. */
  readonly counts: Readonly<Record<EntryState, number>>;
  /** Webhooks that said something else of a known sale, or came with an id that is taken. */
  readonly conflicts: number;
  /** Age of the oldest pending event in milliseconds: what to alert on. */
  readonly oldestPendingAgeMs: number | undefined;
  /** Whether events flow. */
  readonly lane:
    | { readonly state: "open" }
    | { readonly state: "paused"; readonly reason: PauseReason; readonly since: string }
    | { readonly state: "rate_limited"; readonly until: string };
  /** The limits that are kept to, after what the endpoint says of them. */
  readonly rateLimit: RateLimit;
  /** How long the backlog takes at the full rate, in milliseconds. */
  readonly etaMs: number;
}

/** What the store counts, in words for the person who runs it. */
export function relayStats(
  { counts, conflicts, oldestPendingAtMs, lane }: OutboxStats,
  limit: RateLimit,
  nowMs: number,
): RelayStats {
  const perMinute = Math.min(limit.perMinute, lane.limitPerMinute ?? limit.perMinute);
  const rateLimit = { ...limit, perMinute };
  return {
    counts,
    conflicts,
    oldestPendingAgeMs: oldestPendingAtMs === null ? undefined : Math.max(nowMs - oldestPendingAtMs, 0),
    lane: laneOf(lane, nowMs),
    rateLimit,
    etaMs: Math.ceil(counts.pending * paceOf(rateLimit).intervalMs),
  };
}

function laneOf(lane: OutboxStats["lane"], nowMs: number): RelayStats["lane"] {
  const { paused } = lane;
  if (paused !== undefined) {
    return { state: "paused", reason: paused.reason, since: new Date(paused.sinceMs).toISOString() };
  }
  const until = closedUntilMs(lane, nowMs);
  if (until > nowMs) return { state: "rate_limited", until: new Date(until).toISOString() };
  return { state: "open" };
}
