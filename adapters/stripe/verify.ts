import { bodyBytes, headerOf, type VerifyContext, type WebhookRequest } from "../../src/adapter.js";
import { invalidOption, RelayError } from "../../src/errors.js";
import { fromHex, utf8Bytes } from "../../src/signing/encoding.js";
import { anyHmacMatches, createHmac } from "../../src/signing/hmac.js";
import { secretList } from "../../src/signing/secrets.js";
import { checkTimestamp } from "../../src/signing/timestamp.js";

const HEADER = "Stripe-Signature";
const MAX_HEADER_LENGTH = 4096;
const MAX_CANDIDATES = 16;

/**
 * A function that refuses every request which Stripe did not sign with one of the secrets.
 *
 * Our own, and not the SDK's: that one accepts timestamps from the future, and bytes other than those that were signed.
 *
 * @param webhookSecret - Signing secrets of webhook endpoints (`whsec_…`), the whole text as UTF-8.
 * @throws RelayError `invalid_options`; the function throws `signature_invalid`.
 * @see https://docs.stripe.com/webhooks#verify-manually
 */
export function createVerify(webhookSecret: unknown, toleranceSeconds: number) {
  const secrets = secretList("webhookSecret", webhookSecret, WANTED);
  for (const secret of secrets) {
    const mistaken = MISTAKEN.find(([prefix]) => secret.startsWith(prefix));
    if (mistaken !== undefined) throw invalidOption("webhookSecret", `${WANTED}, not ${mistaken[1]}`, secret);
  }
  const signers = secrets.map((secret) => createHmac("SHA-256", utf8Bytes(secret)));

  return async (request: WebhookRequest, { nowMs }: VerifyContext): Promise<void> => {
    const header = headerOf(request.headers, HEADER);
    if (!header) throw invalid(`the header ${HEADER} is missing: did Stripe send this, and does a proxy drop headers?`);
    const { timestamp, candidates } = parseHeader(header);
    checkTimestamp(timestamp, toleranceSeconds, nowMs);
    if (await anyHmacMatches(signers, [utf8Bytes(`${timestamp}.`), bodyBytes(request)], candidates)) return;
    const tried = signers.length === 1 ? "the one secret given" : `any of the ${signers.length} secrets given`;
    throw invalid(
      `no v1 in ${HEADER} matches the body under ${tried}; is it the secret of this endpoint (each endpoint, each mode ` +
        "and `stripe listen` has its own), and are these the bytes as they came?",
    );
  };
}

const WANTED = "the webhook endpoint's signing secret (whsec_…) or a list of them";

/** What people paste instead, by how it begins. */
const MISTAKEN: readonly (readonly [string, string])[] = [
  ["sk_", "an API key"],
  ["rk_", "an API key"],
  ["pk_", "a publishable key"],
  ["we_", "the endpoint's id"],
];

function parseHeader(header: string): { timestamp: string; candidates: Uint8Array[] } {
  if (header.length > MAX_HEADER_LENGTH) throw invalid(`${HEADER} is longer than ${MAX_HEADER_LENGTH} characters`);
  const timestamps: string[] = [];
  const signatures: string[] = [];
  for (const part of header.split(",")) {
    const equals = part.indexOf("=");
    const key = part.slice(0, Math.max(equals, 0)).trim();
    const value = part.slice(equals + 1).trim();
    if (key === "t") timestamps.push(value);
    // Only v1: v0 is what Stripe sends test events along with, and no scheme may be chosen by the sender.
    if (key === "v1") signatures.push(value);
  }
  const [timestamp, ...others] = timestamps;
  if (timestamp === undefined || others.length > 0) {
    throw invalid(`${HEADER} has ${timestamps.length} timestamps (t) where there must be one`);
  }
  if (signatures.length > MAX_CANDIDATES) {
    throw invalid(`${HEADER} has ${signatures.length} signatures (v1), more than the ${MAX_CANDIDATES} allowed`);
  }
  const candidates = signatures.flatMap((value) => (/^[0-9a-f]{64}$/i.test(value) ? (fromHex(value) ?? []) : []));
  if (candidates.length === 0) throw invalid(`${HEADER} has no v1 of 64 hexadecimal digits`);
  return { timestamp, candidates };
}

function invalid(message: string): RelayError {
  return new RelayError("signature_invalid", message);
}
