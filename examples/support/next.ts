import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { AppConfig, RunningApp } from "./demonstrate.js";

/** `next dev` for a folder on a free port, with its secrets in the environment and its own words left out. */
export async function startNextDev(
  folder: string,
  path: string,
  { affonso, stripeWebhookSecret }: AppConfig,
): Promise<RunningApp> {
  const next = createRequire(import.meta.url).resolve("next/dist/bin/next");
  const app = spawn(process.execPath, [next, "dev", "--port", "0"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      // Nothing is sent home, and nothing is installed into this repository.
      NEXT_TELEMETRY_DISABLED: "1",
      NEXT_IGNORE_INCORRECT_LOCKFILE: "1",
      CI: "1",
      AFFONSO_API_KEY: affonso.apiKey,
      AFFONSO_BASE_URL: affonso.baseUrl,
      AFFONSO_SIGNING_SECRET: affonso.signingSecret,
      STRIPE_WEBHOOK_SECRET: stripeWebhookSecret,
    },
  });
  // Also where something fails on the way.
  process.once("exit", () => app.kill());
  return {
    url: `${await localUrlOf(app.stdout)}${path}`,
    async close() {
      app.kill();
      await once(app, "exit");
      await Promise.all([".next", "next-env.d.ts"].map((made) => rm(join(folder, made), { recursive: true })));
    },
  };
}

/** Where the server listens, as it says itself: `- Local: http://localhost:51234`. */
async function localUrlOf(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    const url = /Local:\s+(http:\S+)/.exec(line)?.[1];
    if (url === undefined) continue;
    // What follows is read and dropped, or the server would wait for somebody to read it.
    output.resume();
    return url;
  }
  throw new Error("next dev ended before it listened");
}
