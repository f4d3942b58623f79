import { createRelay, referralFrom } from "affonso-relay";
import { createExpressMiddleware } from "affonso-relay/express";
import { stripe, withReferral } from "affonso-relay/stripe";
import express from "express";
import type Stripe from "stripe";
import type { AppConfig } from "../support/demonstrate.js";

interface ShopConfig extends AppConfig {
  readonly stripeClient: Stripe;
}

/** An app that sells a subscription: the visitor's referral goes into the checkout, and comes back on each invoice. */
export function createApp({ affonso, stripeWebhookSecret, stripeClient }: ShopConfig) {
  const relay = createRelay({ ...affonso, adapters: [stripe({ webhookSecret: stripeWebhookSecret })] });

  const app = express();
  app.use("/webhooks", createExpressMiddleware(relay));
  app.post("/checkout", async (request, response) => {
    const session = await stripeClient.checkout.sessions.create(
      withReferral(
        {
          mode: "subscription",
          line_items: [{ price: "price_pro_monthly", quantity: 1 }],
          success_url: "https://shop.example/welcome",
        },
        referralFrom(request),
      ),
    );
    response.redirect(303, session.url ?? "/");
  });
  return app;
}
