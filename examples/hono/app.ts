import { createRelay } from "affonso-relay";
import { createHonoHandler } from "affonso-relay/hono";
import { stripe } from "affonso-relay/stripe";
import { Hono } from "hono";
import type { AppConfig } from "../support/demonstrate.js";

/** A Hono app that takes webhooks beside its own routes, whatever it runs on. */
export function createApp({ affonso, stripeWebhookSecret }: AppConfig) {
  const relay = createRelay({ ...affonso, adapters: [stripe({ webhookSecret: stripeWebhookSecret })] });

  const app = new Hono();
  app.all("/webhooks/:source", createHonoHandler(relay));
  app.post("/echo", async (context) => context.json(await context.req.json()));
  return app;
}
