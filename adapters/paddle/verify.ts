import { bodyBytes, headerOf, type VerifyContext, type WebhookRequest } from "../../src/adapter.js";
import { RelayError } from "../../src/errors.js";
import { type MistakenSecret, secretList } from "../../src/signing/secrets.js";
import { createTimestampedVerify, type TimestampedScheme } from "../../src/signing/timestamped-signature.js";

/** Paddle Billing's scheme, by https://developer.paddle.com/webhooks/about/signature-verification */
const SCHEME: TimestampedScheme = {
  header: "Paddle-Signature",
  separator: ";",
  timestampKey: "ts",
  signatureKey: "h1",
  joint: ":",
  hint: "is it the secret of this destination (each notification destination has its own, sandbox and live too)",
};

/** By how they begin: https://developer.paddle.com/api-reference/about/authentication */
const MISTAKEN: readonly MistakenSecret[] = [
  [/^pdl_(?:live_|sdbx_)?apikey_/, "an API key"],
  [/^whsec_/, "a secret of Stripe's or of Standard Webhooks"],
  [/^ntfset_/, "the destination's id, which is no secret"],
  [/^(?:live|test)_[0-9a-z]{20,}$/, "a client-side token"],
  [/[^\x21-\x7e]/, "text with white space or invisible characters (a copy-paste slip)"],
];

/**
 * A function that refuses every request which Paddle Billing did not sign with one of the secrets.
 *
 * @param webhookSecret - Secret keys of notification destinations (`pdl_ntfset_…`).
 * @throws RelayError `invalid_options`; the function throws `signature_invalid`, and `unsupported_webhook` for a webhook
 * of Paddle Classic.
 */
export function createVerify(webhookSecret: unknown, toleranceSeconds: number) {
  const wanted = "the secret key of the notification destination (pdl_ntfset_…, in Developer tools > Notifications)";
  const secrets = secretList("webhookSecret of paddle()", webhookSecret, wanted, MISTAKEN);
  const verify = createTimestampedVerify(SCHEME, secrets, toleranceSeconds);
  return async (request: WebhookRequest, context: VerifyContext): Promise<void> => {
    if (!headerOf(request.headers, SCHEME.header)) refuseClassic(request);
    await verify(request, context);
  };
}

// Classic sends a form with its signature among the fields: https://developer.paddle.com/webhook-reference/verifying-webhooks
function refuseClassic(request: WebhookRequest): void {
  const body = new TextDecoder().decode(bodyBytes(request));
  if (/^\s*[{[]/.test(body) || !/(?:^|&)(?:p_signature|alert_name)=/.test(body)) return;
  throw new RelayError(
    "unsupported_webhook",
    "this is a webhook of Paddle Classic, and this adapter takes those of Paddle Billing; " +
      "see https://developer.paddle.com/migrate/learn, or map it with the custom adapter",
  );
}
