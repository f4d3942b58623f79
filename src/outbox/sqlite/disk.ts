import { stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { Connection } from "./connection.js";

const LOOK_EVERY_MS = 1_000;
/** SQLite keeps its log at 4 MB, unless readers that never pause keep it from starting over. */
const MAX_WAL_BYTES = 64 * 1024 * 1024;

/** Looks after the disk that the file is on, once a second at most. */
export class Disk {
  readonly #path: string;
  readonly #minFreeBytes: number;
  readonly #connection: Connection;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #look: Promise<boolean> = Promise.resolve(true);

  constructor(connection: Connection, path: string, minFreeBytes: number) {
    this.#connection = connection;
    this.#path = path;
    this.#minFreeBytes = minFreeBytes;
  }

  /** Says so where less than `minFreeBytes` is free. */
  async shortage(): Promise<string | undefined> {
    if (performance.now() - this.#lookedAt >= LOOK_EVERY_MS) {
      this.#lookedAt = performance.now();
      this.#look = this.#hasRoom();
    }
    if (await this.#look) return undefined;
    return `less than ${this.#minFreeBytes} bytes are free on the disk of ${this.#path}`;
  }

  async #hasRoom(): Promise<boolean> {
    await this.#shrinkLog();
    try {
      const { bavail, bsize } = await statfs(dirname(this.#path));
      return bavail * bsize >= this.#minFreeBytes;
    } catch {
      // Not every file system tells. The commit will.
      return true;
    }
  }

  async #shrinkLog(): Promise<void> {
    try {
      const { size } = await stat(`${this.#path}-wal`);
      if (size > MAX_WAL_BYTES) checkpoint(this.#connection);
    } catch {
      // No log, or one that is in use: the next look is in a second.
    }
  }
}

/** Moves the log into the file, and empties it. */
export function checkpoint(connection: Connection): void {
  connection.exec("PRAGMA wal_checkpoint(TRUNCATE)");
}
