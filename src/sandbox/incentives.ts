import { currencyDecimals, type Decimal, decimalOf, share } from "./decimal.js";

/** A rule that pays a commission for a sale. A condition that is left out is met by every sale. */
export interface Incentive {
  /** What a conversion names as its `matched_incentive_id`. */
  readonly id: string;
  /** Whether `amount` is percent of the sale or money in the sale's currency. */
  readonly type: "percentage" | "fixed";
  /** Percent (`20` is a fifth of the sale) or major units (`5` is 5.00). */
  readonly amount: number;
  /** Pays only for a sale of one of these products. @default any */
  readonly productIds?: readonly string[] | undefined;
  /** Pays only for a sale at one of these prices. @default any */
  readonly priceIds?: readonly string[] | undefined;
  /** Pays only for this interval. @default any */
  readonly interval?: "monthly" | "yearly" | undefined;
}

/** What of a sale decides on its incentive. */
export interface IncentiveQuery {
  readonly product_ids?: readonly string[] | undefined;
  readonly price_ids?: readonly string[] | undefined;
  readonly interval?: "monthly" | "yearly" | undefined;
}

/** The most specific incentive that a sale meets: price beats product beats interval, then the first one wins. */
export function matchIncentive(incentives: readonly Incentive[], sale: IncentiveQuery): Incentive | undefined {
  let best: Incentive | undefined;
  for (const incentive of incentives) {
    if (!meets(incentive, sale)) continue;
    if (best === undefined || specificity(incentive) > specificity(best)) best = incentive;
  }
  return best;
}

/** What an incentive pays for a sale, rounded half up to the currency's minor unit. */
export function commissionOf(incentive: Incentive | undefined, saleAmount: number, currency: string): Decimal {
  if (incentive === undefined) return decimalOf(0);
  const amount = decimalOf(incentive.amount);
  const decimals = currencyDecimals(currency);
  return incentive.type === "fixed"
    ? share(amount, decimalOf(1), decimalOf(1), decimals)
    : share(decimalOf(saleAmount), amount, decimalOf(100), decimals);
}

function meets(incentive: Incentive, sale: IncentiveQuery): boolean {
  if (incentive.interval !== undefined && incentive.interval !== sale.interval) return false;
  return overlaps(incentive.productIds, sale.product_ids) && overlaps(incentive.priceIds, sale.price_ids);
}

function overlaps(wanted: readonly string[] | undefined, sold: readonly string[] = []): boolean {
  return wanted === undefined || wanted.some((id) => sold.includes(id));
}

function specificity({ priceIds, productIds, interval }: Incentive): number {
  return (priceIds ? 4 : 0) + (productIds ? 2 : 0) + (interval ? 1 : 0);
}
