import type { LaneState } from "../lane.js";
import type { ClaimedEntry, Settlement } from "../outbox.js";
import type { Connection } from "./connection.js";
import { keepLink } from "./put.js";
import { type EntryRow, readLane, seqOf, writeLane } from "./rows.js";
import { AS_NEW, wakeHeld } from "./wake.js";

type Leased = Pick<ClaimedEntry, "id" | "lease">;

/** Not the payload, which is most of an entry. */
const LEASED_COLUMNS = "seq, kind, source, awaits_referral, due_at, woken, conversion_id, error";
type LeasedRow = Pick<
  EntryRow,
  "seq" | "kind" | "source" | "awaits_referral" | "due_at" | "woken" | "conversion_id" | "error"
>;

const IS_LEASED = "seq = ? AND fence = ? AND state = 'pending' AND lease_until IS NOT NULL";

/** Records what became of a claimed entry. Answers null when the lease was lost. */
export function settle(
  connection: Connection,
  entry: Leased,
  settlement: Settlement,
  nowMs: number,
  lane: (lane: LaneState) => LaneState,
): { before: LaneState; after: LaneState } | null {
  const row = connection.get<LeasedRow>(
    `SELECT ${LEASED_COLUMNS} FROM relay_entries WHERE ${IS_LEASED}`,
    ...keyOf(entry),
  );
  if (row === undefined) return null;
  const before = readLane(connection);
  const after = lane(before);
  writeLane(connection, before, after);
  wakeHeld(connection, row.source, settlement.wake ?? [], nowMs);
  write(connection, row, settlement, nowMs);
  if (settlement.link !== undefined) keepLink(connection, settlement.link, nowMs);
  return { before, after };
}

function write(connection: Connection, row: LeasedRow, settlement: Settlement, nowMs: number): void {
  const { state, held = false, dueAtMs = nowMs, countsAttempt = false, conversionId, error } = settlement;
  const isPending = state === "pending";
  const hasCome = isPending && held && Number(row.woken) > 0;
  connection.run(
    `UPDATE relay_entries SET state = ?, due_at = ?, finished_at = ?, attempts = attempts + ?, starts = 0,
       lease_until = NULL, held = ?, woken = 0, conversion_id = ?, error = ? WHERE seq = ?`,
    ...[state, isPending ? (hasCome ? Math.min(dueAtMs, nowMs) : dueAtMs) : row.due_at, isPending ? null : nowMs],
    ...[countsAttempt ? 1 : 0, isPending && held && !hasCome ? 1 : 0],
    conversionId === undefined ? row.conversion_id : conversionId,
    error === undefined ? row.error : error === null ? null : JSON.stringify(error),
    row.seq,
  );
  const isAwaited =
    row.kind === "refund" ? Number(row.woken) > 0 : Number(row.awaits_referral) === 1 && Number(row.woken) === 2;
  if (state === "unmatched" && isAwaited) {
    connection.run(`UPDATE relay_entries SET ${AS_NEW} WHERE seq = ?`, nowMs, nowMs, row.seq);
  }
}

/** Gives entries back that were not started on. */
export function release(connection: Connection, entries: readonly Leased[], nowMs: number): void {
  for (const entry of entries) {
    connection.run(
      `UPDATE relay_entries SET lease_until = NULL, starts = max(starts - 1, 0), due_at = min(due_at, ?)
       WHERE ${IS_LEASED}`,
      ...[nowMs, ...keyOf(entry)],
    );
  }
}

function keyOf({ id, lease }: Leased): [number, number] {
  return [seqOf(id), /^\d{1,15}$/.test(lease) ? Number(lease) : -1];
}
