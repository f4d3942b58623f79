import { headerOf, type WebhookHeaders } from "../adapter.js";
import { RelayError } from "../errors.js";

/** No provider's signature header comes near it; more is work that a sender wants us to do. */
const MAX_HEADER_LENGTH = 4096;

/** Signatures that one header may carry: a rotation needs two. */
export const MAX_CANDIDATES = 16;

/**
 * The value of a header that a signature check can't do without.
 *
 * @throws RelayError `signature_invalid` when it is missing, empty, or too long to be a signature.
 */
export function requiredHeader(headers: WebhookHeaders, name: string): string {
  const value = headerOf(headers, name);
  if (!value)
    throw invalidSignature(`the header ${name} is missing: did the provider send this, and does a proxy drop headers?`);
  if (value.length <= MAX_HEADER_LENGTH) return value;
  throw invalidSignature(`the header ${name} is longer than ${MAX_HEADER_LENGTH} characters`);
}

/** A refusal. The message is for the log and says which check failed; it never shows what was compared. */
export function invalidSignature(message: string): RelayError {
  return new RelayError("signature_invalid", message);
}
