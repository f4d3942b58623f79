import { fromHex, utf8Bytes } from "../signing/encoding.js";
import { anyHmacMatches, createHmac, type HmacSigner } from "../signing/hmac.js";
import { checkTimestamp, DEFAULT_TOLERANCE_SECONDS } from "../signing/timestamp.js";
import { ApiError } from "./api-error.js";

/** How requests that change money must be signed. */
export interface SandboxSigning {
  /** The team's signing secret, used as it is: no prefix is cut off. */
  readonly secret: string;
  /** Whether an unsigned request is refused. When false, a signature is checked where there is one. @default true */
  readonly required?: boolean | undefined;
  /** Seconds by which the timestamp may lie in the past or in the future. @default 300 */
  readonly toleranceSeconds?: number | undefined;
}

/** What a signature is checked on. */
export interface SignedRequest {
  readonly body: Uint8Array;
  header(name: string): string | undefined;
}

/** Throws `UNAUTHORIZED` unless the request is signed as it must be. */
export type SignatureCheck = (request: SignedRequest, nowMs: number) => Promise<void>;

/** The check for one team's settings; without settings, signatures are ignored. */
export function createSignatureCheck(signing: SandboxSigning | undefined): SignatureCheck {
  if (signing === undefined) return async () => {};
  const { secret, required = true, toleranceSeconds = DEFAULT_TOLERANCE_SECONDS } = signing;
  const hmac = createHmac("SHA-256", utf8Bytes(secret));

  return async (request, nowMs) => {
    const timestamp = request.header("x-affonso-timestamp");
    const signature = request.header("x-affonso-signature");
    if (!required && timestamp === undefined && signature === undefined) return;
    if (timestamp === undefined || signature === undefined) {
      throw new ApiError("UNAUTHORIZED", "The request must carry X-Affonso-Timestamp and X-Affonso-Signature");
    }
    checkAge(timestamp, toleranceSeconds, nowMs);
    if (!(await matches(hmac, timestamp, signature, request.body))) {
      throw new ApiError("UNAUTHORIZED", "X-Affonso-Signature does not match the request's body");
    }
  };
}

function checkAge(timestamp: string, toleranceSeconds: number, nowMs: number): void {
  try {
    checkTimestamp(timestamp, toleranceSeconds, nowMs);
  } catch {
    throw new ApiError("UNAUTHORIZED", `X-Affonso-Timestamp must be unix seconds within ${toleranceSeconds} s of now`);
  }
}

async function matches(hmac: HmacSigner, timestamp: string, signature: string, body: Uint8Array): Promise<boolean> {
  // Lower case and nothing else: a prefix or upper case would be a client that strays from the documented form.
  const bytes = /^[0-9a-f]{64}$/.test(signature) ? fromHex(signature) : undefined;
  return bytes !== undefined && anyHmacMatches([hmac], [`${timestamp}.`, body], [bytes]);
}
