import { RelayError } from "../../errors.js";
import {
  type Batch,
  isRelating,
  keepsFirstReferral,
  type NewEntry,
  type NewLink,
  type PutResult,
  type Reference,
} from "../outbox.js";
import type { Connection } from "./connection.js";
import { count, idOf } from "./rows.js";
import { Refusal } from "./transactions.js";
import { wakeHeld, wakeUnmatched } from "./wake.js";

const BACKLOG_FULL = "the backlog has reached maxBacklog: see relay.stats() for what holds it up";

/** What keeps new entries out. */
export interface Limits {
  readonly maxBacklog: number;
  /** What the disk is short of; undefined where it has room. */
  readonly shortage: string | undefined;
}

/** Keeps what one webhook brings. */
export function put(connection: Connection, batch: Batch, nowMs: number, limits: Limits): PutResult[] {
  if (batch.entries.length > 0) assertRoom(connection, batch.entries, limits);
  for (const link of batch.links) keepLink(connection, link, nowMs);
  return batch.entries.map((entry) => keepEntry(connection, entry, nowMs));
}

/** A full outbox takes what it knows, and nothing new. */
function assertRoom(connection: Connection, entries: readonly NewEntry[], { maxBacklog, shortage }: Limits): void {
  const full = count(connection, "pending") < maxBacklog ? shortage : BACKLOG_FULL;
  if (full === undefined || entries.every((entry) => find(connection, entry) !== undefined)) return;
  throw new Refusal(new RelayError("outbox_full", full));
}

function keepEntry(connection: Connection, entry: NewEntry, nowMs: number): PutResult {
  const inserted = insert(connection, entry, nowMs);
  if (inserted !== undefined) return { status: "queued", id: inserted };
  const kept = find(connection, entry);
  if (kept === undefined) throw new Error("a row that is in the way of another can't be found");
  const id = idOf(kept.seq);
  if (kept.fingerprint === entry.fingerprint) return { status: "duplicate", id };
  connection.run(
    `INSERT OR IGNORE INTO relay_conflicts (seq, external_event_id, fingerprint, created_at) VALUES (?, ?, ?, ?)`,
    ...[kept.seq, entry.externalEventId, entry.fingerprint, nowMs],
  );
  return { status: "conflict", id };
}

/** Answers the new row's id; undefined where one of its keys is taken. */
function insert(connection: Connection, entry: NewEntry, nowMs: number): string | undefined {
  const references = JSON.stringify(entry.references);
  const row = connection.get<{ seq: number }>(
    `INSERT INTO relay_entries (kind, source, external_event_id, business_key, fingerprint, refs, awaits_referral,
       created_at, due_at, payload)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING seq`,
    ...[entry.kind, entry.source, entry.externalEventId, entry.businessKey, entry.fingerprint, references],
    ...[entry.kind === "event" && entry.awaitsReferral ? 1 : 0, nowMs, nowMs, entry.payload],
  );
  if (row === undefined) return undefined;
  if (entry.kind === "event" && entry.references.length > 0) {
    connection.run(
      "INSERT OR IGNORE INTO relay_references (source, reference, seq) SELECT ?, value, ? FROM json_each(?)",
      ...[entry.source, row.seq, references],
    );
  }
  return idOf(row.seq);
}

function find(connection: Connection, { kind, source, externalEventId, businessKey }: NewEntry) {
  type Kept = { readonly seq: number; readonly fingerprint: string };
  return (
    connection.get<Kept>(
      "SELECT seq, fingerprint FROM relay_entries WHERE kind = ? AND external_event_id = ?",
      ...[kind, externalEventId],
    ) ??
    connection.get<Kept>(
      "SELECT seq, fingerprint FROM relay_entries WHERE kind = ? AND source = ? AND business_key = ?",
      ...[kind, source, businessKey],
    )
  );
}

/** Keeps what a link says, and wakes what waited for it. */
export function keepLink(connection: Connection, { source, referralId, references }: NewLink, nowMs: number): void {
  const news =
    referralId === null ? [] : references.filter((reference) => learn(connection, source, reference, referralId));
  const related = references.filter(isRelating);
  if (related.length > 1) {
    const list = JSON.stringify(related);
    connection.run(
      `INSERT OR IGNORE INTO relay_relations (source, reference, other)
       SELECT ?, one.value, other.value FROM json_each(?) AS one, json_each(?) AS other WHERE one.value <> other.value`,
      ...[source, list, list],
    );
  }
  wakeHeld(connection, source, references, nowMs);
  // Sales from before a customer was referred stay what they were.
  const reviving = news.filter((reference) => !keepsFirstReferral(reference));
  wakeUnmatched(connection, source, reviving, nowMs);
}

/** Answers whether the referral is news. */
function learn(connection: Connection, source: string, reference: Reference, referralId: string): boolean {
  const isNews = connection.get(
    `INSERT INTO relay_links (source, reference, referral_id) VALUES (?, ?, ?)
     ON CONFLICT (source, reference) DO UPDATE SET referral_id = excluded.referral_id
       WHERE referral_id <> excluded.referral_id AND ? = 0
     RETURNING 1`,
    ...[source, reference, referralId, keepsFirstReferral(reference) ? 1 : 0],
  );
  return isNews !== undefined;
}
