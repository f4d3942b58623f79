import { invalidOption, misconfigured } from "../errors.js";

/**
 * One secret or several. A type that takes `process.env.X` as it is: where that is undefined, or empty, the app does not
 * start, and the error says which option is missing.
 */
export type Secrets = string | undefined | readonly (string | undefined)[];

/** What people paste in place of a secret, and what to call it. */
export type MistakenSecret = readonly [pattern: RegExp, what: string];

/**
 * One secret.
 *
 * @param place - The option's name, for the error message.
 * @param what - What is expected there, such as "the endpoint's signing secret (whsec_…)".
 * @param mistaken - What is often pasted there instead.
 * @throws RelayError `invalid_options`; it never shows the secret.
 */
export function oneSecret(
  place: string,
  secret: unknown,
  what: string,
  mistaken: readonly MistakenSecret[] = [],
): string {
  if (secret === undefined) {
    throw misconfigured(`${place} must be ${what}, got undefined: is its environment variable set?`);
  }
  if (typeof secret !== "string" || secret === "") throw invalidOption(place, what, secret);
  if (/^\s|\s$|^(["']).*\1$/.test(secret)) {
    throw misconfigured(`${place} begins or ends with white space or quotes; paste it without`);
  }
  for (const [pattern, mistake] of mistaken) {
    if (pattern.test(secret)) throw misconfigured(`${place} must be ${what}, and this is ${mistake}`);
  }
  return secret;
}

/**
 * One or several secrets as a list: several during a rotation, or where several endpoints share one URL.
 *
 * @param option - As for {@link oneSecret}, and whose it is: `webhookSecret of stripe()`.
 */
export function secretList(
  option: string,
  value: unknown,
  what: string,
  mistaken?: readonly MistakenSecret[],
): readonly string[] {
  if (!Array.isArray(value)) return [oneSecret(option, value, what, mistaken)];
  if (value.length === 0) throw invalidOption(option, what, value);
  return value.map((secret, at) => oneSecret(option.replace(/ of |$/, `[${at}]$&`), secret, what, mistaken));
}
