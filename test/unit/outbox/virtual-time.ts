import type { Timers } from "../../../src/outbox/worker.js";

/** A clock that only moves when a test says so, and timers that keep to it. */
export class VirtualTime implements Timers {
  nowMs: number;
  readonly #timers = new Map<number, { readonly atMs: number; readonly callback: () => void }>();
  #last = 0;

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  readonly clock = (): number => this.nowMs;

  after(ms: number, callback: () => void): () => void {
    const id = ++this.#last;
    this.#timers.set(id, { atMs: this.nowMs + Math.max(ms, 1), callback });
    return () => this.#timers.delete(id);
  }

  /** How many timers are set: what would keep a process from ending. */
  get waiting(): number {
    return this.#timers.size;
  }

  /** Lets time pass, and all that happens meanwhile. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    await settled();
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      const [id, { atMs, callback }] = next;
      this.#timers.delete(id);
      this.nowMs = Math.max(this.nowMs, Math.ceil(atMs));
      callback();
      await settled();
    }
    this.nowMs = untilMs;
  }

  #next(untilMs: number) {
    const due = [...this.#timers].filter(([, { atMs }]) => atMs <= untilMs);
    return due.sort(([a, one], [b, other]) => one.atMs - other.atMs || a - b)[0];
  }
}

/** Whatever needs no time has happened. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) await new Promise((resolve) => setImmediate(resolve));
}
