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
