/** Limits of the endpoint, by plan: https://docs.affonso.io/api/rate-limits */
export interface RateLimit {
  /** Requests in any minute. */
  readonly perMinute: number;
  /** Requests in any second. */
  readonly perSecond: number;
}

/** A pace at which requests go: one each `intervalMs`, and `burst` at once after a rest. */
export interface Pace {
  readonly intervalMs: number;
  readonly burst: number;
}

/** Share of the limits that is used: the rest is for clocks and networks that bunch requests together. */
const SHARE = 0.95;

/**
 * The one pace that keeps both limits: in any minute at most `burst + 60 s / interval`, in any second at most
 * `burst + 1 s / interval` requests go.
 */
export function paceOf({ perMinute, perSecond }: RateLimit): Pace {
  const minute = Math.max(SHARE * perMinute, 1);
  const second = Math.max(SHARE * perSecond, 1);
  // A burst comes on top of a minute's even flow, so a large one would cost the flow what it gives.
  const burst = Math.max(Math.floor(Math.min(second - Math.min(minute / 60, second), 0.02 * minute)), 1);
  const perSecondRate = Math.min(Math.max(minute - burst, minute / 2) / 60, Math.max(second - burst, second / 2));
  return { intervalMs: 1000 / perSecondRate, burst };
}

/**
 * How many of `wanted` requests may go now (GCRA).
 *
 * @param arrivalMs - What the call before answered; undefined at first.
 */
export function admitAt(
  { intervalMs, burst }: Pace,
  arrivalMs: number | undefined,
  nowMs: number,
  wanted: number,
): { count: number; arrivalMs: number } {
  const slack = (burst - 1) * intervalMs;
  // A clock that was set back must not close the lane for as long as it was set.
  const start = Math.max(Math.min(arrivalMs ?? nowMs, nowMs + burst * intervalMs), nowMs);
  // In this order: a sum with a time of day in it would lose the fraction.
  const free = Math.floor((nowMs - start + slack) / intervalMs) + 1;
  const count = Math.max(Math.min(wanted, free), 0);
  return { count, arrivalMs: start + count * intervalMs };
}
