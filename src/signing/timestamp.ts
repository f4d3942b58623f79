import { RelayError } from "../errors.js";

/** Seconds by which a signature's timestamp may lie in the past or in the future. */
export const DEFAULT_TOLERANCE_SECONDS = 300;

/**
 * Refuses a signature's timestamp that is no whole number of seconds, is stale, or lies in the future.
 *
 * Both directions count: a capture signed for next year would otherwise stay replayable until then.
 *
 * @param timestamp - The header's text, unix seconds.
 * @throws RelayError `signature_invalid`.
 */
export function checkTimestamp(timestamp: string, toleranceSeconds: number, nowMs: number): void {
  if (!/^\d{1,12}$/.test(timestamp)) {
    throw new RelayError("signature_invalid", "the signature's timestamp is not a number of unix seconds");
  }
  const ageSeconds = Math.floor(nowMs / 1000) - Number(timestamp);
  // Written so that a clock which answers nonsense (NaN) accepts nothing.
  if (!(Math.abs(ageSeconds) <= toleranceSeconds)) {
    const direction = ageSeconds > 0 ? "old" : "ahead of this machine's clock";
    throw new RelayError(
      "signature_invalid",
      `the signature is ${Math.abs(ageSeconds)} s ${direction} and ${toleranceSeconds} s are allowed; ` +
        "check the clock, or let the provider send the webhook again instead of replaying a stored request",
    );
  }
}
