import { RelayError } from "../../errors.js";
import type { Connection } from "./connection.js";

/**
 * One step for each version, never changed once it was released: a file of any version is brought up to date by the steps
 * that it has not seen.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE relay_entries (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    external_event_id TEXT NOT NULL,
    business_key TEXT,
    fingerprint TEXT NOT NULL,
    refs TEXT NOT NULL,
    awaits_referral INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    -- 0: listed; 1: only kept for its refunds; 2: only kept to know its duplicates
    pruned INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    finished_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    starts INTEGER NOT NULL DEFAULT 0,
    fence INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER,
    held INTEGER NOT NULL DEFAULT 0,
    -- while it is leased: 1: something it may wait for has come; 2: a referral has
    woken INTEGER NOT NULL DEFAULT 0,
    conversion_id TEXT,
    error TEXT,
    payload TEXT NOT NULL,
    -- 1: held; 2: would be delivered again if it had a referral; 3: if its sale was
    waits INTEGER AS (CASE
      WHEN state = 'pending' AND held = 1 THEN 1
      WHEN state = 'unmatched' AND kind = 'refund' AND pruned = 0 THEN 3
      WHEN state = 'unmatched' AND awaits_referral = 1 AND pruned = 0 THEN 2
      ELSE 0 END) VIRTUAL
  ) STRICT;
  CREATE UNIQUE INDEX relay_external_ids ON relay_entries (kind, external_event_id);
  CREATE UNIQUE INDEX relay_business_keys ON relay_entries (kind, source, business_key) WHERE business_key IS NOT NULL;
  CREATE INDEX relay_due ON relay_entries (due_at, seq) WHERE state = 'pending' AND lease_until IS NULL;
  CREATE INDEX relay_leased ON relay_entries (lease_until) WHERE state = 'pending' AND lease_until IS NOT NULL;
  CREATE INDEX relay_started ON relay_entries (starts) WHERE state = 'pending' AND starts > 0;
  CREATE INDEX relay_age ON relay_entries (created_at) WHERE state = 'pending';
  CREATE INDEX relay_states ON relay_entries (state, seq) WHERE pruned = 0;
  CREATE INDEX relay_finished ON relay_entries (finished_at)
    WHERE pruned = 0 AND state IN ('delivered', 'unmatched', 'discarded');

  -- Which events speak of an object.
  CREATE TABLE relay_references (
    source TEXT NOT NULL, reference TEXT NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (source, reference, seq)
  ) STRICT, WITHOUT ROWID;
  -- The references of those entries alone that wait for something.
  CREATE TABLE relay_waiting (
    source TEXT NOT NULL, reference TEXT NOT NULL, why INTEGER NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (source, reference, why, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE relay_links (
    source TEXT NOT NULL, reference TEXT NOT NULL, referral_id TEXT NOT NULL,
    PRIMARY KEY (source, reference)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE relay_relations (
    source TEXT NOT NULL, reference TEXT NOT NULL, other TEXT NOT NULL,
    PRIMARY KEY (source, reference, other)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE relay_conflicts (
    seq INTEGER NOT NULL, external_event_id TEXT NOT NULL, fingerprint TEXT NOT NULL, created_at INTEGER NOT NULL,
    PRIMARY KEY (seq, external_event_id, fingerprint)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE relay_lane (id INTEGER PRIMARY KEY CHECK (id = 1), state TEXT NOT NULL) STRICT;
  INSERT INTO relay_lane (id, state) VALUES (1, '{}');
  CREATE TABLE relay_counters (name TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO relay_counters (name, n) VALUES
    ('pending', 0), ('delivered', 0), ('unmatched', 0), ('dead', 0), ('discarded', 0), ('conflicts', 0);

  CREATE TRIGGER relay_count_entry AFTER INSERT ON relay_entries BEGIN
    UPDATE relay_counters SET n = n + 1 WHERE name = NEW.state;
  END;
  CREATE TRIGGER relay_count_move AFTER UPDATE OF state, pruned ON relay_entries
  WHEN NEW.state <> OLD.state OR NEW.pruned <> OLD.pruned BEGIN
    UPDATE relay_counters SET n = n - 1 WHERE name = OLD.state AND OLD.pruned = 0;
    UPDATE relay_counters SET n = n + 1 WHERE name = NEW.state AND NEW.pruned = 0;
  END;
  CREATE TRIGGER relay_count_conflict AFTER INSERT ON relay_conflicts BEGIN
    UPDATE relay_counters SET n = n + 1 WHERE name = 'conflicts';
  END;
  CREATE TRIGGER relay_wait AFTER UPDATE OF state, held, pruned ON relay_entries WHEN NEW.waits <> OLD.waits BEGIN
    DELETE FROM relay_waiting WHERE source = OLD.source AND why = OLD.waits AND seq = OLD.seq
      AND reference IN (SELECT value FROM json_each(OLD.refs));
    INSERT OR IGNORE INTO relay_waiting (source, reference, why, seq)
      SELECT NEW.source, value, NEW.waits, NEW.seq FROM json_each(NEW.refs) WHERE NEW.waits > 0;
  END;
  `,
  `
  -- The leased entries for which something may come while they are worked on.
  CREATE INDEX relay_listening ON relay_entries (source)
    WHERE state = 'pending' AND lease_until IS NOT NULL AND (awaits_referral = 1 OR kind = 'refund');
  `,
];

/**
 * Brings the tables up to date. Runs in a transaction that has the write lock, so that two processes that start at once
 * do it once.
 *
 * @throws RelayError `outbox_unavailable` for a file of a later version, `invalid_options` for somebody else's file.
 */
export function migrate(connection: Connection): void {
  const version = Number(connection.get<{ user_version: number }>("PRAGMA user_version")?.user_version ?? 0);
  if (version !== 0 && !isOurs(connection)) {
    throw new RelayError("invalid_options", "this database belongs to something else: give the outbox one of its own");
  }
  if (version > MIGRATIONS.length) {
    const message = `a later version of affonso-relay wrote this outbox (schema ${version}, known are 1 to ${MIGRATIONS.length}): update this one`;
    throw new RelayError("outbox_unavailable", message);
  }
  if (version === MIGRATIONS.length) return;
  for (const sql of MIGRATIONS.slice(version)) connection.exec(sql);
  connection.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
}

function isOurs(connection: Connection): boolean {
  return connection.get("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'relay_entries'") !== undefined;
}
