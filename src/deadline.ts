/**
 * Runs `work` with the controller's signal, aborts it after `timeoutMs`, and waits no longer once it is aborted, by whomever,
 * whether or not the work heeds it. Unlike AbortSignal.any it leaves nothing behind.
 *
 * @param late - What to throw after `timeoutMs`.
 * @throws What `late` answers, or the signal's reason.
 */
export async function within<T>(
  controller: AbortController,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<T>,
  late: () => Error,
): Promise<T> {
  const { signal } = controller;
  signal.throwIfAborted();
  const ended = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
  const timer = setTimeout(() => controller.abort(late()), timeoutMs);
  try {
    return await Promise.race([work(signal), ended]);
  } finally {
    clearTimeout(timer);
  }
}

/** As {@link within}, and ended by `outer` as well. @throws DOMException `TimeoutError` after `timeoutMs`. */
export async function withTimeout<T>(
  timeoutMs: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const stop = () => controller.abort(outer.reason);
  if (outer.aborted) stop();
  outer.addEventListener("abort", stop, { once: true });
  const late = () => new DOMException(`no answer within ${timeoutMs} ms`, "TimeoutError");
  return within(controller, timeoutMs, work, late).finally(() => outer.removeEventListener("abort", stop));
}
