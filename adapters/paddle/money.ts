import { RelayError } from "../../src/errors.js";
import { type Money, netShare } from "../../src/money.js";
import { askAmount } from "../../src/provider-adapter.js";
import type { PaddleAmount, PaddleAmountFunction, PaddleSettings } from "./options.js";
import type { PaddleAdjustment, PaddleTransaction } from "./schema.js";

type Totals = PaddleTransaction["details"]["totals"];

// ISO 4217 has four of Paddle's currencies without a minor unit, and none with three digits.
// https://developer.paddle.com/api-reference/currencies
const ZERO_DECIMAL = new Set(["JPY", "KRW", "CLP", "VND"]);

/**
 * The sale of a transaction, in its own currency; 0 or less where nothing was sold.
 *
 * @throws RelayError `malformed_payload` for a total that is no integer; `mapping_failed` when `amount` is a function
 * that throws or answers anything but an integer.
 * @see https://developer.paddle.com/api-reference/transactions
 */
export async function saleOf(transaction: PaddleTransaction, settings: PaddleSettings): Promise<Money> {
  const { totals } = transaction.details;
  const currency = totals.currency_code ?? transaction.currency_code;
  const { amount } = settings;
  const minorUnits =
    typeof amount === "function" ? await askAmount(amount, transaction, "paddle()") : read(amount, totals);
  return moneyOf(minorUnits, currency, settings);
}

/**
 * What was paid, where the sale is measured by the app's own function: refunds can only be measured against that.
 */
export function paidFor(transaction: PaddleTransaction, settings: PaddleSettings): Money | undefined {
  if (typeof settings.amount !== "function") return undefined;
  const { totals } = transaction.details;
  const grandTotal = Number(integer(totals.grand_total, "details.totals.grand_total"));
  if (grandTotal <= 0) return undefined;
  return moneyOf(grandTotal, totals.currency_code ?? transaction.currency_code, settings);
}

/**
 * What an adjustment gives back, in the transaction's currency, measured as the sale was: without tax, with it, or in
 * earnings. A function of the transaction can't measure it: then it is with tax.
 */
export function refundOf(adjustment: PaddleAdjustment, settings: PaddleSettings): Money {
  const { total, tax, earnings, currency_code } = adjustment.totals;
  const currency = currency_code ?? adjustment.currency_code;
  if (!currency) throw new RelayError("malformed_payload", `adjustment ${adjustment.id} names no currency`);
  const gross = integer(total, "totals.total");
  const { amount } = settings;
  if (amount === "net") return moneyOf(Number(gross - integer(tax ?? "0", "totals.tax")), currency, settings);
  const measured = amount === "earnings" && earnings ? integer(earnings, "totals.earnings") : gross;
  return moneyOf(Number(measured), currency, settings);
}

function read(amount: Exclude<PaddleAmount, PaddleAmountFunction>, totals: Totals): number {
  const grandTotal = Number(integer(totals.grand_total, "details.totals.grand_total"));
  // Nothing was paid, so nothing was earned, and Paddle may leave the earnings null.
  if (amount === "gross" || grandTotal <= 0) return grandTotal;
  if (amount === "net") return Number(net(totals));
  if (typeof totals.earnings === "string") return Number(integer(totals.earnings, "details.totals.earnings"));
  throw new RelayError(
    "malformed_payload",
    'the transaction has no details.totals.earnings, which amount: "earnings" reads; use amount: "net" or a function',
  );
}

function net(totals: Totals): bigint {
  const grandTotal = integer(totals.grand_total, "details.totals.grand_total");
  const total = integer(totals.total, "details.totals.total");
  const tax = integer(totals.tax, "details.totals.tax");
  const credit = integer(totals.credit ?? "0", "details.totals.credit");
  if (credit === 0n) return typeof totals.grand_total_tax === "string" ? grandTotal - taxPaid(totals) : total - tax;
  // Transactions from before 2026-01-08 carry no tax share, or the whole tax in its place.
  // https://developer.paddle.com/changelog/2026/grand-total-tax-field
  if (typeof totals.grand_total_tax === "string" && taxPaid(totals) !== tax) return grandTotal - taxPaid(totals);
  if (total <= 0n) return grandTotal;
  // A credit pays for goods and tax alike, so tax shrinks as the total does.
  return netShare(total - tax, grandTotal, total);
}

function taxPaid(totals: Totals): bigint {
  return integer(totals.grand_total_tax ?? "0", "details.totals.grand_total_tax");
}

function integer(text: string, field: string): bigint {
  if (!/^-?\d+$/.test(text)) {
    throw new RelayError("malformed_payload", `${field} is not an integer of minor units in a string`);
  }
  if (!Number.isSafeInteger(Number(text))) {
    throw new RelayError("malformed_payload", `${field} is larger than a number can carry exactly`);
  }
  return BigInt(text);
}

function moneyOf(minorUnits: number, currencyCode: string, settings: PaddleSettings): Money {
  const currency = currencyCode.toUpperCase();
  const own = Object.hasOwn(settings.currencyDecimals, currency) ? settings.currencyDecimals[currency] : undefined;
  return { minorUnits, currency, decimals: own ?? (ZERO_DECIMAL.has(currency) ? 0 : 2) };
}
