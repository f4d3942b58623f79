import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import ts from "typescript";
import { demonstrate } from "../support/demonstrate.js";
import type { Env } from "./worker.js";

const wrangler = fileURLToPath(new URL("wrangler.jsonc", import.meta.url));
const { config } = ts.parseConfigFileTextToJson(wrangler, readFileSync(wrangler, "utf8"));

// As `wrangler dev` would do it: bundled, and run on Cloudflare's own runtime.
const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL(config.main, import.meta.url))],
  bundle: true,
  format: "esm",
  platform: "browser",
  conditions: ["workerd", "worker", "browser"],
  write: false,
  logLevel: "error",
});

await demonstrate(async ({ affonso, stripeWebhookSecret }) => {
  const env: Env = {
    AFFONSO_API_KEY: affonso.apiKey,
    AFFONSO_SIGNING_SECRET: affonso.signingSecret,
    AFFONSO_BASE_URL: affonso.baseUrl,
    STRIPE_WEBHOOK_SECRET: stripeWebhookSecret,
  };
  const miniflare = new Miniflare({
    modules: true,
    script: outputFiles.map(({ text }) => text).join(""),
    compatibilityDate: config.compatibility_date,
    bindings: { ...env },
    host: "127.0.0.1",
    port: 0,
  });
  const { origin } = await miniflare.ready;
  return { url: `${origin}/webhooks/stripe`, close: () => miniflare.dispose() };
});
