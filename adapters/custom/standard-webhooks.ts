import { assertKnownKeys, assertOneOf } from "../../src/errors.js";
import { type Secrets, secretList } from "../../src/signing/secrets.js";
import {
  createStandardWebhooksVerifier,
  STANDARD_WEBHOOKS_ID_HEADERS,
  type StandardWebhooksEncoding,
} from "../../src/signing/standard-webhooks.js";
import { checkTolerance } from "./options.js";
import type { WebhookVerifier } from "./verifier.js";

/** What {@link standardWebhooks} is given. */
export interface StandardWebhooksOptions {
  /** The endpoint's secret (`whsec_…`), or several of which any may have signed (rotation, several endpoints). */
  readonly secret: Secrets;
  /**
   * How the secret's text becomes key bytes: base64 after `whsec_`, as the specification says, or every character of
   * it, `whsec_` included, as Polar does. @default "base64"
   */
  readonly encoding?: StandardWebhooksEncoding | undefined;
  /** Seconds by which `webhook-timestamp` may lie in the past or in the future. @default 300 */
  readonly toleranceSeconds?: number | undefined;
}

/**
 * Verifies by the Standard Webhooks specification (Dodo, Polar) and by Svix's headers (Clerk). The webhook's id becomes
 * the `externalEventId` of an event that has none.
 *
 * Only `v1` (HMAC-SHA256) signatures are looked at; `v1a` and others never accept a webhook.
 *
 * @throws RelayError `invalid_options`; the verifier itself throws `signature_invalid`.
 * @see https://www.standardwebhooks.com
 */
export function standardWebhooks(options: StandardWebhooksOptions): WebhookVerifier {
  assertKnownKeys("standardWebhooks", options, ["secret", "encoding", "toleranceSeconds"]);
  const { secret, encoding = "base64", toleranceSeconds } = options;
  assertOneOf("standardWebhooks encoding", encoding, ["base64", "utf8"]);
  return Object.freeze({
    verify: createStandardWebhooksVerifier({
      secrets: secretList("standardWebhooks secret", secret, "the endpoint's secret (whsec_…), or a list of them"),
      encoding,
      toleranceSeconds: checkTolerance("standardWebhooks toleranceSeconds", toleranceSeconds),
    }),
    idHeaders: STANDARD_WEBHOOKS_ID_HEADERS,
  });
}
