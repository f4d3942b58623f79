/** An exact decimal number: `digits` divided by ten to the power of `scale`. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

/** The decimal that a number's shortest text spells, so that 0.1 is a tenth. */
export function decimalOf(value: number): Decimal {
  const match = /^(-?\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value));
  if (match === null) throw new RangeError("not a finite number");
  const fraction = match[2] ?? "";
  const digits = BigInt(`${match[1]}${fraction}`);
  const scale = fraction.length - Number(match[3] ?? 0);
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

/** `a - b`, exactly. */
export function subtract(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { digits: digitsAt(a, scale) - digitsAt(b, scale), scale };
}

/** `total * part / whole` of amounts that are not negative, rounded half up to `decimals` places. */
export function share(total: Decimal, part: Decimal, whole: Decimal, decimals: number): Decimal {
  const numerator = total.digits * part.digits * 10n ** BigInt(whole.scale + decimals);
  const denominator = whole.digits * 10n ** BigInt(total.scale + part.scale);
  return { digits: (numerator * 2n + denominator) / (denominator * 2n), scale: decimals };
}

/** The number nearest to a decimal. */
export function toNumber({ digits, scale }: Decimal): number {
  return Number(`${digits}e-${scale}`);
}

/** Decimal places of a currency, by the tables of the runtime: none of the relay's own code is trusted here. */
export function currencyDecimals(currency: string): number {
  return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;
}

function digitsAt(value: Decimal, scale: number): bigint {
  return value.digits * 10n ** BigInt(scale - value.scale);
}
