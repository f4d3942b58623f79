import type { VerifyContext, WebhookRequest } from "../../src/adapter.js";
import { describeType, invalidOption, RelayError, toRelayError } from "../../src/errors.js";
import { checkHeaderName } from "./options.js";

/** A way to tell whether a webhook is authentic, as `hmacSha256` and its siblings make it. */
export interface WebhookVerifier {
  /** Throws unless the request is authentic. An answer other than undefined or true refuses it as well. */
  verify(request: WebhookRequest, context: VerifyContext): void | Promise<void>;
  /**
   * Headers with the upstream webhook's id, the first one that is present counts. Name only headers that `verify`
   * covers: an id which anybody may set lets one sale be sent twice.
   */
  readonly idHeaders?: readonly string[] | undefined;
}

/**
 * A check of your own: true accepts the webhook. Anything else refuses it, so that a path without a `return` is not an
 * open door; an error that is thrown refuses it too and stays behind as the cause.
 */
export type VerifyFunction = (request: WebhookRequest, context: VerifyContext) => boolean | Promise<boolean>;

/** What the rest of the adapter works with: one function that throws, and the headers that carry the id. */
export interface Verification {
  readonly verify: (request: WebhookRequest, context: VerifyContext) => Promise<void>;
  readonly idHeaders: readonly string[];
}

/**
 * Brings both forms of `verify` into one.
 *
 * @throws RelayError `invalid_options` when it is neither.
 */
export function toVerification(verifier: WebhookVerifier | VerifyFunction): Verification {
  if (typeof verifier === "function") return { verify: guarded(verifier, [true]), idHeaders: [] };
  if (typeof verifier !== "object" || verifier === null || typeof verifier.verify !== "function") {
    throw invalidOption(
      "custom verify",
      "hmacSha256(…), standardWebhooks(…), … or a function of the request",
      verifier,
    );
  }
  const { idHeaders = [] } = verifier;
  if (!Array.isArray(idHeaders)) throw invalidOption("custom verify.idHeaders", "a list of header names", idHeaders);
  for (const [at, name] of idHeaders.entries()) checkHeaderName(`custom verify.idHeaders[${at}]`, name);
  const verify = (request: WebhookRequest, context: VerifyContext) => verifier.verify(request, context);
  return { verify: guarded(verify, [true, undefined]), idHeaders: [...idHeaders] };
}

function guarded(
  check: (request: WebhookRequest, context: VerifyContext) => unknown,
  accepted: readonly unknown[],
): Verification["verify"] {
  return async (request, context) => {
    let answer: unknown;
    try {
      answer = await check(request, context);
    } catch (cause) {
      throw toRelayError(cause, "signature_invalid", "the verify function threw; its error is the cause");
    }
    if (accepted.includes(answer)) return;
    const got = answer === false ? "false" : `${describeType(answer)}; only true accepts a webhook`;
    throw new RelayError("signature_invalid", `the verify function answered ${got}`);
  };
}
