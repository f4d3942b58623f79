import { assertKnownKeys, describeType, invalidOption, RelayError } from "../errors.js";
import { consoleLogger, type Logger, unfailing } from "../logger.js";
import { outboxEngine } from "./engine.js";
import type { LaneState } from "./lane.js";
import type {
  Batch,
  Claim,
  ClaimedEntry,
  ClaimRequest,
  Entry,
  EntryFilter,
  Outbox,
  OutboxStats,
  PutResult,
  Reference,
  Settlement,
} from "./outbox.js";
import { claim } from "./sqlite/claim.js";
import type { Connection } from "./sqlite/connection.js";
import type { FileAt } from "./sqlite/disk.js";
import type { SqliteDatabase } from "./sqlite/driver.js";
import { isLost } from "./sqlite/failure.js";
import { patiently } from "./sqlite/patience.js";
import { put } from "./sqlite/put.js";
import { findEvent, list, referralsOf, relatedTo, stats } from "./sqlite/queries.js";
import { release, settle } from "./sqlite/settle.js";
import { discard, prune, replay, type Selection, STEP, type Step, wakeRetries } from "./sqlite/steps.js";
import { openStore, type Store, type StoreOptions } from "./sqlite/store.js";
import type { Work } from "./sqlite/transactions.js";

export type { SqliteDatabase, SqliteStatement, SqlValue } from "./sqlite/driver.js";

/** What {@link sqliteOutbox} is given: a path, or a connection of your own. */
export type SqliteOutboxOptions = SqliteOutboxLimits &
  (
    | {
        /** The file, on a local disk; it is made where there is none. */
        readonly path: string;
        readonly database?: undefined;
      }
    | {
        /**
         * A connection of `node:sqlite` or better-sqlite3 to a file of its own, on which nothing else begins transactions.
         * Its busy timeout and durability are set; closing it stays yours.
         */
        readonly database: SqliteDatabase;
        readonly path?: undefined;
      }
  );

/** Options of {@link sqliteOutbox} that either way of giving it a database has. */
export interface SqliteOutboxLimits {
  /** Pending entries from which on new ones are refused, so that the provider keeps them. @default 1_000_000 */
  readonly maxBacklog?: number | undefined;
  /** Free bytes on the disk below which new entries are refused, so that the provider keeps them. @default 67_108_864 (64 MiB) */
  readonly minFreeBytes?: number | undefined;
  /** Where a warning about an old version of SQLite goes. @default the console */
  readonly logger?: Logger | undefined;
}

/**
 * An outbox in a SQLite file: what it has acknowledged survives crashes and power cuts. It uses `node:sqlite` where Node
 * is 22.16 or newer, else better-sqlite3, which you install beside it.
 *
 * @throws RelayError `invalid_options`
 * @see https://www.sqlite.org/wal.html
 * @see https://www.sqlite.org/pragma.html#pragma_synchronous
 */
export function sqliteOutbox(options: SqliteOutboxOptions): Outbox {
  assertKnownKeys("sqliteOutbox", options, ["path", "database", "maxBacklog", "minFreeBytes", "logger"]);
  const { path, database, maxBacklog = 1_000_000, minFreeBytes = 64 * 1024 * 1024, logger = consoleLogger } = options;
  if ((path === undefined) === (database === undefined)) {
    throw new RelayError("invalid_options", "sqliteOutbox takes either a path or a database");
  }
  if (path !== undefined) assertPath(path);
  if (database !== undefined && (typeof database.exec !== "function" || typeof database.prepare !== "function")) {
    throw invalidOption("database", "a connection of node:sqlite or better-sqlite3", database);
  }
  assertAmount("maxBacklog", maxBacklog, 1);
  assertAmount("minFreeBytes", minFreeBytes, 0);
  return new SqliteOutbox({ path, database, minFreeBytes, logger: unfailing(logger) }, maxBacklog);
}

function assertPath(path: unknown): void {
  if (typeof path === "string" && path !== "" && !path.startsWith(":memory:")) return;
  const got = typeof path === "string" ? `"${path}"` : describeType(path);
  throw new RelayError("invalid_options", `path must be a file on a local disk, got ${got}; for tests: memoryOutbox()`);
}

function assertAmount(option: string, value: unknown, least: number): void {
  if (Number.isSafeInteger(value) && Number(value) >= least) return;
  throw invalidOption(option, `a whole number from ${least} on`, value);
}

class SqliteOutbox implements Outbox {
  readonly engine = outboxEngine;
  readonly durable = true;
  readonly #options: StoreOptions;
  readonly #maxBacklog: number;
  #store: Promise<Store> | undefined;
  #closing: Promise<void> = Promise.resolve();
  /** By who has it: what is asked all the same opens it for that alone. */
  #isClosed = false;
  #isSafeToShare = true;
  /** However often it is opened, a connection that was lent stays with the file that it has. */
  #lentFile: FileAt;

  constructor(options: StoreOptions, maxBacklog: number) {
    this.#options = options;
    this.#maxBacklog = maxBacklog;
  }

  /** True until an SQLite is found, while opening, that one connection alone may use. */
  get sharedAcrossProcesses(): boolean {
    return this.#isSafeToShare;
  }

  async open(): Promise<void> {
    this.#isClosed = false;
    await this.#opened();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#letGo();
  }

  #letGo(): Promise<void> {
    const store = this.#store;
    this.#store = undefined;
    if (store === undefined) return this.#closing;
    // A store that never opened has nothing to close.
    const closed = store.then((opened) => opened.close()).catch(() => {});
    this.#closing = Promise.all([this.#closing, closed]).then(() => {});
    return this.#closing;
  }

  now(localNowMs: number): number {
    return localNowMs;
  }

  put(batch: Batch, nowMs: number): Promise<readonly PutResult[]> {
    return this.#with(async ({ disk, transactions }) => {
      const limits = { maxBacklog: this.#maxBacklog, shortage: await disk.look() };
      return transactions.run((connection) => put(connection, batch, nowMs, limits));
    });
  }

  claim(request: ClaimRequest): Promise<Claim> {
    return this.#write((connection) => claim(connection, request));
  }

  settle(
    entry: Pick<ClaimedEntry, "id" | "lease">,
    settlement: Settlement,
    nowMs: number,
    lane: (lane: LaneState) => LaneState,
  ): Promise<{ readonly before: LaneState; readonly after: LaneState } | null> {
    return this.#write((connection) => settle(connection, entry, settlement, nowMs, lane));
  }

  release(entries: readonly Pick<ClaimedEntry, "id" | "lease">[], nowMs: number): Promise<void> {
    return this.#write((connection) => release(connection, entries, nowMs));
  }

  async wakeRetries(nowMs: number): Promise<void> {
    await this.#inSteps((connection) => wakeRetries(connection, nowMs));
  }

  referralsOf(source: string, references: readonly Reference[]): Promise<ReadonlyMap<Reference, string>> {
    return this.#read((connection) => referralsOf(connection, source, references));
  }

  relatedTo(source: string, references: readonly Reference[]): Promise<readonly Reference[]> {
    return this.#read((connection) => relatedTo(connection, source, references));
  }

  findEvent(
    source: string,
    by: { readonly businessKey: string } | { readonly references: readonly Reference[] },
  ): Promise<Entry | null> {
    return this.#read((connection) => findEvent(connection, source, by));
  }

  list(
    filter: EntryFilter,
    page: { readonly limit: number; readonly after?: string | undefined },
  ): Promise<readonly Entry[]> {
    return this.#read((connection) => list(connection, filter, page));
  }

  replay(which: Selection, nowMs: number): Promise<number> {
    return this.#inSteps((connection, last) => replay(connection, which, nowMs, last));
  }

  discard(which: Selection, nowMs: number): Promise<number> {
    return this.#inSteps((connection, last) => discard(connection, which, nowMs, last));
  }

  prune(olderThanMs: number, nowMs: number): Promise<number> {
    return this.#inSteps((connection) => prune(connection, nowMs - olderThanMs));
  }

  stats(): Promise<OutboxStats> {
    return this.#read(stats);
  }

  #opened(): Promise<Store> {
    if (this.#store !== undefined) return this.#store;
    const store = this.#open();
    this.#store = store;
    store.catch(() => {
      if (this.#store === store) this.#store = undefined;
    });
    return store;
  }

  async #open(): Promise<Store> {
    await this.#closing;
    const store = await openStore({ ...this.#options, file: this.#lentFile });
    this.#isSafeToShare = store.isSafeToShare;
    if (this.#options.database !== undefined) this.#lentFile = store.file;
    return store;
  }

  #write<T>(work: Work<T>): Promise<T> {
    return this.#with(({ transactions }) => transactions.run(work));
  }

  #read<T>(work: Work<T>): Promise<T> {
    return this.#with(({ connection }) => patiently(() => work(connection)));
  }

  async #with<T>(use: (store: Store) => Promise<T>): Promise<T> {
    const opening = this.#opened();
    const store = await opening;
    try {
      return await store.during(use(store));
    } catch (error) {
      // Whoever asks next gets a new connection.
      if (isLost(error) && this.#store === opening) void this.#letGo();
      throw error;
    } finally {
      if (this.#isClosed && this.#store === opening) await this.#letGo();
    }
  }

  #inSteps(step: (connection: Connection, last: number) => Step): Promise<number> {
    return this.#with(async ({ transactions }) => {
      let total = 0;
      for (let last = 0; ; ) {
        const after = last;
        const done = await transactions.run((connection) => step(connection, after));
        total += done.changed;
        if (done.changed < STEP) return total;
        last = done.last;
      }
    });
  }
}
