import { createRelay } from "affonso-relay";
import { createFetchHandler } from "affonso-relay/fetch";
import { stripe } from "affonso-relay/stripe";
import { createApp, createRouter, defineEventHandler, toWebRequest } from "h3v1"; // "h3" in a project of your own
import type { AppConfig } from "../support/demonstrate.js";

/** An app on h3 1, as Nuxt 3 and 4 have it inside. */
export function createWebhookApp({ affonso, stripeWebhookSecret }: AppConfig) {
  const relay = createRelay({ ...affonso, adapters: [stripe({ webhookSecret: stripeWebhookSecret })] });
  const handleWebhook = createFetchHandler(relay);

  const router = createRouter({ preemptive: true });
  // In Nuxt this is the default export of server/routes/webhooks/[source].post.ts.
  router.post(
    "/webhooks/:source",
    defineEventHandler((event) => handleWebhook(toWebRequest(event))),
  );
  return createApp().use(router);
}
