import { RelayError } from "../../errors.js";
import { isAtLeast, type SqliteDatabase, type SqliteStatement, type SqlValue } from "./driver.js";
import { BUSY_TIMEOUT_MS } from "./patience.js";

/** A connection and the statements that were prepared on it. */
export class Connection {
  readonly #database: SqliteDatabase;
  readonly #statements = new Map<string, SqliteStatement>();

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  exec(sql: string): void {
    this.#database.exec(sql);
  }

  /** The first row; the caller says what its columns are. */
  get<Row>(sql: string, ...values: SqlValue[]): Row | undefined {
    return (this.#prepared(sql).get(...values) as Row | undefined) ?? undefined;
  }

  /** All rows; the caller says what their columns are. */
  all<Row>(sql: string, ...values: SqlValue[]): Row[] {
    return this.#prepared(sql).all(...values) as Row[];
  }

  /** For statements that answer nothing. */
  run(sql: string, ...values: SqlValue[]): void {
    this.#prepared(sql).run(...values);
  }

  #prepared(sql: string): SqliteStatement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** The version of SQLite that the driver brings. */
export function sqliteVersion(connection: Connection): string {
  return connection.get<{ version: string }>("SELECT sqlite_version() AS version")?.version ?? "0";
}

/**
 * Whether several connections may write to one file: earlier versions may damage it when two of them write and checkpoint
 * at the same time (https://www.sqlite.org/wal.html#walresetbug).
 */
export function isSafeToShare(version: string): boolean {
  if (isAtLeast(version, 3, 51, 3)) return true;
  return [50, 44].some(
    (minor) => !isAtLeast(version, 3, minor + 1) && isAtLeast(version, 3, minor, minor === 50 ? 7 : 6),
  );
}

/** Comes before anything else: better-sqlite3 would stop the event loop for up to 5 s. */
export function limitWaiting(connection: Connection): void {
  connection.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
}

/**
 * Makes a connection one that loses nothing. These settings belong to the connection and not to the file, so each one
 * needs them: better-sqlite3 gives every connection but the first `synchronous=NORMAL`, which a power cut does not survive.
 *
 * @param exclusive - Keep every other connection out.
 * @throws RelayError `invalid_options` where a setting does not take.
 */
export function makeDurable(connection: Connection, exclusive: boolean): void {
  if (exclusive) connection.exec("PRAGMA locking_mode = EXCLUSIVE");
  const journal = connection.get<{ journal_mode: string }>("PRAGMA journal_mode = WAL")?.journal_mode;
  if (journal !== "wal") {
    const message = `the outbox's database needs journal_mode WAL and has ${journal}: it must be a file on a local disk`;
    throw new RelayError("invalid_options", message);
  }
  if (synchronous(connection) < FULL) connection.exec("PRAGMA synchronous = FULL");
  if (synchronous(connection) < FULL) {
    throw new RelayError("invalid_options", "the outbox's database does not take PRAGMA synchronous = FULL");
  }
  connection.exec("PRAGMA wal_autocheckpoint = 1000");
  // There a plain fsync stops at the drive's cache. Elsewhere the pragma does nothing.
  connection.exec("PRAGMA fullfsync = 1");
  connection.exec("PRAGMA checkpoint_fullfsync = 1");
}

const FULL = 2;

function synchronous(connection: Connection): number {
  return Number(connection.get<{ synchronous: number }>("PRAGMA synchronous")?.synchronous ?? 0);
}

/** The file behind the connection; empty where there is none. */
export function fileOf(connection: Connection): string {
  const databases = connection.all<{ name: string; file: string | null }>("PRAGMA database_list");
  return databases.find(({ name }) => name === "main")?.file ?? "";
}
