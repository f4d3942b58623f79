import { MAX_AHEAD_MS, MIN_AHEAD_MS } from "../outbox.js";
import type { Row } from "./row.js";
import { Timeline } from "./timeline.js";

/** What is pending, and in which order. */
export class Queue {
  /** All of it, by when it was put. */
  readonly #pending = new Timeline();
  /** What nobody works on, by when it is due. */
  readonly #due = new Timeline();
  /** What was started and not settled: few, and whatever is leased is among it. */
  readonly #started = new Set<Row>();

  get size(): number {
    return this.#pending.size;
  }

  /** Takes note of a row that is new or has changed. */
  keep(row: Row): void {
    const { state, createdAtMs, dueAtMs } = row.entry;
    const isPending = state === "pending";
    if (isPending) this.#pending.set(row, createdAtMs);
    else this.#pending.delete(row);
    if (isPending && row.leaseUntilMs === null) this.#due.set(row, dueAtMs);
    else this.#due.delete(row);
    if (isPending && row.starts > 0) this.#started.add(row);
    else this.#started.delete(row);
  }

  /** Rows that nobody works on and that a clock has dated that was ahead, and was set right since. */
  misdated(nowMs: number): Row[] {
    const putLater = [...this.#pending.within(nowMs + MIN_AHEAD_MS, nowMs + MAX_AHEAD_MS)];
    const impossible = this.#due.within(nowMs + MAX_AHEAD_MS, Number.POSITIVE_INFINITY);
    return [...putLater.filter(({ leaseUntilMs }) => leaseUntilMs === null), ...impossible];
  }

  /** Rows that may be claimed and were started this often, the first put first. */
  startedOften(starts: number, nowMs: number): Row[] {
    const often = [...this.#started].filter((row) => row.starts >= starts && isOpen(row, nowMs));
    return often.sort((a, b) => (a.entry.id < b.entry.id ? -1 : 1));
  }

  /** The first ones that may be claimed and were started less often. */
  first(max: number, maxStarts: number, nowMs: number): Row[] {
    const rows = [...this.#started].filter((row) => row.leaseUntilMs !== null && isOpen(row, nowMs));
    let room = max;
    for (const row of this.#due.within(Number.NEGATIVE_INFINITY, nowMs)) {
      if (room <= 0) break;
      if (row.starts >= maxStarts) continue;
      rows.push(row);
      room--;
    }
    const byDueTime = (a: Row, b: Row) => a.entry.dueAtMs - b.entry.dueAtMs || (a.entry.id < b.entry.id ? -1 : 1);
    return rows
      .filter(({ starts }) => starts < maxStarts)
      .sort(byDueTime)
      .slice(0, max);
  }

  /** Rows that nobody works on and that are not due yet. */
  later(nowMs: number): Row[] {
    return [...this.#due.within(nowMs, Number.POSITIVE_INFINITY)];
  }

  /** When the next row is due or its lease ends; null where none is pending. */
  nextMs(): number | null {
    const first = this.#due.first();
    const times = [...this.#started].flatMap(({ leaseUntilMs }) => leaseUntilMs ?? []);
    if (first !== undefined) times.push(first.entry.dueAtMs);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** When the oldest row was put; null where none is pending. */
  oldestMs(): number | null {
    return this.#pending.first()?.entry.createdAtMs ?? null;
  }
}

/** Whether it may be claimed. A lease that is impossibly far off was granted by a clock that was wrong. */
function isOpen({ leaseUntilMs, entry }: Row, nowMs: number): boolean {
  if (leaseUntilMs === null) return entry.dueAtMs <= nowMs;
  return leaseUntilMs <= nowMs || leaseUntilMs > nowMs + MAX_AHEAD_MS;
}
