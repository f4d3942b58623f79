/** When failed attempts are tried again. */
export interface RetryPolicy {
  /** Milliseconds before each retry; the last one repeats. */
  readonly delaysMs: readonly number[];
  /** Share by which a delay is made longer or shorter at random, so that retries do not march in step. */
  readonly jitter: number;
  /** Age in milliseconds after which an event is given up. */
  readonly maxAgeMs: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** 5 s … 6 h until the event is 7 days old: longer than a provider would try, and within what it can send again. */
export const DEFAULT_RETRY: RetryPolicy = {
  delaysMs: [5_000, 30_000, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR],
  jitter: 0.2,
  maxAgeMs: 7 * 24 * HOUR,
};

/**
 * When to try again after `attempts` failed ones.
 *
 * @param random - A number from 0 to 1.
 * @returns Milliseconds since 1970; undefined when the event would be older than `maxAgeMs` by then.
 */
export function nextAttemptAtMs(
  policy: RetryPolicy,
  { attempts, createdAtMs }: { readonly attempts: number; readonly createdAtMs: number },
  nowMs: number,
  random: number,
): number | undefined {
  const delay = policy.delaysMs[Math.min(attempts, policy.delaysMs.length) - 1] ?? policy.delaysMs.at(-1) ?? HOUR;
  const at = nowMs + delay * (1 + policy.jitter * (2 * random - 1));
  return at - createdAtMs > policy.maxAgeMs ? undefined : Math.round(at);
}
