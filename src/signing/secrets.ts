import { invalidOption, RelayError } from "../errors.js";

/**
 * One or several secrets as a list: several during a rotation, or where several endpoints share one URL.
 *
 * @param option - The option's name, for the error message.
 * @param what - What is expected there, such as "the endpoint's signing secret (whsec_…)".
 * @throws RelayError `invalid_options`; it never shows the secret.
 */
export function secretList(option: string, value: unknown, what: string): readonly string[] {
  const secrets: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (secrets.length === 0) throw invalidOption(option, what, value);
  return secrets.map((secret) => {
    if (typeof secret !== "string" || secret === "") throw invalidOption(option, what, secret);
    if (secret !== secret.trim()) {
      throw new RelayError("invalid_options", `${option} begins or ends with white space; paste it again`);
    }
    return secret;
  });
}
