import type { WebhookVerifier } from "./verifier.js";

/**
 * Verifies nothing: whoever reaches the URL can have commissions paid out.
 *
 * For tests, and for a route that only your own code reaches: behind a private network, mutual TLS or a gateway that
 * has verified already. Never on a public URL; a provider that signs nothing (Gumroad) needs a function that asks the
 * provider's API whether the sale is real.
 */
export function unsafeNoVerification(): WebhookVerifier {
  return Object.freeze({ verify() {} });
}
