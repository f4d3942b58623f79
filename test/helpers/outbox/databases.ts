import { onTestFinished } from "vitest";
import { Connection, isSafeToShare, sqliteVersion } from "../../../src/outbox/sqlite/connection.js";
import {
  type OwnDatabase,
  openDatabase,
  type SqliteDatabase,
  type SqliteStatement,
} from "../../../src/outbox/sqlite/driver.js";

/** A connection as an app would lend it. */
export async function lentDatabase(path: string): Promise<OwnDatabase> {
  const database = await openDatabase(path);
  onTestFinished(() => {
    database.close();
  });
  return database;
}

/** Whether the SQLite of this Node lets several connections write to one file. */
export async function sharesFiles(): Promise<boolean> {
  const database = await openDatabase(":memory:");
  const shares = isSafeToShare(sqliteVersion(new Connection(database)));
  database.close();
  return shares;
}

/** All that is in an outbox's file, past the outbox. */
export async function readAll(path: string): Promise<{ ids: string[]; integrity: string }> {
  const database = await openDatabase(path);
  const rows = database.prepare("SELECT external_event_id AS id FROM relay_entries").all() as { id: string }[];
  const check = database.prepare("PRAGMA integrity_check").get() as { integrity_check: string };
  database.close();
  return { ids: rows.map(({ id }) => id), integrity: check.integrity_check };
}

/** One call of a connection: what it runs, with which values, and how to run it. */
export type Call = (sql: string, values: readonly unknown[], run: () => unknown) => unknown;

/** The connection with every call going through `call`, which may count it, refuse it or change its answer. */
export function through(database: SqliteDatabase, call: Call): SqliteDatabase {
  return {
    exec: (sql) => call(sql, [], () => database.exec(sql)),
    prepare(sql) {
      const statement = database.prepare(sql);
      const with_ = (how: keyof SqliteStatement) => {
        return (...values: unknown[]) => call(sql, values, () => statement[how](...values));
      };
      return { run: with_("run"), get: with_("get"), all: (...values) => with_("all")(...values) as unknown[] };
    },
  };
}

/** An error as SQLite's drivers make it. */
export function sqliteError(name: string, errcode: number): Error {
  return Object.assign(new Error("injected"), { code: `SQLITE_${name}`, errcode });
}
