import { createRelay } from "affonso-relay";
import { createNextApiHandler } from "affonso-relay/next";
import { stripe } from "affonso-relay/stripe";

const relay = createRelay({
  apiKey: process.env["AFFONSO_API_KEY"],
  signingSecret: process.env["AFFONSO_SIGNING_SECRET"],
  baseUrl: process.env["AFFONSO_BASE_URL"], // leave it out in production
  adapters: [stripe({ webhookSecret: process.env["STRIPE_WEBHOOK_SECRET"] })],
});

/** Leaves the bytes to the relay. Next.js reads this from the text of the file: it can't be imported. */
export const config = { api: { bodyParser: false } };

/** Takes `POST /api/webhooks/stripe`. */
export default createNextApiHandler(relay);
