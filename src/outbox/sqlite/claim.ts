import { type Claim, type ClaimRequest, MAX_AHEAD_MS, MIN_AHEAD_MS, QUARANTINED } from "../outbox.js";
import type { Connection } from "./connection.js";
import { type EntryRow, entryOf, readLane, writeLane } from "./rows.js";

/** How many entries that are dated wrong one claim puts right. */
const MENDED_AT_ONCE = 1_000;

interface Candidate {
  readonly seq: number;
  readonly due_at: number;
}

/** Leases entries that are due. */
export function claim(connection: Connection, request: ClaimRequest): Claim {
  const { nowMs, leaseMs, max, admit } = request;
  redate(connection, nowMs);
  const quarantined = quarantine(connection, request);
  const candidates = [...expired(connection, nowMs), ...due(connection, nowMs, max)].sort(byDueTime).slice(0, max);

  const before = readLane(connection);
  const { count, lane } = admit(before, candidates.length);
  writeLane(connection, before, lane);

  const admitted = candidates.slice(0, Math.max(count, 0)).map(({ seq }) => Number(seq));
  const rows =
    admitted.length === 0
      ? []
      : connection.all<EntryRow>(
          `UPDATE relay_entries SET starts = starts + 1, fence = fence + 1, lease_until = ?, held = 0, woken = 0
           WHERE seq IN (SELECT value FROM json_each(?)) RETURNING *`,
          ...[nowMs + leaseMs, JSON.stringify(admitted)],
        );
  const entries = rows
    .sort(byDueTime)
    .map((row) => ({ ...entryOf(row), lease: String(row.fence), starts: Number(row.starts) }));
  return { entries, quarantined, lane, nextDueAtMs: nextDueAtMs(connection) };
}

/** Times that cannot be: the clock was ahead when they were written, and was set right since. */
function redate(connection: Connection, nowMs: number): void {
  connection.run(
    `UPDATE relay_entries SET created_at = ?, due_at = min(due_at, ?) WHERE seq IN (
       SELECT seq FROM relay_entries INDEXED BY relay_age
       WHERE state = 'pending' AND created_at > ? AND created_at <= ? AND lease_until IS NULL
       ORDER BY created_at LIMIT ${MENDED_AT_ONCE})`,
    ...[nowMs, nowMs, nowMs + MIN_AHEAD_MS, nowMs + MAX_AHEAD_MS],
  );
  connection.run(
    `UPDATE relay_entries SET due_at = ? WHERE seq IN (
       SELECT seq FROM relay_entries INDEXED BY relay_due
       WHERE state = 'pending' AND lease_until IS NULL AND due_at > ? ORDER BY due_at LIMIT ${MENDED_AT_ONCE})`,
    ...[nowMs, nowMs + MAX_AHEAD_MS],
  );
}

/** What ended each of its workers must not end the next one. Only entries that were started and not settled are read. */
function quarantine(connection: Connection, { nowMs, maxStarts }: ClaimRequest) {
  const rows = connection.all<EntryRow>(
    `UPDATE relay_entries INDEXED BY relay_started
     SET state = 'dead', finished_at = ?, lease_until = NULL, starts = 0, held = 0, error = ?
     WHERE state = 'pending' AND starts > 0 AND starts >= ?
       AND ((lease_until IS NULL AND due_at <= ?) OR lease_until <= ? OR lease_until > ?) RETURNING *`,
    ...[nowMs, JSON.stringify(QUARANTINED), maxStarts, nowMs, nowMs, nowMs + MAX_AHEAD_MS],
  );
  return rows.sort((a, b) => Number(a.seq) - Number(b.seq)).map(entryOf);
}

/** No more than were ever leased at once. */
function expired(connection: Connection, nowMs: number): Candidate[] {
  return connection.all<Candidate>(
    `SELECT seq, due_at FROM relay_entries INDEXED BY relay_leased
     WHERE state = 'pending' AND lease_until IS NOT NULL AND (lease_until <= ? OR lease_until > ?)`,
    ...[nowMs, nowMs + MAX_AHEAD_MS],
  );
}

function due(connection: Connection, nowMs: number, max: number): Candidate[] {
  return connection.all<Candidate>(
    `SELECT seq, due_at FROM relay_entries INDEXED BY relay_due
     WHERE state = 'pending' AND lease_until IS NULL AND due_at <= ? ORDER BY due_at, seq LIMIT ?`,
    ...[nowMs, max],
  );
}

function byDueTime(a: Candidate, b: Candidate): number {
  return Number(a.due_at) - Number(b.due_at) || Number(a.seq) - Number(b.seq);
}

function nextDueAtMs(connection: Connection): number | null {
  const row = connection.get<{ at: number | null }>(
    `SELECT min(at) AS at FROM (
       SELECT min(due_at) AS at FROM relay_entries INDEXED BY relay_due WHERE state = 'pending' AND lease_until IS NULL
       UNION ALL
       SELECT min(lease_until) FROM relay_entries INDEXED BY relay_leased
         WHERE state = 'pending' AND lease_until IS NOT NULL)`,
  );
  return row === undefined || row.at === null ? null : Number(row.at);
}
