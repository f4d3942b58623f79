import { createRelay } from "affonso-relay";
import { createFetchHandler } from "affonso-relay/fetch";
import { stripe } from "affonso-relay/stripe";

const { AFFONSO_API_KEY, AFFONSO_SIGNING_SECRET, AFFONSO_BASE_URL, STRIPE_WEBHOOK_SECRET } = process.env;

const relay = createRelay({
  apiKey: AFFONSO_API_KEY,
  signingSecret: AFFONSO_SIGNING_SECRET,
  baseUrl: AFFONSO_BASE_URL, // leave it out in production
  adapters: [stripe({ webhookSecret: STRIPE_WEBHOOK_SECRET })],
});

export const handleWebhook = createFetchHandler(relay);
