import { cpSync } from "node:fs";
import type { RequestListener } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { describeWebhookHandler, type RunningApp } from "../contract/webhook-handler.js";
import { buildBeforeTests, putUnderTest } from "../helpers/built-app.js";
import { listen } from "../helpers/listen.js";
import { recordingLogger, sandboxForTests } from "../helpers/relay.js";
import { invoicePaid, stripeSignature } from "../helpers/webhooks.js";

let handler: RequestListener;
let handlerWithDefaults: RequestListener;

buildBeforeTests(
  {
    files: new URL("sveltekit/", import.meta.url),
    packages: ["@sveltejs/kit", "@sveltejs/adapter-node", "svelte", "vite"],
    build: ["vite/bin/vite.js", "build", "--logLevel", "error"],
  },
  async (folder) => {
    const load = (build: string) => import(pathToFileURL(join(folder, build, "handler.js")).href);
    // Settings are read while the server is loaded, and no module is loaded twice.
    cpSync(join(folder, "build"), join(folder, "build-again"), { recursive: true });
    ({ handler: handlerWithDefaults } = await load("build-again"));
    process.env["BODY_SIZE_LIMIT"] = "2M";
    ({ handler } = await load("build"));
  },
);

describeWebhookHandler("the fetch handler on SvelteKit", {
  refusesMethods: "framework",
  refusesForms: "framework",
  start(relay, { maxBodyBytes }) {
    putUnderTest(relay, { maxBodyBytes });
    return listen(handler);
  },
  startAfterJsonParser(relay) {
    putUnderTest(relay);
    return listen(handler, "/cloned");
  },
  startBehindJsonParser(relay) {
    putUnderTest(relay);
    return listen(handler, "/parsed");
  },
});

describe("SvelteKit in particular", async () => {
  const { relay, sandbox } = await sandboxForTests();
  let running: RunningApp | undefined;
  afterEach(async () => running?.close());

  const send = async (listener: RequestListener, body: Uint8Array<ArrayBuffer>, init: RequestInit = {}) => {
    running = await listen(listener);
    const headers = { "stripe-signature": stripeSignature(Buffer.from(body).toString()), ...init.headers };
    return fetch(`${running.url}/webhooks/stripe`, { method: "POST", body, ...init, headers });
  };
  const invoice = (overrides = {}) => new TextEncoder().encode(invoicePaid("one", overrides));

  it.each([
    ["with its length", {}],
    ["in chunks", { duplex: "half" }],
  ])(
    "answers 413 to half a MiB sent %s as long as BODY_SIZE_LIMIT is the default, and the log says why",
    async (_what, more) => {
      const { logger, lines } = recordingLogger();
      putUnderTest(relay({ logger }));
      const bytes = invoice({ note: "x".repeat(512 * 1024) });
      const body = "duplex" in more ? new Blob([bytes]).stream() : bytes;
      const headers = { "content-type": "application/json" };
      const response = await send(handlerWithDefaults, bytes, { headers, body, ...more } as RequestInit);
      expect([response.status, await response.json()]).toEqual([413, { error: { code: "body_too_large" } }]);
      expect(lines).toMatchObject([{ message: expect.stringMatching(/limit of the framework.*limit of 524288/i) }]);
    },
  );

  it.each(["text/plain", "application/x-www-form-urlencoded"])(
    "answers 403 itself to %s from elsewhere",
    async (type) => {
      putUnderTest(relay());
      const response = await send(handler, invoice(), { headers: { "content-type": type } });
      expect([response.status, sandbox.requests]).toEqual([403, []]);
    },
  );

  it("shows no body where there is no content-type, so no signature fits", async () => {
    putUnderTest(relay());
    expect((await send(handler, invoice())).status).toBe(401);
  });
});
