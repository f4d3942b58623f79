import { RelayError } from "../../errors.js";

/** What is bound to a statement. */
export type SqlValue = string | number | null;

/**
 * What is used of a prepared statement of `node:sqlite` or better-sqlite3; the values are {@link SqlValue}s.
 *
 * @see https://nodejs.org/api/sqlite.html#class-statementsync
 */
export interface SqliteStatement {
  run(...values: unknown[]): unknown;
  get(...values: unknown[]): unknown;
  all(...values: unknown[]): unknown[];
}

/**
 * What is used of a connection: a `DatabaseSync` of `node:sqlite` and a `Database` of better-sqlite3 fit as they are.
 *
 * @see https://nodejs.org/api/sqlite.html#class-databasesync
 */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
}

/** A connection that is ours to close. */
export interface OwnDatabase extends SqliteDatabase {
  close(): unknown;
}

type Opener = new (path: string) => OwnDatabase;

/**
 * Opens a file with the driver that this Node has.
 *
 * @throws RelayError `invalid_options` that says what to install, where there is none that can be loaded.
 */
export async function openDatabase(path: string): Promise<OwnDatabase> {
  const Database = nodeSqlite(process.versions.node) ?? (await betterSqlite3());
  try {
    return new Database(path);
  } catch (cause) {
    // It loads its binary with the first database, and where install scripts are blocked there is none.
    if (!(cause instanceof Error) || !/bindings file|NODE_MODULE_VERSION/.test(cause.message)) throw cause;
    const message =
      "better-sqlite3 is installed, but not built for this Node: allow its install script, then npm rebuild better-sqlite3";
    throw new RelayError("invalid_options", message, { cause });
  }
}

/** Not an import: older Nodes have no such module, and bundlers would move the import to the top. */
function nodeSqlite(node: string): Opener | undefined {
  if (!isAtLeast(node, 22, 16)) return undefined;
  const sqlite: unknown = process.getBuiltinModule("node:sqlite");
  return (sqlite as { DatabaseSync: Opener } | undefined)?.DatabaseSync;
}

async function betterSqlite3(): Promise<Opener> {
  let version: string;
  try {
    // Only its papers: once its code is loaded, a version that is too new takes the process down.
    const manifest = await import("better-sqlite3/package.json", { with: { type: "json" } });
    version = manifest.default.version;
  } catch (cause) {
    const message = "sqliteOutbox needs Node 22.16 or newer, or else: npm install better-sqlite3@12";
    throw new RelayError("invalid_options", message, { cause });
  }
  assertLoadable(version, process.versions.node);
  return (await import("better-sqlite3")).default;
}

/**
 * better-sqlite3 13 is built for Node-API 10; on a Node without it, it ends the process with a segmentation fault, which
 * nothing can catch (https://github.com/WiseLibs/better-sqlite3/issues/1514).
 *
 * @throws RelayError `invalid_options`
 */
export function assertLoadable(betterSqlite3: string, node: string): void {
  if (!isAtLeast(betterSqlite3, 13, 0) || isAtLeast(node, 22, 14)) return;
  const message = `better-sqlite3 ${betterSqlite3} crashes Node ${node}: npm install better-sqlite3@12, or use Node 22.16`;
  throw new RelayError("invalid_options", message);
}

/** Whether `version` is `major.minor.patch` or later. */
export function isAtLeast(version: string, major: number, minor: number, patch = 0): boolean {
  const [ofMajor = 0, ofMinor = 0, ofPatch = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  if (ofMajor !== major) return ofMajor > major;
  if (ofMinor !== minor) return ofMinor > minor;
  return ofPatch >= patch;
}
