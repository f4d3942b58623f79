import { invalidOption, misconfigured } from "../errors.js";

/**
 * One secret or several. A type that takes `process.env.X` as it is: where that is undefined, or empty, the app does not
 * start, and the error says which option is missing.
 */
export type Secrets = string | undefined | readonly (string | undefined)[];

/** What people paste in place of a secret, and what to call it. */
export type MistakenSecret = readonly [pattern: RegExp, what: string];

/**
 * One or several secrets as a list: several during a rotation, or where several endpoints share one URL.
 *
 * @param option - The option's name, for the error message, and whose it is: `webhookSecret of stripe()`.
 * @param what - What is expected there, such as "the endpoint's signing secret (whsec_…)".
 * @param mistaken - What is often pasted there instead.
 * @throws RelayError `invalid_options`; it never shows the secret.
 */
export function secretList(
  option: string,
  value: unknown,
  what: string,
  mistaken: readonly MistakenSecret[] = [],
): readonly string[] {
  const secrets: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (secrets.length === 0) throw invalidOption(option, what, value);
  return secrets.map((secret, at) => {
    const place = Array.isArray(value) ? option.replace(/ of |$/, `[${at}]$&`) : option;
    if (secret === undefined) {
      throw misconfigured(`${place} must be ${what}, got undefined: is its environment variable set?`);
    }
    if (typeof secret !== "string" || secret === "") throw invalidOption(place, what, secret);
    if (/^\s|\s$|^(["']).*\1$/.test(secret)) {
      throw misconfigured(`${place} begins or ends with white space or quotes; paste it without`);
    }
    const slip = mistaken.find(([pattern]) => pattern.test(secret));
    if (slip !== undefined) throw misconfigured(`${place} must be ${what}, and this is ${slip[1]}`);
    return secret;
  });
}
