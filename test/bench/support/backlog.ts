import { createReadStream } from "node:fs";
import { copyFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { sqliteOutbox } from "affonso-relay/sqlite";
import Database from "better-sqlite3";
import type { Batch } from "../../../src/outbox/outbox.js";

/** Sales of one subscription. */
const RENEWALS = 10;
const PUT_AT_ONCE = 5_000;
/** Long ago, so that what is put into a backlog now is due after it. */
const BEGAN_AT_MS = Date.UTC(2026, 0, 1);

/**
 * What the sale with this number brings, as the Stripe adapter makes it of an `invoice.paid`. Ids are like a provider's:
 * they begin with their time, and a renewal is of a customer and a subscription from any time before.
 */
export function sale(number: number): Batch {
  const [event, invoice] = [`evt_${idOf(number)}`, `in_${idOf(number)}`];
  const buyer = idOf(scattered(number) % Math.max(Math.ceil(number / RENEWALS), 1));
  const [customer, subscription] = [`cus_${buyer}`, `sub_${buyer}`];
  const payload = {
    ...{ kind: "event", source: "stripe", name: "invoice_paid", type: "conversion", externalEventId: event },
    businessKey: `invoice:${invoice}`,
    identity: { referralId: "ref_ada", customerId: customer },
    references: { customer, subscription, invoice },
    occurredAt: "2026-01-01T00:00:00.000Z",
    sale: { minorUnits: 10_000, currency: "USD", decimals: 2 },
    paid: { minorUnits: 10_825, currency: "USD", decimals: 2 },
    ...{ productIds: ["prod_team"], priceIds: ["price_team_yearly"], interval: "yearly", isSubscription: true },
    metadata: { source: "stripe", invoice, subscription, billing_reason: "subscription_cycle" },
  };
  const entry = {
    ...({ kind: "event", source: "stripe", externalEventId: event, businessKey: `invoice:${invoice}` } as const),
    fingerprint: JSON.stringify(["stripe", `invoice:${invoice}`, "conversion", 10_000, "USD"]),
    payload: JSON.stringify(payload),
    references: [
      `key:invoice:${invoice}`,
      `invoice:${invoice}`,
      `subscription:${subscription}`,
      `customer:${customer}`,
    ],
    awaitsReferral: false,
  };
  const references = [`invoice:${invoice}`, `subscription:${subscription}`];
  return { entries: [entry], links: [{ source: "stripe", referralId: "ref_ada", references }] };
}

function idOf(number: number): string {
  const tail = scattered(number).toString(36).padStart(7, "0");
  return `1N${number.toString(36).padStart(6, "0")}LkdIwHu7${tail}`;
}

/** The same for the same number, and without order. */
function scattered(number: number): number {
  return Math.imul(number + 1, 2_654_435_761) >>> 0;
}

/**
 * Files with so many pending sales each, in a folder. The store's own `put` fills them, thousands in a transaction, and
 * a file is the beginning of the next greater one.
 *
 * @param sizes - From the least on.
 */
export async function pendingFiles(folder: string, sizes: readonly number[]): Promise<string[]> {
  const paths: string[] = [];
  let begun = 0;
  for (const size of sizes) {
    const path = join(folder, `${size}.db`);
    const before = paths.at(-1);
    if (before !== undefined) await copyFile(before, path);
    await fill(path, begun, size);
    paths.push(path);
    begun = size;
  }
  return paths;
}

async function fill(path: string, from: number, to: number): Promise<void> {
  const database = new Database(path);
  database.pragma("cache_size = -500000");
  const outbox = sqliteOutbox({ database, maxBacklog: to });
  await outbox.open();
  // A link wakes what waits for it, and here nothing does: that would take half of the time.
  const links = database.prepare(
    "INSERT OR IGNORE INTO relay_links SELECT 'stripe', value, 'ref_ada' FROM json_each(?)",
  );
  for (let number = from; number < to; ) {
    const batches = Array.from({ length: Math.min(PUT_AT_ONCE, to - number) }, () => sale(number++));
    await outbox.put({ entries: batches.flatMap(({ entries }) => entries), links: [] }, BEGAN_AT_MS + number);
    const linked = batches.flatMap(({ links }) => links.flatMap(({ references }) => references));
    links.run(JSON.stringify(linked));
  }
  await outbox.close();
  database.close();
}

/** Makes all that is pending in a file delivered. By SQL: to claim and settle a million would take far longer. */
export async function deliverAll(path: string): Promise<void> {
  const database = new Database(path);
  database.pragma("cache_size = -500000");
  database.exec(
    `UPDATE relay_entries SET state = 'delivered', finished_at = due_at + 1000, conversion_id = 'conv_' || seq
     WHERE state = 'pending'`,
  );
  database.pragma("wal_checkpoint(TRUNCATE)");
  database.close();
}

/** Reads a file once, so that the system has as much of it in memory as of any other. */
export async function warmUp(path: string): Promise<void> {
  for await (const _ of createReadStream(path)) {
    // Reading is all.
  }
}

export async function bytesOf(path: string): Promise<number> {
  return (await stat(path)).size;
}
