import type { LaneState } from "../lane.js";
import type { Entry, EntryState } from "../outbox.js";
import type { Connection } from "./connection.js";

/** A row of `relay_entries`. Numbers may come as BigInt where the app's own connection is set so. */
export interface EntryRow {
  readonly seq: number;
  readonly kind: Entry["kind"];
  readonly source: string;
  readonly external_event_id: string;
  readonly business_key: string | null;
  readonly fingerprint: string;
  readonly refs: string;
  readonly awaits_referral: number;
  readonly state: EntryState;
  readonly created_at: number;
  readonly due_at: number;
  readonly finished_at: number | null;
  readonly attempts: number;
  readonly starts: number;
  readonly fence: number;
  readonly woken: number;
  readonly conversion_id: string | null;
  readonly error: string | null;
  readonly payload: string;
}

export function entryOf(row: EntryRow): Entry {
  return {
    id: idOf(row.seq),
    kind: row.kind,
    source: row.source,
    externalEventId: row.external_event_id,
    businessKey: row.business_key,
    fingerprint: row.fingerprint,
    payload: row.payload,
    references: JSON.parse(row.refs),
    awaitsReferral: Number(row.awaits_referral) === 1,
    state: row.state,
    createdAtMs: Number(row.created_at),
    dueAtMs: Number(row.due_at),
    finishedAtMs: row.finished_at === null ? null : Number(row.finished_at),
    attempts: Number(row.attempts),
    conversionId: row.conversion_id,
    error: row.error === null ? null : JSON.parse(row.error),
  };
}

/** Of a fixed length, so that ids sort as text. */
export function idOf(seq: number): string {
  return String(seq).padStart(16, "0");
}

/** The row's number; one that no row has where the id is none of ours. */
export function seqOf(id: string): number {
  return /^\d{16}$/.test(id) ? Number(id) : -1;
}

export function readLane(connection: Connection): LaneState {
  const row = connection.get<{ state: string }>("SELECT state FROM relay_lane WHERE id = 1");
  return JSON.parse(row?.state ?? "{}");
}

/** Writes only what differs: an idle worker must cost no flush to the disk. */
export function writeLane(connection: Connection, before: LaneState, after: LaneState): void {
  const state = JSON.stringify(after);
  if (state !== JSON.stringify(before)) connection.run("UPDATE relay_lane SET state = ? WHERE id = 1", state);
}

export function count(connection: Connection, name: string): number {
  const row = connection.get<{ n: number }>("SELECT n FROM relay_counters WHERE name = ?", name);
  return Number(row?.n ?? 0);
}
