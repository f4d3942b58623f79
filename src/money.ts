import { RelayError } from "./errors.js";

/** An amount of money in integer minor units, so that nothing is rounded before it is sent. */
export interface Money {
  /** Integer count of the smallest unit: `1999` is 19.99 USD, `500` is 500 JPY. */
  readonly minorUnits: number;
  /** ISO 4217 code, three upper-case letters. */
  readonly currency: string;
  /** Decimal places between the minor and the major unit. Without it: what ISO 4217 says of the currency. */
  readonly decimals?: number | undefined;
}

// ISO 4217 list one, "minor unit" column, where it is not 2: https://www.iso.org/iso-4217-currency-codes.html
const WITHOUT_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" ");
const WITH_THREE = "BHD IQD JOD KWD LYD OMR TND".split(" ");
const WITH_FOUR = "CLF UYW".split(" ");

/** Decimal places of a currency by ISO 4217; 2 for a currency that the standard does not single out. */
export function isoDecimals(currency: string): number {
  const code = currency.toUpperCase();
  if (WITHOUT_DECIMALS.includes(code)) return 0;
  if (WITH_THREE.includes(code)) return 3;
  return WITH_FOUR.includes(code) ? 4 : 2;
}

/** The amount in ten-thousandths of the major unit, in which amounts of any decimals (at most 4) can be compared. */
export function tenThousandths({ minorUnits, currency, decimals = isoDecimals(currency) }: Money): bigint {
  return BigInt(minorUnits) * 10n ** BigInt(4 - decimals);
}

/**
 * The amount in major units, as the decimal number whose shortest text is exact: 1999 USD minor units → 19.99.
 *
 * @throws RelayError `invalid_event` when the amount is no safe integer or has more digits than a number can carry.
 */
export function toMajorUnits(money: Money): number {
  const value = exactMajorUnits(money);
  if (value !== undefined) return value;
  throw new RelayError("invalid_event", "expected an amount of no more digits than JSON can carry");
}

/** Whether {@link toMajorUnits} can write the amount. */
export function isExact(money: Money): boolean {
  return exactMajorUnits(money) !== undefined;
}

function exactMajorUnits({ minorUnits, currency, decimals = isoDecimals(currency) }: Money): number | undefined {
  // Of two integers, division answers the number nearest to the decimal: the same as reading its text.
  const value = minorUnits / 10 ** decimals;
  // JSON writes the shortest text of a number, so that text is what has to be right.
  const [whole, fraction = ""] = String(value).split(".");
  const isRight = Number(whole + fraction.padEnd(decimals, "0")) === minorUnits;
  return isRight && Number.isSafeInteger(minorUnits) ? value : undefined;
}

/**
 * What is without tax of a payment of a part of a total, of which `net` is without tax: both are paid alike. Half a cent
 * goes down: rather a cent less of commission than commission on tax.
 *
 * @param total - More than 0.
 */
export function netShare(net: bigint, paid: bigint, total: bigint): bigint {
  return (2n * net * paid + total - 1n) / (2n * total);
}

/**
 * Reads a decimal amount of major units, for providers that send `"19.99"` instead of cents.
 *
 * @param amount - Decimal text such as `"19.99"`. A number is taken by its shortest text, up to fifteen digits: what was
 * written with more may have been another amount before it was parsed.
 * @param currency - ISO 4217 code, upper or lower case.
 * @throws RelayError `malformed_payload` when it is no plain decimal, or finer than the currency's minor unit. A negative
 * amount is read as such; no sale may have it.
 */
export function fromMajorUnits(amount: string | number, currency: string): Money {
  if (!/^[A-Za-z]{3}$/.test(currency)) {
    throw new RelayError("malformed_payload", "a currency must have three letters (ISO 4217)");
  }
  const decimals = isoDecimals(currency);
  const match = /^(-?)(\d{1,16})(?:\.(\d+))?$/.exec(String(amount));
  const fraction = withoutZerosAtEnd(match?.[3] ?? "");
  if (match === null || fraction.length > decimals) {
    throw new RelayError("malformed_payload", `not an amount of ${currency} with at most ${decimals} decimals`);
  }
  const minorUnits = Number(`${match[1]}${match[2]}${fraction.padEnd(decimals, "0")}`);
  const largest = typeof amount === "number" ? 999_999_999_999_999 : Number.MAX_SAFE_INTEGER;
  if (Math.abs(minorUnits) > largest) {
    throw new RelayError("malformed_payload", `the amount of ${currency} is too large`);
  }
  return { minorUnits: minorUnits === 0 ? 0 : minorUnits, currency: currency.toUpperCase(), decimals };
}

/** Not by a pattern, which would look at a million zeros before another digit from each of them anew: minutes of work. */
function withoutZerosAtEnd(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === "0") end--;
  return digits.slice(0, end);
}
