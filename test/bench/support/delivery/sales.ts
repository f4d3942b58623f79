import { readFileSync } from "node:fs";
import { stripe } from "../../../../adapters/stripe/index.js";
import { toWire } from "../../../../src/endpoint/wire.js";
import type { RelayEvent } from "../../../../src/event.js";
import { batchOf } from "../../../../src/outbox/batch.js";
import type { Batch } from "../../../../src/outbox/outbox.js";
import { recordsOf } from "../../../helpers/records.js";

const FIXTURE = new URL("../../../fixtures/stripe/invoice-paid.basil.first.json", import.meta.url);
const adapter = stripe({ webhookSecret: "whsec_of_the_benchmark" });

/** The first invoices of that many subscriptions, as the Stripe adapter makes events of them. */
async function sales<T>(count: number, of: (event: RelayEvent) => T): Promise<T[]> {
  const invoice = readFileSync(FIXTURE, "utf8");
  const found: T[] = [];
  for (let number = 1; number <= count; number++) {
    const own = invoice.replaceAll(/"((?:evt|in|cus|sub|il)_\w+)"/g, `"$1_${number}"`);
    const records = await recordsOf(adapter, JSON.parse(own));
    found.push(...records.filter((record) => record.kind === "event").map(of));
  }
  return found;
}

/** What the relay puts into its outbox for them. */
export function batchesOf(count: number): Promise<Batch[]> {
  return sales(count, (event) => batchOf([event], () => "unused"));
}

/** What the relay sends for them. */
export function bodiesOf(count: number): Promise<string[]> {
  return sales(count, (event) => JSON.stringify(toWire(event)));
}
