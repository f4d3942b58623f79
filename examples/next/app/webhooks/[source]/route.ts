import { createRelay } from "affonso-relay";
import { createNextRouteHandler } from "affonso-relay/next";
import { stripe } from "affonso-relay/stripe";

const relay = createRelay({
  apiKey: process.env["AFFONSO_API_KEY"],
  signingSecret: process.env["AFFONSO_SIGNING_SECRET"],
  baseUrl: process.env["AFFONSO_BASE_URL"], // leave it out in production
  adapters: [stripe({ webhookSecret: process.env["STRIPE_WEBHOOK_SECRET"] })],
});

/** Takes `POST /webhooks/stripe`. */
export const POST = createNextRouteHandler(relay);
