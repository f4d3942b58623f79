import { createRelay } from "affonso-relay";
import { stripe } from "affonso-relay/stripe";
import express from "express";
import Stripe from "stripe";
import type { AppConfig } from "../support/demonstrate.js";

/** An app that had a Stripe route of its own before; the relay is one line in it. */
export function createApp({ affonso, stripeWebhookSecret }: AppConfig) {
  const relay = createRelay({ ...affonso, adapters: [stripe({ webhookSecret: stripeWebhookSecret })] });
  // Signatures are checked without the API key.
  const { webhooks } = new Stripe("sk_test_unused");

  const app = express();
  app.post("/stripe", express.raw({ type: "application/json" }), async (request, response) => {
    let event: Stripe.Event;
    try {
      event = webhooks.constructEvent(request.body, request.get("stripe-signature") ?? "", stripeWebhookSecret);
    } catch {
      response.status(401).end();
      return;
    }
    if (event.type === "invoice.paid") {
      // … what the app always did with it
    }
    // Throws when the endpoint did not take it: Express answers 500, and Stripe sends the webhook again.
    await relay.receiveVerified("stripe", event);
    response.send("ok");
  });
  return app;
}
