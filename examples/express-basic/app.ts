import { createRelay, type Outbox, type RelayHooks } from "affonso-relay";
import { custom, hmacSha256 } from "affonso-relay/custom";
import { createExpressMiddleware } from "affonso-relay/express";
import { paddle } from "affonso-relay/paddle";
import { stripe } from "affonso-relay/stripe";
import express from "express";
import * as z from "zod";

export interface AppConfig {
  readonly affonso: { readonly baseUrl: string; readonly apiKey: string; readonly signingSecret: string };
  readonly stripeWebhookSecret: string;
  readonly paddleWebhookSecret: string;
  readonly billingWebhookSecret: string;
  /** Where webhooks are kept until the endpoint has them. */
  readonly outbox: Outbox;
  readonly on?: RelayHooks;
}

/** What our own billing system sends when somebody books a demo. */
const demoBooked = z.object({
  id: z.string(),
  type: z.literal("demo.booked"),
  user: z.object({ id: z.string() }),
  referral: z.string().optional(),
  booked_at: z.iso.datetime(),
});

/** An Express app that takes webhooks of Stripe, of Paddle and of a billing system of our own. */
export function createApp(config: AppConfig) {
  const relay = createRelay({
    ...config.affonso,
    outbox: config.outbox,
    on: config.on,
    adapters: [
      // In production leave testMode out: test events then stay away from real commissions.
      stripe({ webhookSecret: config.stripeWebhookSecret, testMode: "forward" }),
      paddle({ webhookSecret: config.paddleWebhookSecret }),
      custom({
        name: "billing",
        verify: hmacSha256({ header: "x-billing-signature", secret: config.billingWebhookSecret }),
        schema: demoBooked,
        normalize: (event) => ({
          name: "demo_booked",
          type: "lead",
          externalEventId: event.id,
          identity: { referralId: event.referral, externalUserId: event.user.id },
          occurredAt: event.booked_at,
        }),
      }),
    ],
    mappings: {
      products: { prod_QkAnalytics: "analytics", pro_01hanalytics: "analytics" },
      prices: { price_1QAnalyticsMonthly: "analytics-monthly" },
    },
  });

  const app = express();
  // Before express.json(): the signature is over the bytes as they came.
  app.use("/webhooks", createExpressMiddleware(relay));
  app.use(express.json());
  app.get("/health", (_request, response) => {
    response.json({ ok: true });
  });
  return { app, relay };
}
