import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type AppConfig, demonstrate, type RunningApp } from "../support/demonstrate.js";

const folder = fileURLToPath(new URL("./", import.meta.url));

await demonstrate(startAstroDev);

/** What `astro dev` does, on a free port, with its own words left out. */
async function startAstroDev({ affonso, stripeWebhookSecret }: AppConfig): Promise<RunningApp> {
  Object.assign(process.env, {
    AFFONSO_API_KEY: affonso.apiKey,
    AFFONSO_BASE_URL: affonso.baseUrl,
    AFFONSO_SIGNING_SECRET: affonso.signingSecret,
    STRIPE_WEBHOOK_SECRET: stripeWebhookSecret,
    // Nothing is sent home.
    ASTRO_TELEMETRY_DISABLED: "1",
  });
  const { dev } = await import("astro");
  const server = await dev({ root: folder, logLevel: "silent", server: { host: "127.0.0.1", port: 0 } });
  return {
    url: `http://127.0.0.1:${server.address.port}/webhooks/stripe`,
    async close() {
      await server.stop();
      await Promise.all([".astro", "node_modules"].map((made) => rm(join(folder, made), { recursive: true })));
    },
  };
}
