import { bodyBytes, type WebhookRequest } from "../../src/adapter.js";
import { assertKnownKeys, assertOneOf, invalidOption, RelayError } from "../../src/errors.js";
import { fromBase64, fromCanonicalBase64, fromHex, utf8Bytes } from "../../src/signing/encoding.js";
import { anyHmacMatches, createHmac, type HmacHash } from "../../src/signing/hmac.js";
import { type Secrets, secretList } from "../../src/signing/secrets.js";
import { MAX_CANDIDATES, requiredHeader } from "../../src/signing/signature-header.js";
import { checkHeaderName } from "./options.js";
import { createTimestampReader, type HmacTimestampOptions } from "./timestamp.js";
import type { WebhookVerifier } from "./verifier.js";

/** What {@link hmacSha256} and {@link hmacSha512} are given. */
export interface HmacOptions {
  /** Header with the signature; during a rotation the sender may put several there, with commas between them. */
  readonly header: string;
  /** The shared secret, or several of which any may have signed (rotation, several endpoints). */
  readonly secret: Secrets;
  /** How the signature is written. @default "hex" */
  readonly encoding?: "hex" | "base64" | undefined;
  /** Text before each signature, such as `"sha256="`. @default "" */
  readonly prefix?: string | undefined;
  /** How the secret's text becomes key bytes. @default "utf8" */
  readonly secretEncoding?: "utf8" | "base64" | "hex" | undefined;
  /** Where the signature covers a timestamp before the body. @default the signature covers the body alone */
  readonly timestamp?: HmacTimestampOptions | undefined;
}

const KNOWN = ["header", "secret", "encoding", "prefix", "secretEncoding", "timestamp"] as const;
const HASH_BYTES: Readonly<Record<HmacHash, number>> = { "SHA-256": 32, "SHA-512": 64 };

/**
 * Verifies an HMAC-SHA256 over the raw body, or over `timestamp.body`, that comes in a header.
 *
 * Lemon Squeezy: `{ header: "x-signature" }`. Razorpay: `{ header: "x-razorpay-signature" }`. Shopify:
 * `{ header: "x-shopify-hmac-sha256", encoding: "base64" }`. GitHub: `{ header: "x-hub-signature-256", prefix: "sha256=" }`.
 *
 * @throws RelayError `invalid_options`; the verifier itself throws `signature_invalid`.
 * @see https://www.rfc-editor.org/rfc/rfc2104
 */
export function hmacSha256(options: HmacOptions): WebhookVerifier {
  return hmac("hmacSha256", "SHA-256", options);
}

/**
 * Verifies an HMAC-SHA512, with the options of {@link hmacSha256}. Paystack: `{ header: "x-paystack-signature" }`.
 *
 * @throws RelayError `invalid_options`; the verifier itself throws `signature_invalid`.
 * @see https://www.rfc-editor.org/rfc/rfc2104
 */
export function hmacSha512(options: HmacOptions): WebhookVerifier {
  return hmac("hmacSha512", "SHA-512", options);
}

interface SignatureFormat {
  readonly header: string;
  readonly prefix: string;
  readonly encoding: "hex" | "base64";
  readonly length: number;
}

function hmac(factory: string, hash: HmacHash, options: HmacOptions): WebhookVerifier {
  assertKnownKeys(factory, options, KNOWN);
  const { encoding = "hex", secretEncoding = "utf8", prefix = "" } = options;
  assertOneOf(`${factory} encoding`, encoding, ["hex", "base64"]);
  assertOneOf(`${factory} secretEncoding`, secretEncoding, ["utf8", "base64", "hex"]);
  const format: SignatureFormat = {
    header: checkHeaderName(`${factory} header`, options.header),
    prefix: checkPrefix(`${factory} prefix`, prefix),
    encoding,
    length: HASH_BYTES[hash],
  };
  const secrets = secretList(`${factory} secret`, options.secret, "the shared secret, or a list of them");
  const signers = secrets.map((secret) => createHmac(hash, keyBytes(`${factory} secret`, secret, secretEncoding)));
  const readTimestamp =
    options.timestamp === undefined ? undefined : createTimestampReader(`${factory} timestamp`, options.timestamp);

  return Object.freeze({
    async verify(request: WebhookRequest, context: { readonly nowMs: number }) {
      const candidates = readCandidates(request, format);
      const signedPrefix = readTimestamp?.(request, context.nowMs) ?? "";
      if (await anyHmacMatches(signers, [signedPrefix, bodyBytes(request)], candidates)) return;
      throw new RelayError(
        "signature_invalid",
        `no signature in header ${format.header} matches; check that the secret is this endpoint's, and that the ` +
          "body's bytes reach the relay unchanged",
      );
    },
  });
}

function readCandidates(request: WebhookRequest, format: SignatureFormat): Uint8Array[] {
  const { header, prefix, encoding, length } = format;
  const entries = requiredHeader(request.headers, header).split(",");
  if (entries.length > MAX_CANDIDATES) {
    throw new RelayError("signature_invalid", `header ${header} carries more than ${MAX_CANDIDATES} signatures`);
  }
  return entries.map((entry) => {
    if (!entry.startsWith(prefix)) {
      throw new RelayError("signature_invalid", `header ${header} carries a signature without ${prefix} before it`);
    }
    // A header that came twice is joined with ", ": the blank makes it fail here.
    const text = entry.slice(prefix.length);
    const bytes = encoding === "hex" ? fromHex(text) : fromCanonicalBase64(text);
    if (bytes?.length === length) return bytes;
    throw new RelayError(
      "signature_invalid",
      `header ${header} carries something else than ${encoding} of ${length} bytes; check encoding and prefix`,
    );
  });
}

function keyBytes(option: string, secret: string, encoding: "utf8" | "base64" | "hex"): Uint8Array<ArrayBuffer> {
  if (encoding === "utf8") return utf8Bytes(secret);
  const bytes = encoding === "hex" ? fromHex(secret) : fromBase64(secret);
  if (bytes === undefined) throw invalidOption(option, `${encoding}, as secretEncoding says`, secret);
  return bytes;
}

function checkPrefix(option: string, prefix: unknown): string {
  if (typeof prefix === "string" && /^[\x20-\x2b\x2d-\x7e]{0,64}$/.test(prefix)) return prefix;
  throw invalidOption(option, "at most 64 printable ASCII characters, none of them a comma", prefix);
}
