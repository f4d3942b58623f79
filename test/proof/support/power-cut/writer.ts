import { writeSync } from "node:fs";
import type { Outbox } from "../../../../src/outbox/outbox.js";
import { openDatabase } from "../../../../src/outbox/sqlite/driver.js";
import { sqliteOutbox } from "../../../../src/outbox/sqlite.js";
import type { WriterConfig } from "./messages.js";

// A process that keeps entries and says on its output, one a line, which ones it was promised to find again.

const { path, setting, entries }: WriterConfig = JSON.parse(process.env["PROOF_PROCESS"] ?? "null");
const MOST_AT_ONCE = 8;
const logger = { debug() {}, info() {}, warn() {}, error() {} };

// The driver gives a connection that turns WAL on other defaults than all later ones: most are of the latter kind.
const first = sqliteOutbox({ path, logger });
await first.open();
await first.close();

const outbox = await open();
for (let next = 1, round = 0; next <= entries; round++) {
  const together = 1 + (round % MOST_AT_ONCE);
  await Promise.all(Array.from({ length: together }, () => keep(outbox, `evt_${next++}`)));
}
// No `close`: the power is cut while it runs.
process.exit(0);

async function open(): Promise<Outbox> {
  if (setting === "path") return opened(sqliteOutbox({ path, logger }));
  const database = await openDatabase(path);
  const lent = await opened(sqliteOutbox({ database, logger }));
  // Behind the outbox's back, which has just set it to FULL.
  if (setting === "normal") database.exec("PRAGMA synchronous = NORMAL");
  return lent;
}

async function opened(outbox: Outbox): Promise<Outbox> {
  await outbox.open();
  return outbox;
}

async function keep(outbox: Outbox, id: string): Promise<void> {
  const entry = {
    kind: "event",
    source: "stripe",
    externalEventId: id,
    businessKey: `invoice:${id}`,
    fingerprint: "4900 usd",
    payload: JSON.stringify({ id, padding: "x".repeat(2_000) }),
    references: [`invoice:${id}`],
    awaitsReferral: false,
  } as const;
  const [result] = await outbox.put({ entries: [entry], links: [] }, Date.now());
  if (result?.status === "queued") writeSync(1, `${id}\n`);
}
