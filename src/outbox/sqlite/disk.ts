import { stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { Connection } from "./connection.js";
import { moved } from "./failure.js";

const LOOK_EVERY_MS = 1_000;
/** SQLite keeps its log at 4 MB, unless readers that never pause keep it from starting over. */
const MAX_WAL_BYTES = 64 * 1024 * 1024;

/** A file, whatever its name: null for none, undefined where the file system does not tell. */
export type FileAt = string | null | undefined;

export interface DiskOptions {
  /** The path of the file. */
  readonly path: string;
  /** The file that the connection has open. */
  readonly file: FileAt;
  readonly minFreeBytes: number;
  /** Whether the connection is ours to open again. */
  readonly isOwn: boolean;
}

/** Looks after the file and the disk that it is on, once a second at most. */
export class Disk {
  readonly #connection: Connection;
  readonly #options: DiskOptions;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #look: Promise<string | undefined> = Promise.resolve(undefined);

  constructor(connection: Connection, options: DiskOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /**
   * Answers what the disk is short of; undefined where `minFreeBytes` are free.
   *
   * @throws RelayError `outbox_unavailable` where nobody would find what is committed: the file is not at its path.
   */
  look(): Promise<string | undefined> {
    if (performance.now() - this.#lookedAt >= LOOK_EVERY_MS) {
      this.#lookedAt = performance.now();
      this.#look = this.#lookAgain();
    }
    return this.#look;
  }

  async #lookAgain(): Promise<string | undefined> {
    const { path, file, isOwn } = this.#options;
    const now = await fileAt(path);
    if (now === null || (now !== undefined && file !== undefined && now !== file)) throw moved(path, isOwn);
    await this.#shrinkLog();
    return this.#shortage();
  }

  async #shortage(): Promise<string | undefined> {
    const { path, minFreeBytes } = this.#options;
    try {
      const { bavail, bsize } = await statfs(dirname(path));
      if (bavail * bsize >= minFreeBytes) return undefined;
      return `less than ${minFreeBytes} bytes are free on the disk of ${path}`;
    } catch {
      // Not every file system tells. The commit will.
      return undefined;
    }
  }

  async #shrinkLog(): Promise<void> {
    try {
      const { size } = await stat(`${this.#options.path}-wal`);
      if (size > MAX_WAL_BYTES) checkpoint(this.#connection);
    } catch {
      // No log, or one that is in use: the next look is in a second.
    }
  }
}

/** Which file is at the path. */
export async function fileAt(path: string): Promise<FileAt> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    // Windows lets nobody take away what SQLite has open, and its numbers of files are not always there, or the same.
    return ino === 0n || process.platform === "win32" ? undefined : `${dev}:${ino}`;
  } catch (cause) {
    return cause instanceof Error && "code" in cause && cause.code === "ENOENT" ? null : undefined;
  }
}

/** Moves the log into the file, and empties it. */
export function checkpoint(connection: Connection): void {
  connection.exec("PRAGMA wal_checkpoint(TRUNCATE)");
}
