import { distinct, intervalOf } from "../../src/provider-records.js";
import type { StripeInvoiceLine } from "./schema.js";

const DAY_SECONDS = 86_400;

/** Product and price ids of what the lines sell, each once. */
export function idsOf(lines: readonly StripeInvoiceLine[]): { productIds: string[]; priceIds: string[] } {
  // A change of plan gives back what is left of the one before: https://docs.stripe.com/billing/subscriptions/prorations
  const charged = lines.filter(({ amount }) => (amount ?? 0) >= 0);
  const sold = charged.length > 0 ? charged : lines;
  return {
    productIds: distinct(
      sold.map(({ pricing, price, plan }) => pricing?.price_details?.product ?? price?.product ?? plan?.product),
    ),
    priceIds: distinct(sold.map(({ pricing, price, plan }) => pricing?.price_details?.price ?? price?.id ?? plan?.id)),
  };
}

/** The subscription that a line bills, if it bills one. */
export function subscriptionOf({ parent, subscription }: StripeInvoiceLine): string | null | undefined {
  return parent?.subscription_item_details?.subscription ?? parent?.invoice_item_details?.subscription ?? subscription;
}

/** Whether a line bills a subscription's item, as opposed to a one-off item. */
export function isRecurring({ parent, type, price, plan }: StripeInvoiceLine): boolean {
  return parent?.subscription_item_details != null || type === "subscription" || (price?.recurring ?? plan) != null;
}

/** The billing interval on which all recurring lines agree; undefined where they don't, or there is no word for it. */
export function billingInterval(lines: readonly StripeInvoiceLine[]): "monthly" | "yearly" | undefined {
  const recurring = lines.filter(isRecurring);
  // What is credited and charged in between belongs to the plan before as well: it only counts where nothing else is.
  const whole = recurring.filter((line) => !isProration(line));
  const cycles = (whole.length > 0 ? whole : recurring).map(lineInterval).filter((cycle) => cycle !== "unknown");
  const [interval] = cycles;
  if (interval === undefined || interval === "other") return undefined;
  return cycles.every((cycle) => cycle === interval) ? interval : undefined;
}

/** "other" is a cycle that has no word, such as a week; "unknown" a line that says nothing of its cycle. */
function lineInterval(line: StripeInvoiceLine): "monthly" | "yearly" | "other" | "unknown" {
  const stated = line.price?.recurring ?? line.plan;
  if (stated?.interval) return intervalOf(stated.interval, stated.interval_count ?? 1) ?? "other";
  // Since basil an invoice does not state it. A proration's period is what is left of one, so it says nothing.
  // A line for nothing is a trial, and its period the trial's.
  if (line.period == null || line.amount === 0 || isProration(line)) return "unknown";
  const days = (line.period.end - line.period.start) / DAY_SECONDS;
  if (days >= 28 && days <= 31) return "monthly";
  return days === 365 || days === 366 ? "yearly" : "other";
}

function isProration({ parent, proration }: StripeInvoiceLine): boolean {
  const details = parent?.subscription_item_details ?? parent?.invoice_item_details;
  return (details?.proration ?? proration) === true;
}
