import type { Reference } from "../outbox.js";
import type { Connection } from "./connection.js";

/** What makes an entry like one that was put just now; takes the time twice. */
export const AS_NEW = `state = 'pending', created_at = ?, due_at = ?, finished_at = NULL, attempts = 0, starts = 0,
  held = 0, woken = 0, error = NULL`;

const WAITING = "source = ? AND reference IN (SELECT value FROM json_each(?))";

const LISTENING = "relay_entries INDEXED BY relay_listening";
const LISTENS =
  "state = 'pending' AND lease_until IS NOT NULL AND (awaits_referral = 1 OR kind = 'refund') AND source = ?";

/** Held entries that speak of any of these are due at once, and refunds that found no sale begin anew; those that are leased are marked, should they be held next. */
export function wakeHeld(
  connection: Connection,
  source: string,
  references: readonly Reference[],
  nowMs: number,
): void {
  if (references.length === 0) return;
  const list = JSON.stringify(references);
  if (isWaitedFor(connection, source, list)) {
    connection.run(
      `UPDATE relay_entries SET held = 0, due_at = min(due_at, ?) WHERE seq IN (
         SELECT seq FROM relay_waiting WHERE ${WAITING} AND why = 1)`,
      ...[nowMs, source, list],
    );
    connection.run(
      `UPDATE relay_entries SET ${AS_NEW} WHERE seq IN (SELECT seq FROM relay_waiting WHERE ${WAITING} AND why = 3)`,
      ...[nowMs, nowMs, source, list],
    );
  }
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
  if (isWaitedFor(connection, source, list)) {
    connection.run(
      `UPDATE relay_entries SET ${AS_NEW} WHERE seq IN (SELECT seq FROM relay_waiting WHERE ${WAITING} AND why = 2)`,
      ...[nowMs, nowMs, source, list],
    );
  }
  markLeased(connection, source, list, 2);
}

/** Nearly always nobody waits, and one look costs less than an update of nothing. */
function isWaitedFor(connection: Connection, source: string, list: string): boolean {
  return connection.get(`SELECT 1 FROM relay_waiting WHERE ${WAITING}`, source, list) !== undefined;
}

/**
 * Without the mark, what comes between a worker's look and its settlement would be missed. What names its referral waits
 * for its time alone, and is not looked at: this is done for each entry that is settled, whatever else is leased.
 */
function markLeased(connection: Connection, source: string, list: string, woken: number): void {
  if (connection.get(`SELECT 1 FROM ${LISTENING} WHERE ${LISTENS}`, source) === undefined) return;
  connection.run(
    `UPDATE ${LISTENING} SET woken = max(woken, ?) WHERE ${LISTENS}
       AND EXISTS (SELECT 1 FROM json_each(refs) WHERE value IN (SELECT value FROM json_each(?)))`,
    ...[woken, source, list],
  );
}
