import { demonstrate, listen } from "../support/demonstrate.js";

await demonstrate(async ({ affonso, stripeWebhookSecret }) => {
  Object.assign(process.env, {
    AFFONSO_API_KEY: affonso.apiKey,
    AFFONSO_BASE_URL: affonso.baseUrl,
    AFFONSO_SIGNING_SECRET: affonso.signingSecret,
    STRIPE_WEBHOOK_SECRET: stripeWebhookSecret,
  });
  // The relay is made from them when the routes are loaded.
  const { listener } = await import("./server.js");
  return listen(listener, "/webhooks/stripe");
});
