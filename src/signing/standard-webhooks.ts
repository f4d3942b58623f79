import { bodyBytes, headerOf, type VerifyContext, type WebhookHeaders, type WebhookRequest } from "../adapter.js";
import { invalidOption } from "../errors.js";
import { fromBase64, fromCanonicalBase64, utf8Bytes } from "./encoding.js";
import { anyHmacMatches, createHmac } from "./hmac.js";
import { invalidSignature, MAX_CANDIDATES, requiredHeader } from "./signature-header.js";
import { checkTimestamp } from "./timestamp.js";

/** Headers that carry the webhook's id, by the specification and as Svix sends them. The signature covers both. */
export const STANDARD_WEBHOOKS_ID_HEADERS = ["webhook-id", "svix-id"] as const;

/** How the text of a Standard Webhooks secret becomes key bytes. */
export type StandardWebhooksEncoding = "base64" | "utf8";

/** What {@link createStandardWebhooksVerifier} is given. */
export interface StandardWebhooksVerification {
  /** Any of them may have signed: during a rotation both the old and the new one. */
  readonly secrets: readonly string[];
  readonly encoding: StandardWebhooksEncoding;
  /** Seconds by which `webhook-timestamp` may lie in the past or in the future. */
  readonly toleranceSeconds: number;
}

const MAX_ID_LENGTH = 255;
const SHA256_BYTES = 32;

/**
 * Makes the check of a Standard Webhooks signature, scheme `v1` (HMAC-SHA256 over `id.timestamp.body`).
 *
 * @throws RelayError `invalid_options` at once when a secret is not what `encoding` says; the check itself throws
 * `signature_invalid`.
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function createStandardWebhooksVerifier(
  options: StandardWebhooksVerification,
): (request: WebhookRequest, context: VerifyContext) => Promise<void> {
  const signers = options.secrets.map((secret) => createHmac("SHA-256", keyBytes(secret, options.encoding)));
  const { toleranceSeconds } = options;

  return async (request, { nowMs }) => {
    const family = headerFamily(request.headers);
    const id = requiredHeader(request.headers, `${family}-id`);
    if (id.length > MAX_ID_LENGTH)
      throw invalidSignature(`header ${family}-id is longer than ${MAX_ID_LENGTH} characters`);
    const timestamp = requiredHeader(request.headers, `${family}-timestamp`);
    checkTimestamp(timestamp, toleranceSeconds, nowMs);
    const candidates = readCandidates(request.headers, `${family}-signature`);
    const parts = [`${id}.${timestamp}.`, bodyBytes(request)];
    if (await anyHmacMatches(signers, parts, candidates)) return;
    throw invalidSignature(
      `no v1 signature in header ${family}-signature matches; check that the secret is this endpoint's, that its ` +
        "encoding is right, and that the body's bytes reach the relay unchanged",
    );
  };
}

/** Which three headers to read. Never a mixture: the id that is used later must be the id that was signed. */
function headerFamily(headers: WebhookHeaders): "webhook" | "svix" {
  const has = (family: string) =>
    ["id", "timestamp", "signature"].some((part) => headerOf(headers, `${family}-${part}`) !== undefined);
  return has("svix") && !has("webhook") ? "svix" : "webhook";
}

function readCandidates(headers: WebhookHeaders, name: string): Uint8Array[] {
  const entries = requiredHeader(headers, name).split(" ");
  if (entries.length > MAX_CANDIDATES)
    throw invalidSignature(`header ${name} carries more than ${MAX_CANDIDATES} signatures`);
  // Other schemes (v1a is ed25519) may stand beside v1 and are never a reason to accept.
  const candidates = entries
    .filter((entry) => entry === "v1" || entry.startsWith("v1,"))
    .map((entry) => signatureBytes(entry.slice("v1,".length)));
  if (candidates.length === 0) throw invalidSignature(`header ${name} carries no v1 signature`);
  if (candidates.every((candidate) => candidate !== undefined)) return candidates;
  throw invalidSignature(
    `header ${name} carries a v1 signature that is not base64 of ${SHA256_BYTES} bytes, or came twice`,
  );
}

function signatureBytes(text: string): Uint8Array | undefined {
  const bytes = fromCanonicalBase64(text);
  return bytes?.length === SHA256_BYTES ? bytes : undefined;
}

function keyBytes(secret: string, encoding: StandardWebhooksEncoding): Uint8Array<ArrayBuffer> {
  if (encoding === "utf8") return utf8Bytes(secret);
  const bytes = fromBase64(secret.startsWith("whsec_") ? secret.slice("whsec_".length) : secret);
  if (bytes !== undefined && bytes.length > 0) return bytes;
  throw invalidOption(
    "standardWebhooks secret",
    'base64, with or without whsec_ before it (where the whole text is the key, as at Polar, set encoding: "utf8")',
    secret,
  );
}
