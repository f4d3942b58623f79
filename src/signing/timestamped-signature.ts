import { bodyBytes, type VerifyContext, type WebhookRequest } from "../adapter.js";
import { fromHex, utf8Bytes } from "./encoding.js";
import { anyHmacMatches, createHmac } from "./hmac.js";
import { invalidSignature, MAX_CANDIDATES, requiredHeader } from "./signature-header.js";
import { checkTimestamp } from "./timestamp.js";

/** One header with a timestamp and signatures in it, such as `t=1700000000,v1=5257a8…`, over timestamp and body. */
export interface TimestampedScheme {
  readonly header: string;
  /** Stands between the header's parts. */
  readonly separator: "," | ";";
  readonly timestampKey: string;
  /** The one scheme that counts; signatures of any other are ignored, since the sender must not choose. */
  readonly signatureKey: string;
  /** Stands between the timestamp and the body in what is signed. */
  readonly joint: "." | ":";
  /** Whose secret it may be, for the message when none matches. */
  readonly hint: string;
}

/**
 * A function that refuses every request that was not signed, by the scheme, with one of the secrets.
 *
 * @param secrets - Used as UTF-8 text, prefix included.
 * @throws RelayError `signature_invalid` that says which check failed, and shows no signature.
 */
export function createTimestampedVerify(
  scheme: TimestampedScheme,
  secrets: readonly string[],
  toleranceSeconds: number,
) {
  const { header: name, signatureKey, joint, hint } = scheme;
  const signers = secrets.map((secret) => createHmac("SHA-256", utf8Bytes(secret)));
  return async (request: WebhookRequest, { nowMs }: VerifyContext): Promise<void> => {
    const header = requiredHeader(request.headers, name);
    const { timestamp, candidates } = parseHeader(header, scheme);
    checkTimestamp(timestamp, toleranceSeconds, nowMs);
    if (await anyHmacMatches(signers, [timestamp + joint, bodyBytes(request)], candidates)) return;
    const tried = signers.length === 1 ? "the one secret given" : `any of the ${signers.length} secrets given`;
    throw invalidSignature(
      `no ${signatureKey} in ${name} matches the body under ${tried}; ${hint}, and are these the bytes as they came?`,
    );
  };
}

/** Of SHA-256. */
const HEX_DIGITS = 64;

function parseHeader(header: string, scheme: TimestampedScheme): { timestamp: string; candidates: Uint8Array[] } {
  const { header: name, separator, timestampKey, signatureKey } = scheme;
  // Node joins a header that came twice with a comma.
  if (separator !== "," && header.includes(",")) throw invalidSignature(`${name} came more than once`);
  const timestamps: string[] = [];
  const signatures: string[] = [];
  for (const padded of header.split(separator)) {
    // Around a part blanks may stand, as in any header's list; within one they are another spelling, which nobody sends.
    const part = padded.trim();
    const equals = part.indexOf("=");
    const key = part.slice(0, Math.max(equals, 0));
    if (key === timestampKey) timestamps.push(part.slice(equals + 1));
    else if (key === signatureKey) signatures.push(part.slice(equals + 1));
  }
  const [timestamp, ...others] = timestamps;
  if (timestamp === undefined || others.length > 0) {
    throw invalidSignature(
      `${name} has ${timestamp === undefined ? "no" : "several"} timestamps (${timestampKey}); there must be one`,
    );
  }
  if (signatures.length > MAX_CANDIDATES) {
    throw invalidSignature(`${name} has more than the ${MAX_CANDIDATES} signatures (${signatureKey}) allowed`);
  }
  const candidates = signatures.flatMap((value) => (value.length === HEX_DIGITS ? (fromHex(value) ?? []) : []));
  if (candidates.length === 0)
    throw invalidSignature(`${name} has no ${signatureKey} of ${HEX_DIGITS} hexadecimal digits`);
  return { timestamp, candidates };
}
