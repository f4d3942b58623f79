import type { Reference } from "../outbox.js";
import type { Connection } from "./connection.js";

/** What makes an entry like one that was put just now; takes the time twice. */
export const AS_NEW = `state = 'pending', created_at = ?, due_at = ?, finished_at = NULL, attempts = 0, starts = 0,
  held = 0, woken = 0, error = NULL`;

/** Held entries that speak of any of these are due at once, and refunds that found no sale begin anew; those that are leased are marked, should they be held next. */
export function wakeHeld(
  connection: Connection,
  source: string,
  references: readonly Reference[],
  nowMs: number,
): void {
  if (references.length === 0) return;
  const list = JSON.stringify(references);
  connection.run(
    `UPDATE relay_entries SET held = 0, due_at = min(due_at, ?) WHERE seq IN (
       SELECT seq FROM relay_waiting
       WHERE source = ? AND why = 1 AND reference IN (SELECT value FROM json_each(?)))`,
    ...[nowMs, source, list],
  );
  connection.run(
    `UPDATE relay_entries SET ${AS_NEW} WHERE seq IN (
       SELECT seq FROM relay_waiting
       WHERE source = ? AND why = 3 AND reference IN (SELECT value FROM json_each(?)))`,
    ...[nowMs, nowMs, source, list],
  );
  markLeased(connection, source, list, 1);
}

/** Unmatched events that had no referral begin anew: one of these references has one now. */
export function wakeUnmatched(
  connection: Connection,
  source: string,
  references: readonly Reference[],
  nowMs: number,
): void {
  if (references.length === 0) return;
  const list = JSON.stringify(references);
  connection.run(
    `UPDATE relay_entries SET ${AS_NEW} WHERE seq IN (
       SELECT seq FROM relay_waiting
       WHERE source = ? AND why = 2 AND reference IN (SELECT value FROM json_each(?)))`,
    ...[nowMs, nowMs, source, list],
  );
  markLeased(connection, source, list, 2);
}

/** Without the mark, what comes between a worker's look and its settlement would be missed. */
function markLeased(connection: Connection, source: string, list: string, woken: number): void {
  connection.run(
    `UPDATE relay_entries INDEXED BY relay_leased SET woken = max(woken, ?)
     WHERE state = 'pending' AND lease_until IS NOT NULL AND source = ?
       AND EXISTS (SELECT 1 FROM json_each(refs) WHERE value IN (SELECT value FROM json_each(?)))`,
    ...[woken, source, list],
  );
}
