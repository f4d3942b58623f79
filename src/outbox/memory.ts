import { assertKnownKeys, invalidOption, RelayError } from "../errors.js";
import { outboxEngine } from "./engine.js";
import type { LaneState } from "./lane.js";
import { keyOf, Links } from "./memory/links.js";
import { Queue } from "./memory/queue.js";
import { References } from "./memory/references.js";
import { finish, fitsFilter, makeDue, mark, newRow, type Row, redate, renew } from "./memory/row.js";
import {
  type Batch,
  type Claim,
  type ClaimedEntry,
  type ClaimRequest,
  type Entry,
  type EntryFilter,
  type EntryState,
  keepsFirstReferral,
  type NewEntry,
  type NewLink,
  type Outbox,
  type OutboxStats,
  type PutResult,
  QUARANTINED,
  type Reference,
  type Settlement,
} from "./outbox.js";
import { remainsOf } from "./remains.js";

/** What {@link memoryOutbox} is given. */
export interface MemoryOutboxOptions {
  /** Pending entries from which on new ones are refused, so that the provider keeps them. @default 1_000_000 */
  readonly maxBacklog?: number | undefined;
}

/**
 * An outbox for tests and demos. It keeps nothing: what it has acknowledged is gone with the process.
 *
 * @throws RelayError `invalid_options`
 */
export function memoryOutbox(options: MemoryOutboxOptions = {}): Outbox {
  assertKnownKeys("memoryOutbox", options, ["maxBacklog"]);
  const { maxBacklog = 1_000_000 } = options;
  if (!Number.isSafeInteger(maxBacklog) || maxBacklog < 1) {
    throw invalidOption("maxBacklog", "a whole number from 1 on", maxBacklog);
  }
  return new MemoryOutbox(maxBacklog);
}

type Leased = Pick<ClaimedEntry, "id" | "lease">;
type Selection = { readonly ids: readonly string[] } | EntryFilter;

class MemoryOutbox implements Outbox {
  readonly engine = outboxEngine;
  readonly durable = false;
  readonly sharedAcrossProcesses = false;
  readonly #maxBacklog: number;
  readonly #links = new Links();
  readonly #rows = new Map<string, Row>();
  readonly #queue = new Queue();
  readonly #byKey = new Map<string, Row>();
  readonly #references = new References();
  readonly #conflicts = new Set<string>();
  /** As text, so that a lane is what it is in a database: fields that are undefined are absent. */
  #lane = "{}";

  constructor(maxBacklog: number) {
    this.#maxBacklog = maxBacklog;
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  now(localNowMs: number): number {
    return localNowMs;
  }

  async put({ entries, links }: Batch, nowMs: number): Promise<readonly PutResult[]> {
    if (this.#queue.size >= this.#maxBacklog && entries.some((entry) => this.#find(entry) === undefined)) {
      throw new RelayError("outbox_full", "the backlog has reached maxBacklog: see relay.stats() for what holds it up");
    }
    for (const link of links) this.#keepLink(link, nowMs);
    return entries.map((entry) => this.#keepEntry(entry, nowMs));
  }

  #find({ kind, source, externalEventId, businessKey }: NewEntry): Row | undefined {
    const byId = this.#byKey.get(keyOf("id", kind, externalEventId));
    return byId ?? (businessKey === null ? undefined : this.#byKey.get(keyOf("business", kind, source, businessKey)));
  }

  #keepEntry(entry: NewEntry, nowMs: number): PutResult {
    const kept = this.#find(entry);
    if (kept !== undefined) {
      const { id, fingerprint } = kept.entry;
      if (fingerprint === entry.fingerprint) return { status: "duplicate", id };
      this.#conflicts.add(keyOf(id, entry.externalEventId, entry.fingerprint));
      return { status: "conflict", id };
    }
    const { kind, source, externalEventId, businessKey } = entry;
    const id = String(this.#rows.size + 1).padStart(16, "0");
    const row = newRow(entry, id, nowMs);
    this.#rows.set(id, row);
    this.#changed(row);
    this.#byKey.set(keyOf("id", kind, externalEventId), row);
    if (businessKey !== null) this.#byKey.set(keyOf("business", kind, source, businessKey), row);
    return { status: "queued", id };
  }

  #keepLink(link: NewLink, nowMs: number): void {
    const news = this.#links.learn(link);
    this.#wakeHeld(link.source, link.references, nowMs);
    // Sales from before a customer was referred stay what they were.
    const reviving = news.filter((reference) => !keepsFirstReferral(reference));
    for (const row of this.#references.unreferred(link.source, reviving)) {
      if (row.leaseUntilMs !== null) mark(row, "referral");
      else this.#renew(row, nowMs);
    }
  }

  #wakeHeld(source: string, references: readonly Reference[], nowMs: number): void {
    for (const row of this.#references.waitingFor(source, references)) {
      if (row.leaseUntilMs !== null) mark(row, "something");
      else if (row.held) this.#makeDue(row, nowMs);
      else this.#renew(row, nowMs);
    }
  }

  #renew(row: Row, nowMs: number): void {
    renew(row, nowMs);
    this.#changed(row);
  }

  #makeDue(row: Row, nowMs: number): void {
    makeDue(row, nowMs);
    this.#changed(row);
  }

  #changed(row: Row): void {
    this.#queue.keep(row);
    this.#references.keep(row);
  }

  async claim({ nowMs, leaseMs, max, maxStarts, admit }: ClaimRequest): Promise<Claim> {
    for (const row of this.#queue.misdated(nowMs)) {
      redate(row, nowMs);
      this.#changed(row);
    }
    const quarantined = this.#queue.startedOften(maxStarts, nowMs);
    const due = this.#queue.first(max, maxStarts, nowMs);
    const { count, lane } = admit(this.#readLane(), due.length);
    this.#lane = JSON.stringify(lane);
    for (const row of quarantined) this.#finish(row, { state: "dead", error: QUARANTINED }, nowMs);
    const leaseUntilMs = nowMs + leaseMs;
    const entries = due.slice(0, Math.max(count, 0)).map((row): ClaimedEntry => {
      Object.assign(row, { starts: row.starts + 1, fence: row.fence + 1, leaseUntilMs });
      Object.assign(row, { held: false, woken: "nothing" });
      this.#changed(row);
      return { ...structuredClone(row.entry), lease: String(row.fence), starts: row.starts };
    });
    const dead = quarantined.map(({ entry }) => structuredClone(entry));
    return { entries, quarantined: dead, lane: this.#readLane(), nextDueAtMs: this.#queue.nextMs() };
  }

  #finish(row: Row, settlement: Settlement, nowMs: number): void {
    finish(row, settlement, nowMs);
    this.#changed(row);
  }

  async settle(
    leased: Leased,
    settlement: Settlement,
    nowMs: number,
    lane: (lane: LaneState) => LaneState,
  ): Promise<{ readonly before: LaneState; readonly after: LaneState } | null> {
    const row = this.#leased(leased);
    if (row === undefined) return null;
    const before = this.#readLane();
    this.#lane = JSON.stringify(lane(before));
    const { woken } = row;
    this.#wakeHeld(row.entry.source, settlement.wake ?? [], nowMs);
    this.#finish(row, settlement, nowMs);
    if (row.held && woken !== "nothing") this.#makeDue(row, nowMs);
    const { kind, awaitsReferral } = row.entry;
    const isAwaited = kind === "refund" ? woken !== "nothing" : awaitsReferral && woken === "referral";
    if (settlement.state === "unmatched" && isAwaited) this.#renew(row, nowMs);
    if (settlement.link !== undefined) this.#keepLink(settlement.link, nowMs);
    return { before, after: this.#readLane() };
  }

  #leased({ id, lease }: Leased): Row | undefined {
    const row = this.#rows.get(id);
    return row !== undefined && row.leaseUntilMs !== null && String(row.fence) === lease ? row : undefined;
  }

  async release(entries: readonly Leased[], nowMs: number): Promise<void> {
    for (const leased of entries) {
      const row = this.#leased(leased);
      if (row === undefined) continue;
      Object.assign(row, { leaseUntilMs: null, starts: row.starts - 1 });
      this.#makeDue(row, nowMs);
    }
  }

  async wakeRetries(nowMs: number): Promise<void> {
    for (const row of this.#queue.later(nowMs)) if (!row.held) this.#makeDue(row, nowMs);
  }

  async referralsOf(source: string, references: readonly Reference[]): Promise<ReadonlyMap<Reference, string>> {
    return this.#links.referralsOf(source, references);
  }

  async relatedTo(source: string, references: readonly Reference[]): Promise<readonly Reference[]> {
    return this.#links.relatedTo(source, references);
  }

  async findEvent(
    source: string,
    by: { readonly businessKey: string } | { readonly references: readonly Reference[] },
  ): Promise<Entry | null> {
    if ("references" in by) return copyOf(this.#references.oldestEvent(source, by.references));
    const row = this.#byKey.get(keyOf("business", "event", source, by.businessKey));
    return row?.kept === "keys" ? null : copyOf(row);
  }

  async list(
    filter: EntryFilter,
    { limit, after }: { readonly limit: number; readonly after?: string | undefined },
  ): Promise<readonly Entry[]> {
    const fitting = [...this.#rows.values()].filter((row) => row.kept === "all" && fitsFilter(row.entry, filter));
    const page = fitting.filter(({ entry }) => after === undefined || entry.id < after).reverse();
    return page.slice(0, limit).map(({ entry }) => structuredClone(entry));
  }

  async replay(which: Selection, nowMs: number): Promise<number> {
    const rows = this.#select(which, ["dead", "unmatched"]);
    for (const row of rows) this.#renew(row, nowMs);
    return rows.length;
  }

  async discard(which: Selection, nowMs: number): Promise<number> {
    const rows = this.#select(which, ["dead"]);
    for (const row of rows) row.entry = { ...row.entry, state: "discarded", finishedAtMs: nowMs };
    return rows.length;
  }

  #select(which: Selection, states: readonly EntryState[]): Row[] {
    const fits = (entry: Entry) => ("ids" in which ? which.ids.includes(entry.id) : fitsFilter(entry, which));
    return [...this.#rows.values()].filter(
      ({ entry, kept }) => kept === "all" && states.includes(entry.state) && fits(entry),
    );
  }

  async prune(olderThanMs: number, nowMs: number): Promise<number> {
    let count = 0;
    for (const row of this.#rows.values()) {
      const { kind, state, finishedAtMs, conversionId } = row.entry;
      if (row.kept !== "all" || finishedAtMs === null || state === "dead") continue;
      if (finishedAtMs >= nowMs - olderThanMs) continue;
      const isSale = kind === "event" && state === "delivered" && conversionId !== null;
      row.kept = isSale ? "sale" : "keys";
      this.#changed(row);
      const left = isSale ? { payload: remainsOf(row.entry.payload) } : { payload: "", references: [] };
      row.entry = { ...row.entry, error: null, ...left };
      count++;
    }
    return count;
  }

  async stats(): Promise<OutboxStats> {
    const counts = { pending: 0, delivered: 0, unmatched: 0, dead: 0, discarded: 0 };
    for (const { entry, kept } of this.#rows.values()) if (kept === "all") counts[entry.state]++;
    const oldestPendingAtMs = this.#queue.oldestMs();
    return { counts, oldestPendingAtMs, conflicts: this.#conflicts.size, lane: this.#readLane() };
  }

  #readLane(): LaneState {
    return JSON.parse(this.#lane);
  }
}

function copyOf(row: Row | undefined): Entry | null {
  return row === undefined ? null : structuredClone(row.entry);
}
