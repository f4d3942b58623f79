import { RelayError } from "../../errors.js";
import type { Logger } from "../../logger.js";
import { Connection, fileOf, isSafeToShare, limitWaiting, makeDurable, sqliteVersion } from "./connection.js";
import { checkpoint, Disk, type FileAt, fileAt } from "./disk.js";
import { openDatabase, type SqliteDatabase } from "./driver.js";
import { unavailable } from "./failure.js";
import { patiently } from "./patience.js";
import { migrate } from "./schema.js";
import { Transactions } from "./transactions.js";

/** An open store. */
export interface Store {
  readonly connection: Connection;
  readonly transactions: Transactions;
  readonly disk: Disk;
  /** The file that the connection has open. */
  readonly file: FileAt;
  readonly isSafeToShare: boolean;
  /** Closing waits for it. */
  during<T>(work: Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface StoreOptions {
  readonly path: string | undefined;
  readonly database: SqliteDatabase | undefined;
  /** The file that the lent connection has open, where it was seen before. */
  readonly file?: FileAt;
  readonly minFreeBytes: number;
  readonly logger: Logger;
}

/** Opens the file, or takes the app's connection, and brings its tables up to date. */
export async function openStore({ path, database, file: known, minFreeBytes, logger }: StoreOptions): Promise<Store> {
  const own = path === undefined ? undefined : await open(path);
  const lent = own ?? database;
  if (lent === undefined) throw new RelayError("invalid_options", "sqliteOutbox needs a path or a database");
  const connection = new Connection(lent);
  try {
    limitWaiting(connection);
    const version = await patiently(() => sqliteVersion(connection));
    const safe = isSafeToShare(version);
    // What else the app does with a connection of its own is not ours to stop.
    await patiently(() => makeDurable(connection, own !== undefined && !safe));
    const transactions = new Transactions(connection);
    await transactions.run(migrate);
    if (!safe) logger.warn({ sqlite: version }, tooOld(own !== undefined));
    const at = fileOf(connection);
    const file = known === undefined ? await fileAt(at) : known;
    const disk = new Disk(connection, { path: at, file, minFreeBytes, isOwn: own !== undefined });
    const close = async () => {
      await transactions.drained();
      tidyUp(connection);
      own?.close();
    };
    return { connection, transactions, disk, file, isSafeToShare: safe, ...lasting(close) };
  } catch (error) {
    own?.close();
    throw unavailable(error);
  }
}

function lasting(close: () => Promise<void>): Pick<Store, "during" | "close"> {
  const underWay = new Set<Promise<unknown>>();
  return {
    during(work) {
      underWay.add(work);
      return work.finally(() => underWay.delete(work));
    },
    async close() {
      while (underWay.size > 0) await Promise.allSettled(underWay);
      await close();
    },
  };
}

async function open(path: string) {
  try {
    return await openDatabase(path);
  } catch (cause) {
    throw unavailable(cause);
  }
}

/** The file is whole without it: this only makes it the one file to copy. */
function tidyUp(connection: Connection): void {
  try {
    checkpoint(connection);
  } catch {
    // Another connection reads, or the disk is full.
  }
}

function tooOld(exclusive: boolean): string {
  const kept = exclusive ? "so this process keeps all others out" : "so let nothing else open this file";
  return `SQLite before 3.51.3 may damage a file that several connections write to, ${kept}; update Node or the driver`;
}
