import { isBusy, unavailable } from "./failure.js";

/** How long SQLite itself waits for a lock: the event loop stands still meanwhile. */
export const BUSY_TIMEOUT_MS = 50;
/** How long anything waits for a lock in all. */
export const PATIENCE_MS = 3_000;

/** Waits before another try, of different lengths, so that processes do not march in step. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 35));
}

/**
 * Tries until nobody else has the lock.
 *
 * @throws RelayError `outbox_unavailable` after 3 s, and at once for any other failure.
 */
export async function patiently<T>(work: () => T): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return work();
    } catch (cause) {
      if (!isBusy(cause) || performance.now() > deadline) throw unavailable(cause);
    }
    await pause();
  }
}
