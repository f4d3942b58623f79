import type { Timers } from "../../../../src/outbox/worker.js";

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** Time that passes when a test says so: timers go by what has passed, the clock may be set besides. */
export class VirtualTime {
  #passedMs = 0;
  #setByMs = 0;
  readonly #timers = new Set<Timer>();

  readonly clock = (): number => 1_760_000_000_000 + this.#passedMs + this.#setByMs;

  /** Timers of one process; `end` forgets them, as the process's death does. */
  process(): Timers & { end(): void } {
    const own = new Set<Timer>();
    return {
      after: (ms, callback) => {
        const timer = { atMs: this.#passedMs + ms, callback };
        this.#timers.add(timer);
        own.add(timer);
        return () => {
          this.#timers.delete(timer);
          own.delete(timer);
        };
      },
      end: () => {
        for (const timer of own) this.#timers.delete(timer);
      },
    };
  }

  /** Sets the clock, forward or back, as an administrator or NTP does it: no timer notices. */
  set(ms: number): void {
    this.#setByMs += ms;
  }

  /** Lets time pass, timer by timer; `rest` lets what a timer began go as far as it can. */
  async pass(ms: number, rest: () => Promise<void>): Promise<void> {
    const untilMs = this.#passedMs + ms;
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.#passedMs = Math.max(this.#passedMs, next.atMs);
      this.#timers.delete(next);
      next.callback();
      await rest();
    }
    this.#passedMs = untilMs;
  }

  #next(untilMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) if (timer.atMs <= untilMs && timer.atMs < (next?.atMs ?? Infinity)) next = timer;
    return next;
  }
}
