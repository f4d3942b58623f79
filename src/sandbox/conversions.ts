import { ApiError, validationError } from "./api-error.js";
import { currencyDecimals, type Decimal, decimalOf, share, subtract, toNumber } from "./decimal.js";
import { commissionOf, type Incentive, matchIncentive } from "./incentives.js";
import type { SandboxReferral } from "./referrals.js";
import type { ConversionInput, RefundInput } from "./validation.js";

/**
 * A sale with its commission, as the API shows it.
 *
 * @see https://docs.affonso.io/api/endpoint/conversions/create
 */
export interface SandboxConversion {
  /** Of the conversion: what a refund names. */
  readonly id: string;
  /** The referral that brought the customer. */
  readonly referral_id: string;
  /** Who earns the commission. */
  readonly affiliate_id: string;
  /** The affiliate program. */
  readonly program_id: string;
  /** The sale in major units, as it was sent; refunds leave it as it is. */
  readonly sale_amount: number;
  /** ISO 4217, in upper case. */
  readonly sale_amount_currency: string;
  /** Major units, less what refunds took of it; 0 without an incentive. */
  readonly commission_amount: number;
  /** That of the sale. */
  readonly commission_currency: string;
  /** Of the commission: what the request said, `pending` for events; `refunded` once all was given back. */
  readonly status: ConversionInput["status"];
  /** Of the sale: what the request said, `complete` for events, then `partial_refunded` or `refunded`. */
  readonly sales_status: ConversionInput["sales_status"];
  /** The sandbox holds nothing back. */
  readonly hold_period_days: null;
  /** The sandbox knows no payments. */
  readonly payment_intent_id: null;
  /** The sandbox knows no invoices. */
  readonly invoice_id: null;
  /** When the sale was, or else when it came, in ISO 8601 and UTC. */
  readonly created_at: string;
  /** When it came, or its latest refund, in ISO 8601 and UTC. */
  readonly updated_at: string;
  /** Of the commission; null where no incentive pays one. */
  readonly earning_id: string | null;
  /** Null where no incentive pays a commission. */
  readonly earning_type: "commission" | null;
  /** The id under which it counts once. */
  readonly external_event_id: string;
  /** By the incentives. */
  readonly calculation_mode: "auto";
  /** The incentive that pays; null where none does. */
  readonly matched_incentive_id: string | null;
  /** True only in the answer to a request whose id was known. */
  readonly replayed: boolean;
  /** The sandbox's own id of the request. */
  readonly source_event_id: string;
}

/** What a conversion is made of, besides the sale. */
export interface ConversionContext {
  readonly referral: SandboxReferral;
  readonly sourceEventId: string;
  readonly now: string;
  newId(prefix: string): string;
}

interface Entry {
  readonly conversion: SandboxConversion;
  readonly fullCommission: Decimal;
  readonly refunded: number[];
}

/** The sales and what was given back of them. Amounts stay in the currency of the sale. */
export class Conversions {
  readonly #entries = new Map<string, Entry>();
  readonly #incentives: readonly Incentive[];

  constructor(incentives: readonly Incentive[]) {
    this.#incentives = incentives;
  }

  get list(): readonly SandboxConversion[] {
    return [...this.#entries.values()].map(({ conversion }) => conversion);
  }

  create(input: ConversionInput, { referral, sourceEventId, now, newId }: ConversionContext): SandboxConversion {
    const incentive = matchIncentive(this.#incentives, input);
    const currency = input.sale_amount_currency;
    const fullCommission = commissionOf(incentive, input.sale_amount, currency);
    const conversion: SandboxConversion = {
      id: newId("txn"),
      referral_id: referral.id,
      affiliate_id: referral.affiliate_id,
      program_id: referral.program_id,
      sale_amount: input.sale_amount,
      sale_amount_currency: currency,
      commission_amount: toNumber(fullCommission),
      commission_currency: currency,
      status: input.status,
      sales_status: input.sales_status,
      hold_period_days: null,
      payment_intent_id: null,
      invoice_id: null,
      created_at: input.created_at === undefined ? now : new Date(input.created_at).toISOString(),
      updated_at: now,
      // Without an incentive the sale stands, and nobody earns anything.
      earning_id: incentive === undefined ? null : newId("com"),
      earning_type: incentive === undefined ? null : "commission",
      external_event_id: input.external_event_id,
      calculation_mode: "auto",
      matched_incentive_id: incentive?.id ?? null,
      replayed: false,
      source_event_id: sourceEventId,
    };
    this.#entries.set(conversion.id, { conversion, fullCommission, refunded: [] });
    return conversion;
  }

  /** Gives money back; throws `NOT_FOUND`, or `VALIDATION_ERROR` when the amount or the currency does not fit. */
  refund(id: string, input: RefundInput, now: string): { conversion: SandboxConversion; amount: number } {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new ApiError("NOT_FOUND", "No conversion has this id");
    const { conversion, fullCommission, refunded } = entry;
    const { sale_amount, sale_amount_currency: currency } = conversion;
    if (input.currency !== undefined && input.currency !== currency) {
      throw validationError([{ field: "currency", message: `must be the sale's currency, ${currency}` }]);
    }
    const sale = decimalOf(sale_amount);
    const open = refunded.map(decimalOf).reduce(subtract, sale);
    const amount = input.amount ?? toNumber(open);
    const left = subtract(open, decimalOf(amount));
    if (amount <= 0 || left.digits < 0n) {
      throw validationError([
        { field: "amount", message: `must be at most what is left of the sale, ${toNumber(open)}` },
      ]);
    }

    refunded.push(amount);
    const full = left.digits === 0n;
    const updated: SandboxConversion = {
      ...conversion,
      commission_amount: toNumber(share(fullCommission, left, sale, currencyDecimals(currency))),
      sales_status: full ? "refunded" : "partial_refunded",
      status: full ? "refunded" : conversion.status,
      updated_at: now,
    };
    this.#entries.set(id, { ...entry, conversion: updated });
    return { conversion: updated, amount };
  }
}
