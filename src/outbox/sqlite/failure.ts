import { isRelayError, RelayError } from "../../errors.js";
import { isObject } from "../../objects.js";

/** SQLite's primary result codes (https://www.sqlite.org/rescode.html) that mean something to us. */
const WORDS: Readonly<Record<number, string>> = {
  5: "BUSY",
  6: "LOCKED",
  8: "READONLY",
  10: "IOERR",
  11: "CORRUPT",
  13: "FULL",
  14: "CANTOPEN",
  26: "NOTADB",
};

const ADVICE: Readonly<Record<string, string>> = {
  BUSY: "another connection keeps the outbox's database locked",
  LOCKED: "another connection keeps the outbox's database locked",
  READONLY: "the outbox's database can't be written: check the rights of its file and folder, and that nobody moved it",
  IOERR: "the outbox's disk fails",
  CORRUPT: "the outbox's database is damaged: restore it from a backup",
  FULL: "the outbox's disk is full",
  CANTOPEN: "the outbox's database can't be opened: check that its folder exists and may be written",
  NOTADB: "the outbox's file is no SQLite database",
};

/** After these the connection may be of no use any more, while a new one may be. */
const LOST = new Set(["READONLY", "IOERR", "CORRUPT", "CANTOPEN", "NOTADB"]);

/** Whether waiting may help: somebody else has the lock. */
export function isBusy(cause: unknown): boolean {
  const word = wordOf(cause);
  // The app has a transaction of its own on the connection that it lent us.
  return word === "BUSY" || word === "LOCKED" || /within a transaction/.test(messageOf(cause));
}

/** Whether an error means that the connection had better be opened again. */
export function isLost(error: unknown): boolean {
  return error instanceof Error && LOST.has(wordOf(error.cause) ?? "");
}

/** Whether there was nothing to roll back. */
export function hadNoTransaction(cause: unknown): boolean {
  return /no transaction is active/.test(messageOf(cause));
}

/** An error of ours stays as it is; whatever else keeps the store from its work is `outbox_unavailable`. */
export function unavailable(cause: unknown): RelayError {
  if (isRelayError(cause)) return cause;
  const message = ADVICE[wordOf(cause) ?? ""] ?? "the outbox's database failed";
  return new RelayError("outbox_unavailable", message, { cause });
}

/** The file at the path is not the one that the connection has open. SQLite itself would say it of few writes. */
export function moved(path: string, isOwn: boolean): RelayError {
  const advice = isOwn
    ? "what is there now is opened next, so restore it if its events are missing"
    : "open it anew and give a sqliteOutbox that connection";
  const cause = Object.assign(new Error("the file was moved"), { code: "SQLITE_READONLY_DBMOVED" });
  return new RelayError("outbox_unavailable", `${path} was moved, removed or replaced while it was open: ${advice}`, {
    cause,
  });
}

/** `node:sqlite` gives the number as `errcode`, better-sqlite3 the name as `code`, such as `SQLITE_IOERR_WRITE`. */
function wordOf(cause: unknown): string | undefined {
  if (!isObject(cause)) return undefined;
  const { errcode, code } = cause;
  // better-sqlite3 looks by itself, and says it without a code.
  if (/directory does not exist/.test(messageOf(cause))) return "CANTOPEN";
  if (typeof errcode === "number") return WORDS[errcode & 0xff];
  return typeof code === "string" && code.startsWith("SQLITE_") ? code.split("_")[1] : undefined;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : "";
}
