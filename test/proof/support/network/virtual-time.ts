import { setImmediate as turn } from "node:timers/promises";
import type { Timers } from "../../../../src/outbox/worker.js";

interface Timer {
  readonly atMs: number;
  /** Timers of one moment fire in the order they were set. */
  readonly order: number;
  callback: (() => void) | undefined;
}

/** Real time in which any piece of work must be done; one that is not waits for something that never comes. */
const STUCK_AFTER_MS = 20_000;

/**
 * Time that passes when all wait for it. Work that is counted (`during`) may use threads and disks: until it is done, or
 * waits for this time itself (`sleep`, `untilAborted`), the clock stands still.
 */
export class VirtualTime implements Timers {
  #nowMs: number;
  #working = 0;
  #order = 0;
  readonly #heap: Timer[] = [];

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
  }

  readonly clock = (): number => this.#nowMs;

  /** Like setTimeout: whole milliseconds, at least one. */
  after(ms: number, callback: () => void): () => void {
    const timer: Timer = { atMs: this.#nowMs + Math.max(Math.trunc(ms), 1), order: this.#order++, callback };
    push(this.#heap, timer);
    return () => {
      timer.callback = undefined;
    };
  }

  /** The clock stands still while `work` is under way. */
  async during<T>(work: () => T | Promise<T>): Promise<T> {
    this.#working++;
    try {
      return await work();
    } finally {
      this.#working--;
    }
  }

  /** Counted work that waits for a time. */
  sleep(ms: number): Promise<void> {
    return this.#away((back) => this.after(ms, back));
  }

  /** Counted work that waits until somebody gives it up. */
  async untilAborted(signal: AbortSignal): Promise<never> {
    if (!signal.aborted) await this.#away((back) => signal.addEventListener("abort", back, { once: true }));
    throw signal.reason;
  }

  /** Counts what an object does. */
  counting<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (object, name) => {
        const value: unknown = Reflect.get(object, name, object);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          const result: unknown = Reflect.apply(value, object, args);
          return result instanceof Promise ? this.during(() => result) : result;
        };
      },
    });
  }

  /** Lets time pass, from timer to timer, until `done` says so; fails when it is not said by `withinMs`. */
  async run(done: () => boolean, withinMs = 30 * 24 * 3_600_000): Promise<void> {
    const endsAtMs = this.#nowMs + withinMs;
    for (;;) {
      await this.#rest();
      if (done()) return;
      const timer = pop(this.#heap);
      if (timer === undefined) throw new Error("nobody waits for anything, and it is not done");
      if (timer.callback === undefined) continue;
      if (timer.atMs > endsAtMs) throw new Error(`not done within ${withinMs} ms of virtual time`);
      this.#nowMs = Math.max(this.#nowMs, timer.atMs);
      timer.callback();
    }
  }

  /** Lets this much time pass. */
  async pass(ms: number): Promise<void> {
    let passed = false;
    this.after(ms, () => {
      passed = true;
    });
    await this.run(() => passed);
  }

  /** Resolves when nothing can run before time goes on: the turn lets all microtasks go first. */
  async #rest(): Promise<void> {
    const startedAt = performance.now();
    do {
      await turn();
      if (performance.now() - startedAt > STUCK_AFTER_MS) throw new Error("work waits for something that never comes");
    } while (this.#working > 0);
  }

  #away(until: (back: () => void) => void): Promise<void> {
    this.#working--;
    return new Promise((resolve) => {
      until(() => {
        this.#working++;
        resolve();
      });
    });
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function push(heap: Timer[], timer: Timer): void {
  let at = heap.push(timer) - 1;
  while (at > 0) {
    const parentAt = (at - 1) >> 1;
    const parent = heap[parentAt];
    if (parent === undefined || !isBefore(timer, parent)) break;
    heap[at] = parent;
    at = parentAt;
  }
  heap[at] = timer;
}

function pop(heap: Timer[]): Timer | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    const left = heap[2 * at + 1];
    const right = heap[2 * at + 2];
    if (left === undefined) break;
    const [child, childAt] = right !== undefined && isBefore(right, left) ? [right, 2 * at + 2] : [left, 2 * at + 1];
    if (!isBefore(child, last)) break;
    heap[at] = child;
    at = childAt;
  }
  heap[at] = last;
  return first;
}
