import { invalidOption, RelayError } from "../../src/errors.js";
import type { PaddleOptions, PaddleSettings } from "./options.js";

/**
 * The options that handlers read, checked and copied, so that what the caller changes later changes nothing here.
 *
 * @throws RelayError `invalid_options`.
 */
export function settingsOf({ amount = "net", currencyDecimals = {} }: PaddleOptions): PaddleSettings {
  if (typeof amount !== "function" && !["net", "gross", "earnings"].includes(amount)) {
    throw invalidOption("amount", '"net", "gross", "earnings" or a function of the transaction', amount);
  }
  return Object.freeze({ amount, currencyDecimals: decimalsOf(currencyDecimals) });
}

function decimalsOf(currencyDecimals: Readonly<Record<string, number>>): PaddleSettings["currencyDecimals"] {
  if (typeof currencyDecimals !== "object" || currencyDecimals === null || Array.isArray(currencyDecimals)) {
    throw invalidOption("currencyDecimals", "an object", currencyDecimals);
  }
  const entries = Object.entries(currencyDecimals).map(([currency, decimals]): [string, number] => {
    if (!/^[A-Za-z]{3}$/.test(currency)) {
      throw new RelayError("invalid_options", "currencyDecimals must have currency codes of three letters as its keys");
    }
    if (!Number.isInteger(decimals) || decimals < 0 || decimals > 4) {
      throw invalidOption(`currencyDecimals.${currency}`, "a whole number from 0 to 4", decimals);
    }
    return [currency.toUpperCase(), decimals];
  });
  return Object.freeze(Object.fromEntries(entries));
}
