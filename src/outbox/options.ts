import type { RateLimit } from "../endpoint/rate-limit.js";
import { DEFAULT_RETRY, type RetryPolicy } from "../endpoint/retry.js";
import { assertKnownKeys, assertWholeNumber, invalidOption } from "../errors.js";

/** Options that a relay has with an outbox only. */
export interface OutboxOptions {
  /** The limits of your Affonso plan, of which at most 95 % are used. @default 300 a minute, 10 a second */
  readonly rateLimit?: RateLimit | undefined;
  /** When failed attempts are repeated. @default 5 s, 30 s, 2 m … 6 h, until 7 days, ±20 % */
  readonly retry?: { readonly [Part in keyof RetryPolicy]?: RetryPolicy[Part] | undefined } | undefined;
  /** How long a sale without a referral waits for the link that names it, in ms. @default 60000 */
  readonly linkWaitMs?: number | undefined;
  /**
   * How long after the endpoint knew no such referral to ask it once more, in milliseconds. A click or a
   * lead may reach it later than the sale.
   *
   * @default never
   */
  readonly recheckUnmatchedMs?: number | undefined;
  /** How many requests are under way at once. @default 8 */
  readonly concurrency?: number | undefined;
  /** How long what is done stays in lists and counts, in milliseconds; duplicates are known for good. @default 30 days */
  readonly keepMs?: number | undefined;
}

/** The options of a relay with an outbox, checked and complete. */
export interface DurableOptions {
  readonly rateLimit: RateLimit;
  readonly retry: RetryPolicy;
  readonly linkWaitMs: number;
  readonly saleWaitMs: number;
  readonly recheckUnmatchedMs: number | undefined;
  readonly concurrency: number;
  readonly keepMs: number;
  readonly requestTimeoutMs: number;
}

const DAY_MS = 24 * 60 * 60_000;

/** @throws RelayError `invalid_options`: which option, what was expected, what came. */
export function durableOptions(options: OutboxOptions & { readonly timeoutMs?: number | undefined }): DurableOptions {
  const { rateLimit = { perMinute: 300, perSecond: 10 }, retry = {}, timeoutMs = 15_000 } = options;
  const { linkWaitMs = 60_000, recheckUnmatchedMs, concurrency = 8, keepMs = 30 * DAY_MS } = options;
  assertKnownKeys("rateLimit", rateLimit, ["perMinute", "perSecond"]);
  assertWholeNumber("rateLimit.perMinute", rateLimit.perMinute, 1, 1_000_000);
  assertWholeNumber("rateLimit.perSecond", rateLimit.perSecond, 1, 100_000);
  assertWholeNumber("linkWaitMs", linkWaitMs, 0, 7 * DAY_MS);
  if (recheckUnmatchedMs !== undefined) assertWholeNumber("recheckUnmatchedMs", recheckUnmatchedMs, 1, 7 * DAY_MS);
  assertWholeNumber("concurrency", concurrency, 1, 1_000);
  assertWholeNumber("keepMs", keepMs, DAY_MS, 3_650 * DAY_MS);
  return Object.freeze({
    rateLimit: Object.freeze({ ...rateLimit }),
    retry: retryPolicy(retry),
    linkWaitMs,
    saleWaitMs: DAY_MS,
    recheckUnmatchedMs,
    concurrency,
    keepMs,
    requestTimeoutMs: timeoutMs,
  });
}

function retryPolicy(retry: NonNullable<OutboxOptions["retry"]>): RetryPolicy {
  assertKnownKeys("retry", retry, ["delaysMs", "jitter", "maxAgeMs"]);
  const { delaysMs = DEFAULT_RETRY.delaysMs, jitter = DEFAULT_RETRY.jitter, maxAgeMs = DEFAULT_RETRY.maxAgeMs } = retry;
  if (!Array.isArray(delaysMs) || delaysMs.length === 0)
    throw invalidOption("retry.delaysMs", "a list of delays", delaysMs);
  for (const [at, delay] of delaysMs.entries()) assertWholeNumber(`retry.delaysMs[${at}]`, delay, 1, 3 * DAY_MS);
  if (typeof jitter !== "number" || !(jitter >= 0 && jitter <= 1)) {
    throw invalidOption("retry.jitter", "a share from 0 to 1", jitter);
  }
  assertWholeNumber("retry.maxAgeMs", maxAgeMs, 1, 365 * DAY_MS);
  return Object.freeze({ delaysMs: Object.freeze([...delaysMs]), jitter, maxAgeMs });
}
