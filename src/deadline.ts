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
  let expire: (reason: unknown) => void = () => {};
  const expired = new Promise<never>((_, reject) => {
    expire = reject;
  });
  const end = (reason: unknown) => {
    controller.abort(reason);
    expire(reason);
  };
  const timer = setTimeout(() => end(late()), timeoutMs);
  const stop = () => end(outer.reason);
  outer.addEventListener("abort", stop, { once: true });
  try {
    outer.throwIfAborted();
    return await Promise.race([work(controller.signal), expired]);
  } finally {
    clearTimeout(timer);
    outer.removeEventListener("abort", stop);
  }
}
