import { invalidOption } from "../../src/errors.js";
import { DEFAULT_TOLERANCE_SECONDS } from "../../src/signing/timestamp.js";

/** A header's name; it may stand in error messages. */
export function checkHeaderName(option: string, name: unknown): string {
  // RFC 9110, 5.6.2 "token".
  if (typeof name === "string" && /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/.test(name)) return name;
  throw invalidOption(option, 'the name of a header, such as "x-signature"', name);
}

/** One value or several, each with the same rule, as a list of our own. */
export function checkList(
  option: string,
  value: unknown,
  expected: string,
  fits: (text: string) => boolean,
): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0) throw invalidOption(option, `${expected}, or a list of them`, value);
  return list.map((item, at) => {
    if (typeof item === "string" && fits(item)) return item;
    throw invalidOption(Array.isArray(value) ? `${option}[${at}]` : option, expected, item);
  });
}

/** Seconds by which a timestamp may be off; 0 is a value like any other. */
export function checkTolerance(option: string, value: unknown = DEFAULT_TOLERANCE_SECONDS): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0) return value;
  throw invalidOption(option, "a whole number of seconds, 0 or more", value);
}
