import { fileURLToPath } from "node:url";
import { demonstrate } from "../support/demonstrate.js";
import { startOn } from "../support/runtime.js";

await demonstrate(async ({ affonso, stripeWebhookSecret }) => {
  const { url, close } = await startOn("deno", [fileURLToPath(new URL("server.ts", import.meta.url))], {
    PORT: "0",
    AFFONSO_API_KEY: affonso.apiKey,
    AFFONSO_SIGNING_SECRET: affonso.signingSecret,
    AFFONSO_BASE_URL: affonso.baseUrl,
    STRIPE_WEBHOOK_SECRET: stripeWebhookSecret,
  });
  return { url: `${url}/webhooks/stripe`, close };
});
