import { invalidOption } from "../../src/errors.js";
import { type Money, netShare } from "../../src/money.js";
import { askAmount } from "../../src/provider-adapter.js";
import type { StripeCheckoutSession, StripeInvoice } from "./schema.js";

/** Your own amount of a sale, in Stripe's integer minor units of its currency; 0 or less skips the sale. */
export type StripeAmountFunction = (sale: StripeInvoice | StripeCheckoutSession) => number | Promise<number>;

/**
 * Which amount is the sale: without tax, with it, or your own. Of an invoice, what was paid counts, up to its total:
 * where a credit balance paid a part, `"net"` is the same share of the amount without tax; what is paid for an earlier
 * debt, or goes to the balance, is in neither.
 */
export type StripeAmount = "net" | "gross" | StripeAmountFunction;

// Stripe's own table, which is not ISO 4217: UGX and ISK have no decimals, and Stripe sends them times 100 all the same;
// MGA has, and Stripe sends none. https://docs.stripe.com/currencies#zero-decimal and #special-cases
const ZERO_DECIMAL = new Set("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(" "));
const THREE_DECIMAL = new Set("BHD JOD KWD OMR TND".split(" "));

/** Stripe's integer as money: it knows its own decimal places, since Stripe's differ from the standard's. */
export function stripeMoney(minorUnits: number, currency: string): Money {
  const code = currency.toUpperCase();
  const decimals = ZERO_DECIMAL.has(code) ? 0 : THREE_DECIMAL.has(code) ? 3 : 2;
  return { minorUnits, currency: code, decimals };
}

/** @throws RelayError `invalid_options`. */
export function assertAmount(amount: unknown): asserts amount is StripeAmount {
  if (amount === "net" || amount === "gross" || typeof amount === "function") return;
  throw invalidOption("amount", '"net", "gross" or a function of the invoice or session', amount);
}

/** What an invoice sold, by the option `amount`. */
export function invoiceAmount(invoice: StripeInvoice, amount: StripeAmount): Promise<number> | number {
  if (typeof amount === "function") return askAmount(amount, invoice, "stripe()");
  const paid = paidOf(invoice);
  if (amount === "gross" || paid <= 0) return paid;
  const { total_excluding_tax: stated } = invoice;
  // Paid in full, it is what Stripe says.
  if (paid === invoice.total && stated != null) return stated;
  const total = BigInt(invoice.total);
  const net = stated == null ? total - taxOf(invoice) : BigInt(stated);
  // Less than the total where a credit balance paid the rest, of goods and tax alike.
  return Number(netShare(net, BigInt(paid), total));
}

/**
 * What was paid for this invoice's own total, which is what its refunds are measured against. More is paid where a debt
 * of the customer's is collected with it, or too much was transferred: neither was sold here, and whoever gets the total
 * back has got all of the sale back.
 *
 * @see https://docs.stripe.com/billing/customer/balance
 * @see https://docs.stripe.com/api/invoices/object#invoice_object-amount_overpaid
 */
export function paidOf({ amount_paid, total }: StripeInvoice): number {
  return Math.min(amount_paid, total);
}

/** What a Checkout session sold, by the option `amount`. */
export function sessionAmount(session: StripeCheckoutSession, amount: StripeAmount): Promise<number> | number {
  if (typeof amount === "function") return askAmount(amount, session, "stripe()");
  const total = session.amount_total ?? 0;
  return amount === "gross" ? total : total - (session.total_details?.amount_tax ?? 0);
}

/** The invoice's tax, wherever its generation keeps it; added up without a limit, beyond which numbers are rounded. */
function taxOf({ total_taxes, tax, total_tax_amounts }: StripeInvoice): bigint {
  const taxes = total_taxes ?? (typeof tax === "number" ? [{ amount: tax }] : (total_tax_amounts ?? []));
  return taxes.reduce((total, { amount }) => total + BigInt(amount), 0n);
}
