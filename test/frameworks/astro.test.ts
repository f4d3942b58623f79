import type { RequestListener } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import express, { type RequestHandler } from "express";
import { afterEach, describe, expect, it, vi } from "vitest";
import { describeWebhookHandler, type RunningApp } from "../contract/webhook-handler.js";
import { buildBeforeTests, putUnderTest } from "../helpers/built-app.js";
import { listen } from "../helpers/listen.js";
import { sandboxForTests } from "../helpers/relay.js";
import { invoicePaid, stripeSignature } from "../helpers/webhooks.js";

let handler: RequestListener;

buildBeforeTests(
  {
    files: new URL("astro/", import.meta.url),
    packages: ["astro", "@astrojs/node"],
    build: ["astro/astro.js", "build", "--silent"],
  },
  async (folder) => {
    ({ handler } = await import(pathToFileURL(join(folder, "dist/server/entry.mjs")).href));
  },
);

describeWebhookHandler("the fetch handler on Astro", {
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

describe("Astro in particular", async () => {
  const { relay, sandbox } = await sandboxForTests();
  let running: RunningApp | undefined;
  afterEach(async () => running?.close());

  const send = async (listener: RequestListener, contentType?: string) => {
    putUnderTest(relay());
    running = await listen(listener);
    const body = JSON.stringify(JSON.parse(invoicePaid("indented")), null, 2);
    const headers = { "stripe-signature": stripeSignature(body), ...(contentType && { "content-type": contentType }) };
    return fetch(`${running.url}/webhooks/stripe`, { method: "POST", body: new TextEncoder().encode(body), headers });
  };

  it.each([undefined, "text/plain", "application/x-www-form-urlencoded"])(
    "answers 403 itself to the content-type %s from elsewhere",
    async (contentType) => {
      const response = await send(handler, contentType);
      expect([response.status, sandbox.requests]).toEqual([403, []]);
    },
  );

  it("answers 404 to other methods where the route has POST only", async () => {
    const log = vi.spyOn(console, "info").mockImplementation(() => {});
    putUnderTest(relay());
    running = await listen(handler);
    expect((await fetch(`${running.url}/hooks/in/stripe`)).status).toBe(404);
    expect(String(log.mock.calls)).toMatch(/No API Route handler exists for the method "GET"/);
  });

  it.each<[string, () => RequestHandler]>([
    ["express.json()", () => express.json()],
    ["express.raw()", () => express.raw({ type: "*/*" })],
  ])("makes other bytes of what %s left in front, which no signature fits", async (_what, parser) => {
    const app = express().use(parser()).use(handler);
    expect((await send(app, "application/json")).status).toBe(401);
  });
});
