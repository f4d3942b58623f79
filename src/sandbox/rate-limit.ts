/** How many requests a team may send. */
export interface RateLimit {
  /** Requests in any 60 seconds. */
  readonly perMinute: number;
  /** Requests in any one second. */
  readonly perSecond: number;
}

/** Whether a request may pass, and what its answer's headers say. */
export interface RateDecision {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  readonly resetAtSeconds: number;
  readonly retryAfterSeconds: number;
}

const MINUTE_MS = 60_000;
const SECOND_MS = 1_000;
const UNLIMITED: RateLimit = { perMinute: 1_000_000, perSecond: 1_000_000 };

/** The times that still count, oldest first. */
export function recentTimes(times: readonly number[], nowMs: number): number[] {
  return times.filter((time) => time > nowMs - MINUTE_MS);
}

/**
 * Whether one more request may pass after those at `times`.
 *
 * Both windows slide, which is the strictest reading of "300 a minute, 10 a second". Requests that are refused do not
 * count. A refusal's `resetAtSeconds` belongs to the window that refused, so that it agrees with `Retry-After`.
 */
export function decideRate(limit: RateLimit, times: readonly number[], nowMs: number): RateDecision {
  const recent = recentTimes(times, nowMs);
  const freeInMs = Math.max(
    waitMs(recent, limit.perMinute, MINUTE_MS, nowMs),
    waitMs(recent, limit.perSecond, SECOND_MS, nowMs),
  );
  const allowed = freeInMs <= 0;
  const oldest = recent[0] ?? nowMs;
  return {
    allowed,
    limit: limit.perMinute,
    remaining: Math.max(0, limit.perMinute - recent.length),
    resetAtSeconds: Math.ceil((allowed ? oldest + MINUTE_MS : nowMs + freeInMs) / 1000),
    retryAfterSeconds: allowed ? 0 : Math.max(1, Math.ceil(freeInMs / 1000)),
  };
}

/** The headers that every answer carries. */
export function rateHeaders(decision: RateDecision): Record<string, string> {
  return {
    "x-ratelimit-limit": String(decision.limit),
    "x-ratelimit-remaining": String(decision.remaining),
    "x-ratelimit-reset": String(decision.resetAtSeconds),
  };
}

/** Counts the requests of one team. Without a limit, headers show one that is never reached. */
export class RateLimiter {
  readonly #limit: RateLimit | undefined;
  #times: number[] = [];

  constructor(limit: RateLimit | undefined) {
    this.#limit = limit;
  }

  /** Where the team stands, without counting a request. */
  peek(nowMs: number): RateDecision {
    return decideRate(this.#limit ?? UNLIMITED, this.#times, nowMs);
  }

  /** Counts one more request, unless it must be refused. */
  take(nowMs: number): RateDecision {
    const decision = this.peek(nowMs);
    if (this.#limit === undefined || !decision.allowed) return decision;
    this.#times = [...recentTimes(this.#times, nowMs), nowMs];
    return { ...decision, remaining: decision.remaining - 1 };
  }

  reset(): void {
    this.#times = [];
  }
}

function waitMs(times: readonly number[], count: number, windowMs: number, nowMs: number): number {
  const blocking = times[times.length - count];
  return blocking === undefined ? 0 : blocking + windowMs - nowMs;
}
