import { createRelay } from "affonso-relay";
import { createFetchHandler } from "affonso-relay/fetch";
import { stripe } from "affonso-relay/stripe";

let handler: ((request: Request) => Promise<Response>) | undefined;

/** Made with the first webhook, since `vite build` loads all routes, and the secrets are not there then. */
export function handleWebhook(request: Request): Promise<Response> {
  handler ??= createFetchHandler(makeRelay());
  return handler(request);
}

function makeRelay() {
  const { AFFONSO_API_KEY, AFFONSO_SIGNING_SECRET, AFFONSO_BASE_URL, STRIPE_WEBHOOK_SECRET } = process.env;
  return createRelay({
    apiKey: AFFONSO_API_KEY,
    signingSecret: AFFONSO_SIGNING_SECRET,
    baseUrl: AFFONSO_BASE_URL, // leave it out in production
    adapters: [stripe({ webhookSecret: STRIPE_WEBHOOK_SECRET })],
  });
}
