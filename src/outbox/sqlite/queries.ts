import type { Entry, EntryFilter, OutboxStats, Reference } from "../outbox.js";
import type { Connection } from "./connection.js";
import type { SqlValue } from "./driver.js";
import { count, type EntryRow, entryOf, readLane, seqOf } from "./rows.js";

export function referralsOf(
  connection: Connection,
  source: string,
  references: readonly Reference[],
): Map<Reference, string> {
  const rows = connection.all<{ reference: string; referral_id: string }>(
    `SELECT reference, referral_id FROM relay_links
     WHERE source = ? AND reference IN (SELECT value FROM json_each(?))`,
    ...[source, JSON.stringify(references)],
  );
  return new Map(rows.map(({ reference, referral_id }) => [reference, referral_id]));
}

export function relatedTo(connection: Connection, source: string, references: readonly Reference[]): Reference[] {
  const list = JSON.stringify(references);
  const rows = connection.all<{ other: string }>(
    `SELECT DISTINCT other FROM relay_relations
     WHERE source = ? AND reference IN (SELECT value FROM json_each(?))
       AND other NOT IN (SELECT value FROM json_each(?)) ORDER BY other`,
    ...[source, list, list],
  );
  return rows.map(({ other }) => other);
}

/** The oldest event with this business key, or with any of these references. */
export function findEvent(
  connection: Connection,
  source: string,
  by: { readonly businessKey: string } | { readonly references: readonly Reference[] },
): Entry | null {
  const row =
    "businessKey" in by
      ? connection.get<EntryRow>(
          "SELECT * FROM relay_entries WHERE kind = 'event' AND source = ? AND business_key = ? AND pruned < 2",
          ...[source, by.businessKey],
        )
      : connection.get<EntryRow>(
          `SELECT * FROM relay_entries WHERE seq = (
             SELECT min(oldest) FROM (
               SELECT (SELECT min(seq) FROM relay_references WHERE source = ? AND reference = value) AS oldest
               FROM json_each(?)))`,
          ...[source, JSON.stringify(by.references)],
        );
  return row === undefined ? null : entryOf(row);
}

/** The newest first. */
export function list(
  connection: Connection,
  filter: EntryFilter,
  { limit, after }: { readonly limit: number; readonly after?: string | undefined },
): Entry[] {
  const { sql, values } = matching(filter);
  const before = after === undefined ? Number.MAX_SAFE_INTEGER : seqOf(after);
  const rows = connection.all<EntryRow>(
    `SELECT * FROM relay_entries WHERE pruned = 0 AND ${sql} AND seq < ? ORDER BY seq DESC LIMIT ?`,
    ...[...values, before, limit],
  );
  return rows.map(entryOf);
}

/** A filter as a condition: fixed texts, and what they are compared with apart. */
export function matching(filter: EntryFilter): { sql: string; values: SqlValue[] } {
  const conditions: [string, SqlValue | undefined][] = [
    ["state = ?", filter.state],
    ["source = ?", filter.source],
    ["error ->> '$.reason' = ?", filter.reason],
    ["created_at >= ?", filter.createdAfterMs],
    ["created_at < ?", filter.createdBeforeMs],
  ];
  const given = conditions.filter((condition): condition is [string, SqlValue] => condition[1] !== undefined);
  return { sql: ["TRUE", ...given.map(([sql]) => sql)].join(" AND "), values: given.map(([, value]) => value) };
}

export function stats(connection: Connection): OutboxStats {
  const oldest = connection.get<{ at: number | null }>(
    "SELECT min(created_at) AS at FROM relay_entries INDEXED BY relay_age WHERE state = 'pending'",
  );
  return {
    counts: {
      pending: count(connection, "pending"),
      delivered: count(connection, "delivered"),
      unmatched: count(connection, "unmatched"),
      dead: count(connection, "dead"),
      discarded: count(connection, "discarded"),
    },
    oldestPendingAtMs: oldest === undefined || oldest.at === null ? null : Number(oldest.at),
    conflicts: count(connection, "conflicts"),
    lane: readLane(connection),
  };
}
