import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Miniflare, NoOpLog, supportedCompatibilityDate } from "miniflare";
import { afterAll, describe, expect, it } from "vitest";
import type { RunningProcess } from "../../examples/support/runtime.js";
import { sandboxForTests } from "../helpers/relay.js";
import { type Environment, environmentOf } from "./runtimes/environment.js";
import { describeRuntime, postInvoice } from "./runtimes/suite.js";

/** A worker as Wrangler would bundle it: https://developers.cloudflare.com/workers/wrangler/bundling/ */
async function bundle(file: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(file, import.meta.url))],
    bundle: true,
    format: "esm",
    platform: "browser",
    conditions: ["workerd", "worker", "browser"],
    write: false,
    logLevel: "error",
  });
  return outputFiles.map(({ text }) => text).join("");
}

const alive = new Set<Miniflare>();
afterAll(() => Promise.all([...alive].map((miniflare) => miniflare.dispose())));

/** The real workerd, its newest behaviour, and no flag that brings Node's modules. */
async function serve(script: string, environment: Environment): Promise<RunningProcess> {
  const log = new PassThrough({ objectMode: true });
  const messages = log[Symbol.asyncIterator]();
  const miniflare = new Miniflare({
    modules: true,
    script,
    compatibilityDate: supportedCompatibilityDate,
    compatibilityFlags: [],
    bindings: { ...environment },
    host: "127.0.0.1",
    port: 0,
    log: new NoOpLog(),
    handleStructuredLogs: ({ message }: { message: string }) => void log.write(message),
  });
  alive.add(miniflare);
  const { origin } = await miniflare.ready;
  return {
    url: origin,
    async printed(pattern) {
      for (let message = await messages.next(); !message.done; message = await messages.next()) {
        if (pattern.test(message.value)) return message.value;
      }
      throw new Error(`workerd ended without ${pattern}`);
    },
    async close() {
      alive.delete(miniflare);
      await miniflare.dispose();
      log.end();
    },
  };
}

const scripts = { fetch: await bundle("workers/worker.ts"), hono: await bundle("workers/hono.ts") };

describeRuntime("Cloudflare's workerd", (environment) => serve(scripts.fetch, environment));
describeRuntime("Hono on Cloudflare's workerd", (environment) => serve(scripts.hono, environment));

describe("Cloudflare's workerd in particular", async () => {
  const { sandbox, settings } = await sandboxForTests();

  it("answers what the endpoint said, and ends with its answer: nothing is left for waitUntil", async () => {
    const worker = await serve(scripts.fetch, environmentOf(settings));
    sandbox.faults.next({ status: 500 });
    const refused = await postInvoice(worker, "whole");
    const taken = await postInvoice(worker, "whole");
    const known = sandbox.conversions.length;
    await worker.close();
    expect([refused.status, taken.status, known]).toEqual([503, 200, 1]);
    expect(sandbox.requests).toHaveLength(2);
  });
});
