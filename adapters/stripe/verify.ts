import { type MistakenSecret, secretList } from "../../src/signing/secrets.js";
import { createTimestampedVerify, type TimestampedScheme } from "../../src/signing/timestamped-signature.js";

/** Stripe's scheme, by https://docs.stripe.com/webhooks#verify-manually */
const SCHEME: TimestampedScheme = {
  header: "Stripe-Signature",
  separator: ",",
  timestampKey: "t",
  signatureKey: "v1",
  joint: ".",
  hint: "is it the secret of this endpoint (each endpoint, each mode and `stripe listen` has its own)",
};

const MISTAKEN: readonly MistakenSecret[] = [
  [/^[sr]k_/, "an API key"],
  [/^pk_/, "a publishable key"],
  [/^we_/, "the endpoint's id"],
  [/^pdl_/, "a key of Paddle's"],
];

/**
 * A function that refuses every request which Stripe did not sign with one of the secrets.
 *
 * Our own, and not the SDK's: that one accepts timestamps from the future, and bytes other than those that were signed.
 *
 * @param webhookSecret - Signing secrets of webhook endpoints (`whsec_…`).
 * @throws RelayError `invalid_options`; the function throws `signature_invalid`.
 */
export function createVerify(webhookSecret: unknown, toleranceSeconds: number) {
  const wanted = "the webhook endpoint's signing secret (whsec_…) or a list of them";
  return createTimestampedVerify(
    SCHEME,
    secretList("webhookSecret of stripe()", webhookSecret, wanted, MISTAKEN),
    toleranceSeconds,
  );
}
