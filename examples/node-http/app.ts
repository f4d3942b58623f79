import { createServer } from "node:http";
import { createRelay } from "affonso-relay";
import { createNodeMiddleware } from "affonso-relay/node";
import { stripe } from "affonso-relay/stripe";
import type { AppConfig } from "../support/demonstrate.js";

/** A server without any framework: the relay takes its webhooks, and the app what else there is. */
export function createApp({ affonso, stripeWebhookSecret }: AppConfig) {
  const relay = createRelay({ ...affonso, adapters: [stripe({ webhookSecret: stripeWebhookSecret })] });
  const webhooks = createNodeMiddleware(relay, { basePath: "/webhooks" });

  return createServer((request, response) => {
    webhooks(request, response, () => {
      response.end("hello");
    });
  });
}
