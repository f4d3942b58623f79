import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { createServer } from "vite";
import { type AppConfig, demonstrate, listen, type RunningApp } from "../support/demonstrate.js";

const folder = fileURLToPath(new URL("./", import.meta.url));

await demonstrate(startViteDev);

/** What `vite dev` does, on a free port, with its own words left out. */
async function startViteDev({ affonso, stripeWebhookSecret }: AppConfig): Promise<RunningApp> {
  Object.assign(process.env, {
    AFFONSO_API_KEY: affonso.apiKey,
    AFFONSO_BASE_URL: affonso.baseUrl,
    AFFONSO_SIGNING_SECRET: affonso.signingSecret,
    STRIPE_WEBHOOK_SECRET: stripeWebhookSecret,
  });
  // SvelteKit looks for svelte.config.js where it was started.
  process.chdir(folder);
  const vite = await createServer({ logLevel: "silent", server: { middlewareMode: true, ws: false } });
  const { url, close } = await listen(vite.middlewares, "/webhooks/stripe");
  return {
    url,
    async close() {
      await close();
      await vite.close();
      await rm(".svelte-kit", { recursive: true });
    },
  };
}
