import { MAX_AHEAD_MS } from "../outbox.js";
import type { Row } from "./row.js";

interface Place {
  readonly row: Row;
  /** As it was then: who has claimed the row since has changed it. */
  readonly fence: number;
}

/** What is due, oldest first. It is sorted anew only after a change, so that a claim costs the same however long it is. */
export class Queue {
  readonly #pending: Iterable<Row>;
  #places: readonly Place[] = [];
  /** Those before are claimed. */
  #first = 0;
  #started: readonly Place[] = [];
  #hasExpired = false;
  /** The time for which it is right: until the next row is due, or a lease ends or begins to count. */
  #fromMs = Number.POSITIVE_INFINITY;
  #untilMs = Number.POSITIVE_INFINITY;

  /** @param pending - The rows that are pending, at any time. */
  constructor(pending: Iterable<Row>) {
    this.#pending = pending;
  }

  /** A row is pending, or due, that was not, or at another time. */
  changed(): void {
    this.#fromMs = Number.POSITIVE_INFINITY;
  }

  /** A row was claimed. */
  leased(untilMs: number): void {
    this.#untilMs = Math.min(this.#untilMs, untilMs);
  }

  /** The rows that are due and were started this often. */
  startedOften(starts: number, nowMs: number): Row[] {
    this.#bringUpToDate(nowMs);
    return this.#started.filter((place) => place.row.starts >= starts && isOpen(place)).map(({ row }) => row);
  }

  /** The first ones that are due and were started less often. */
  first(max: number, maxStarts: number, nowMs: number): Row[] {
    this.#bringUpToDate(nowMs);
    const rows: Row[] = [];
    for (let at = this.#first; rows.length < max; at++) {
      const place = this.#places[at];
      if (place === undefined) break;
      if (!isOpen(place)) this.#first += at === this.#first ? 1 : 0;
      else if (place.row.starts < maxStarts) rows.push(place.row);
    }
    return rows;
  }

  /** When the next row is due or its lease ends; null where none is pending. */
  nextMs(nowMs: number): number | null {
    const [first] = this.first(1, Number.POSITIVE_INFINITY, nowMs);
    // All others are due later.
    if (first !== undefined && !this.#hasExpired) return first.entry.dueAtMs;
    let nextMs: number | null = null;
    for (const row of this.#pending) nextMs = Math.min(nextMs ?? Number.POSITIVE_INFINITY, atMs(row));
    return nextMs;
  }

  #bringUpToDate(nowMs: number): void {
    if (nowMs >= this.#fromMs && nowMs < this.#untilMs) return;
    const due: Row[] = [];
    this.#fromMs = nowMs;
    this.#untilMs = Number.POSITIVE_INFINITY;
    for (const row of this.#pending) {
      const at = atMs(row);
      const isImpossible = at > nowMs + MAX_AHEAD_MS;
      if (at <= nowMs || isImpossible) due.push(row);
      // A lease that is impossibly far off is one that counts, once the clock that granted it is right again.
      if (at > nowMs) this.#untilMs = Math.min(this.#untilMs, isImpossible ? at - MAX_AHEAD_MS : at);
    }
    // A due time that no schedule makes was written by a clock that was wrong.
    for (const row of due) {
      if (row.entry.dueAtMs > nowMs + MAX_AHEAD_MS) row.entry = { ...row.entry, dueAtMs: nowMs };
    }
    due.sort((a, b) => a.entry.dueAtMs - b.entry.dueAtMs || (a.entry.id < b.entry.id ? -1 : 1));
    this.#places = due.map((row) => ({ row, fence: row.fence }));
    this.#first = 0;
    this.#started = this.#places.filter(({ row }) => row.starts > 0);
    this.#hasExpired = due.some(({ leaseUntilMs }) => leaseUntilMs !== null);
  }
}

function atMs({ leaseUntilMs, entry }: Row): number {
  return leaseUntilMs ?? entry.dueAtMs;
}

function isOpen({ row, fence }: Place): boolean {
  return row.fence === fence && row.entry.state === "pending";
}
