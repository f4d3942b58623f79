import { RelayError } from "./errors.js";

/** Runs `work` with a signal that fires after `timeoutMs` or with `outer`, and does not wait for it any longer then. */
export async function withDeadline<T>(
  timeoutMs: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const { promise: expired, reject } = deferred();
  const end = (error: RelayError) => {
    controller.abort(error);
    reject(error);
  };
  const stop = () => end(new RelayError("relay_stopped", "the relay was stopped before this webhook was done"));
  const timer = setTimeout(() => end(new RelayError("timed_out", `not done within ${timeoutMs} ms`)), timeoutMs);
  outer.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work(controller.signal), expired]);
  } finally {
    clearTimeout(timer);
    outer.removeEventListener("abort", stop);
  }
}

function deferred(): { promise: Promise<never>; reject: (error: unknown) => void } {
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<never>((_, fail) => {
    reject = fail;
  });
  return { promise, reject };
}

/**
 * Runs `work` with a signal that fires after `timeoutMs` or with `outer`, and waits no longer then, whether or not the
 * work heeds it. Unlike AbortSignal.any it leaves nothing behind.
 *
 * @throws The signal's reason, a `TimeoutError` or an `AbortError`.
 */
export async function withTimeout<T>(
  timeoutMs: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const { promise: expired, reject } = deferred();
  const end = (reason: unknown) => {
    controller.abort(reason);
    reject(reason);
  };
  const timer = setTimeout(() => end(new DOMException(`no answer within ${timeoutMs} ms`, "TimeoutError")), timeoutMs);
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
