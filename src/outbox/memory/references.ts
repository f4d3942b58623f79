import type { Reference } from "../outbox.js";
import { keyOf } from "./links.js";
import type { Row } from "./row.js";

/** Some of the rows by what they speak of, in the order in which they were added. */
class Speaking {
  readonly #rows = new Set<Row>();
  readonly #byKey = new Map<string, Set<Row>>();

  /** Adds the row, or takes it out. */
  set(row: Row, belongs: boolean): void {
    if (this.#rows.has(row) === belongs) return;
    if (belongs) this.#add(row);
    else this.#delete(row);
  }

  #add(row: Row): void {
    this.#rows.add(row);
    for (const key of keysOf(row)) {
      const rows = this.#byKey.get(key) ?? new Set();
      this.#byKey.set(key, rows.add(row));
    }
  }

  #delete(row: Row): void {
    this.#rows.delete(row);
    for (const key of keysOf(row)) {
      const rows = this.#byKey.get(key);
      rows?.delete(row);
      if (rows?.size === 0) this.#byKey.delete(key);
    }
  }

  /** Those that speak of any of these. */
  of(source: string, references: readonly Reference[]): Set<Row> {
    return new Set(references.flatMap((reference) => [...(this.#byKey.get(keyOf(source, reference)) ?? [])]));
  }

  /** Of each reference the first row that speaks of it. */
  firstOf(source: string, references: readonly Reference[]): Row[] {
    return references.flatMap((reference) => {
      const first = this.#byKey.get(keyOf(source, reference))?.values().next().value;
      return first === undefined ? [] : [first];
    });
  }
}

function keysOf({ entry }: Row): string[] {
  return entry.references.map((reference) => keyOf(entry.source, reference));
}

/** Who is found by a reference: events by their refunds, and by links what waits. Pending ones that wait for none are many. */
export class References {
  readonly #events = new Speaking();
  readonly #waiting = new Speaking();
  readonly #unreferred = new Speaking();

  /** Takes note of a row that is new or has changed, before it loses its references. */
  keep(row: Row): void {
    const { kind, state, awaitsReferral } = row.entry;
    const isEvent = kind === "event";
    const isListening = row.leaseUntilMs !== null && (awaitsReferral || !isEvent);
    const isUnmatched = state === "unmatched" && row.kept === "all";
    this.#events.set(row, isEvent && row.kept !== "keys");
    this.#waiting.set(row, isListening || row.held || (isUnmatched && !isEvent));
    this.#unreferred.set(row, isListening || (isUnmatched && awaitsReferral));
  }

  /** What any news of these may wake. */
  waitingFor(source: string, references: readonly Reference[]): Set<Row> {
    return this.#waiting.of(source, references);
  }

  /** What a referral of these may wake. */
  unreferred(source: string, references: readonly Reference[]): Set<Row> {
    return this.#unreferred.of(source, references);
  }

  /** The event with any of these references; the oldest of several. */
  oldestEvent(source: string, references: readonly Reference[]): Row | undefined {
    return this.#events.firstOf(source, references).sort((a, b) => (a.entry.id < b.entry.id ? -1 : 1))[0];
  }
}
