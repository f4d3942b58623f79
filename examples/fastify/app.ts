import { createRelay } from "affonso-relay";
import { createFastifyPlugin } from "affonso-relay/fastify";
import { stripe } from "affonso-relay/stripe";
import Fastify from "fastify";
import type { AppConfig } from "../support/demonstrate.js";

/** An app on Fastify: POST /webhooks/stripe is the relay's, any other route the app's, with its bodies parsed. */
export function createApp({ affonso, stripeWebhookSecret }: AppConfig) {
  const relay = createRelay({ ...affonso, adapters: [stripe({ webhookSecret: stripeWebhookSecret })] });

  const app = Fastify();
  app.register(createFastifyPlugin(relay), { prefix: "/webhooks" });
  app.addHook("onReady", () => relay.start());
  app.addHook("onClose", () => relay.stop());
  app.post("/echo", async (request) => request.body);
  return app;
}
