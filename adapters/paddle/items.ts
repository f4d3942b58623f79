import { distinct, intervalOf } from "../../src/provider-records.js";
import type { PaddleTransaction } from "./schema.js";

/** Product and price ids of what was bought, in the order of the transaction, each once. */
export function idsOf(transaction: PaddleTransaction): { productIds: string[]; priceIds: string[] } {
  const { items, details } = transaction;
  return {
    productIds: distinct([
      ...items.map((item) => item.price?.product_id),
      ...details.line_items.map((line) => line.product?.id),
    ]),
    priceIds: distinct([...items.map((item) => item.price?.id), ...details.line_items.map((line) => line.price_id)]),
  };
}

/** How often the recurring items are billed; one-off items among them do not count. */
export interface Cadence {
  readonly recurring: boolean;
  /** Absent where Affonso has no word for it, or where the items disagree. */
  readonly interval?: "monthly" | "yearly";
  /** Paddle's own words where `interval` is absent, such as `"1 week"`. */
  readonly raw?: string;
}

/** The billing interval that all recurring items share. */
export function cadenceOf(transaction: PaddleTransaction): Cadence {
  const cycles = transaction.items.flatMap(({ price }) => price?.billing_cycle ?? []);
  const texts = distinct(cycles.map(({ frequency, interval }) => `${frequency} ${interval}`));
  const intervals = new Set(cycles.map(({ frequency, interval }) => intervalOf(interval, frequency)));
  const [interval] = intervals;
  if (texts.length === 0) return { recurring: false };
  if (intervals.size === 1 && interval !== undefined) return { recurring: true, interval };
  return { recurring: true, raw: texts.join(", ") };
}

/** When the money was taken: the last capture, since attempts before it may have failed. */
export function capturedAt(transaction: PaddleTransaction): string | undefined {
  const captures = transaction.payments.flatMap(({ status, captured_at: at }) =>
    status === "captured" && at ? [at] : [],
  );
  // Fractions differ in length, so the texts would not sort.
  return captures.sort((a, b) => Date.parse(b) - Date.parse(a))[0];
}
