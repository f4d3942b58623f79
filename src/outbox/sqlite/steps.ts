import type { EntryFilter } from "../outbox.js";
import { remainsOf } from "../remains.js";
import type { Connection } from "./connection.js";
import type { SqlValue } from "./driver.js";
import { matching } from "./queries.js";
import { seqOf } from "./rows.js";
import { AS_NEW } from "./wake.js";

/** How many entries are changed in one transaction. */
export const STEP = 100;

/** Which entries a person means: by id, or by filter. */
export type Selection = { readonly ids: readonly string[] } | EntryFilter;

interface Fragment {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** What one step did: how many entries it changed, and the last of them. Another one is needed while it was full. */
export interface Step {
  readonly changed: number;
  readonly last: number;
}

/** Entries that wait for a retry are due. Each step leaves fewer of them. */
export function wakeRetries(connection: Connection, nowMs: number): Step {
  return stepOf(
    connection.all(
      `UPDATE relay_entries SET due_at = ? WHERE seq IN (
         SELECT seq FROM relay_entries INDEXED BY relay_due
         WHERE state = 'pending' AND lease_until IS NULL AND held = 0 AND due_at > ? LIMIT ${STEP}) RETURNING seq`,
      ...[nowMs, nowMs],
    ),
  );
}

/** Dead and unmatched entries after the last one are pending, as new. */
export function replay(connection: Connection, which: Selection, nowMs: number, last: number): Step {
  const assignments = { sql: AS_NEW, values: [nowMs, nowMs] };
  return change(connection, assignments, { states: "state IN ('dead', 'unmatched')", which, last });
}

/** Dead entries after the last one are given up. */
export function discard(connection: Connection, which: Selection, nowMs: number, last: number): Step {
  const assignments = { sql: "state = 'discarded', finished_at = ?", values: [nowMs] };
  return change(connection, assignments, { states: "state = 'dead'", which, last });
}

function change(
  connection: Connection,
  assignments: Fragment,
  { states, which, last }: { readonly states: string; readonly which: Selection; readonly last: number },
): Step {
  const { sql, values } = selected(which);
  return stepOf(
    connection.all(
      `UPDATE relay_entries SET ${assignments.sql} WHERE seq IN (
         SELECT seq FROM relay_entries WHERE seq > ? AND pruned = 0 AND ${states} AND ${sql}
         ORDER BY seq LIMIT ${STEP}) RETURNING seq`,
      ...[...assignments.values, last, ...values],
    ),
  );
}

function selected(which: Selection): Fragment {
  if (!("ids" in which)) return matching(which);
  return { sql: "seq IN (SELECT value FROM json_each(?))", values: [JSON.stringify(which.ids.map(seqOf))] };
}

/** Forgets what was done before `doneBeforeMs`: of a sale stays what its refunds need, of all others the keys. */
export function prune(connection: Connection, doneBeforeMs: number): Step {
  const rows = connection.all<{ seq: number; sale: string | null }>(
    `SELECT seq, CASE WHEN kind = 'event' AND state = 'delivered' AND conversion_id IS NOT NULL THEN payload END AS sale
     FROM relay_entries INDEXED BY relay_finished
     WHERE pruned = 0 AND state IN ('delivered', 'unmatched', 'discarded') AND finished_at < ?
     ORDER BY finished_at LIMIT ${STEP}`,
    doneBeforeMs,
  );
  if (rows.length === 0) return stepOf(rows);
  const list = JSON.stringify(rows.map(({ seq }) => Number(seq)));
  for (const { seq, sale } of rows) {
    if (sale === null) continue;
    connection.run(
      "UPDATE relay_entries SET pruned = 1, error = NULL, payload = ? WHERE seq = ?",
      ...[remainsOf(sale), seq],
    );
  }
  connection.run(
    `DELETE FROM relay_references WHERE (source, reference, seq) IN (
       SELECT source, reference.value, seq FROM relay_entries, json_each(refs) AS reference
       WHERE pruned = 0 AND seq IN (SELECT value FROM json_each(?)))`,
    list,
  );
  connection.run(
    `UPDATE relay_entries SET pruned = 2, error = NULL, refs = '[]', payload = ''
     WHERE pruned = 0 AND seq IN (SELECT value FROM json_each(?))`,
    list,
  );
  return stepOf(rows);
}

function stepOf(rows: readonly unknown[]): Step {
  const changed = rows as readonly { readonly seq: number }[];
  return { changed: changed.length, last: changed.reduce((last, { seq }) => Math.max(last, Number(seq)), 0) };
}
