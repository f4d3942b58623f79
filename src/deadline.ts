/**
 * Runs `work` with a signal that fires after `timeoutMs` or with `outer`, and waits no longer then, whether or not the
 * work heeds it. Unlike AbortSignal.any it leaves nothing behind.
 *
 * @param late - What to throw after `timeoutMs`.
 * @throws What `late` answers, or the reason of `outer`.
 */
export async function withTimeout<T>(
  timeoutMs: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
  late: () => Error = () => new DOMException(`no answer within ${timeoutMs} ms`, "TimeoutError"),
): Promise<T> {
  const controller = new AbortController();
  const { signal } = controller;
  const ended = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
  const timer = setTimeout(() => controller.abort(late()), timeoutMs);
  const stop = () => controller.abort(outer.reason);
  outer.addEventListener("abort", stop, { once: true });
  try {
    outer.throwIfAborted();
    return await Promise.race([work(signal), ended]);
  } finally {
    clearTimeout(timer);
    outer.removeEventListener("abort", stop);
  }
}
