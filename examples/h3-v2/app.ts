import { createRelay } from "affonso-relay";
import { createFetchHandler } from "affonso-relay/fetch";
import { stripe } from "affonso-relay/stripe";
import { H3 } from "h3";
import type { AppConfig } from "../support/demonstrate.js";

/** An app on h3 2, whose events have the `Request` itself. */
export function createWebhookApp({ affonso, stripeWebhookSecret }: AppConfig) {
  const relay = createRelay({ ...affonso, adapters: [stripe({ webhookSecret: stripeWebhookSecret })] });
  const handleWebhook = createFetchHandler(relay);

  const app = new H3();
  app.all("/webhooks/:source", (event) => handleWebhook(event.req));
  return app;
}
