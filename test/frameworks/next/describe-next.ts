import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Relay } from "../../../src/relay.js";
import { describeWebhookHandler, type RunningApp } from "../../contract/webhook-handler.js";
import { listen } from "../../helpers/listen.js";
import { sandboxForTests } from "../../helpers/relay.js";
import { invoicePaid, STRIPE_SECRET, stripeSignature } from "../../helpers/webhooks.js";
import { buildNextApp, type NextApp } from "./next-app.js";

/** Both routers of one version of Next.js: built once, and served in this process. */
export function describeNext(name: string, version: "next" | "next15"): void {
  let app: NextApp | undefined;
  beforeAll(async () => {
    app = await buildNextApp(version);
  }, 300_000);
  // The copy of Next.js 15 is 400 MB, which a busy machine takes its time to remove.
  afterAll(() => app?.close(), 120_000);

  /** A server of the fixture's routes below `prefix`. */
  function serve(prefix: string, relay: Relay, maxBodyBytes?: number): Promise<RunningApp> {
    globalThis.served = { relay, options: { maxBodyBytes } };
    return listen((request, response) => {
      request.url = `${prefix}${request.url}`;
      void app?.handle(request, response);
    });
  }

  describeWebhookHandler(`a route handler of ${name}`, {
    start: (relay, { maxBodyBytes }) => serve("", relay, maxBodyBytes),
    startAfterJsonParser: (relay) => serve("/cloned", relay),
    startBehindJsonParser: (relay) => serve("/parsed", relay),
    refusesMethods: "framework",
  });

  describeWebhookHandler(`an API route of ${name}`, {
    start: (relay, { maxBodyBytes }) => serve("/api", relay, maxBodyBytes),
    startAfterJsonParser: (relay) => serve("/api/kept", relay),
    startBehindJsonParser: (relay) => serve("/api/parsed", relay),
    advice: /add `export const config = \{ api: \{ bodyParser: false \} \}`$/,
  });

  describe(`${name} in particular`, async () => {
    const { sandbox, relay, settings } = await sandboxForTests();
    let running: RunningApp | undefined;
    afterEach(async () => {
      vi.unstubAllEnvs();
      await running?.close();
    });

    const send = async (path: string, { body = invoicePaid("one"), contentType = "application/json" } = {}) => {
      running = await serve("", relay());
      const headers = { "content-type": contentType, "stripe-signature": stripeSignature(body) };
      return fetch(`${running.url}${path}`, { method: "POST", headers, body: Buffer.from(body) });
    };
    const routers = ["/webhooks/stripe", "/api/webhooks/stripe"];

    it.each(routers)("takes the copy of the body that a proxy leaves for %s", async (path) => {
      const body = invoicePaid("copied", { note: "Zoë 💶".repeat(10_000) });
      const response = await send(`${path}?through=proxy`, { body });
      expect([response.status, response.headers.get("x-went-through")]).toEqual([200, "the proxy"]);
      expect(sandbox.conversions).toHaveLength(1);
    });

    it.each(["/from-stripe", "/api/from-stripe"])(
      "goes by the path that was asked for where a rewrite has led %s to the route",
      async (path) => {
        const response = await send(path);
        expect([response.status, await response.json()]).toEqual([404, { error: { code: "unknown_source" } }]);
      },
    );

    it("runs on the edge runtime", async () => {
      vi.stubEnv("AFFONSO_API_KEY", settings.apiKey);
      vi.stubEnv("AFFONSO_BASE_URL", settings.baseUrl);
      vi.stubEnv("AFFONSO_SIGNING_SECRET", settings.signingSecret);
      vi.stubEnv("STRIPE_WEBHOOK_SECRET", STRIPE_SECRET);
      const response = await send("/edge/webhooks/stripe");
      expect([response.status, await response.json()]).toEqual([200, { received: true, status: "delivered" }]);
      expect(sandbox.conversions).toHaveLength(1);
    });

    it("takes text that Next's parser has decoded, where it is the text that was signed", async () => {
      const text = invoicePaid("text", { note: "Zoë 💶" });
      const path = "/api/parsed/webhooks/stripe";
      expect((await send(path, { body: text, contentType: "text/plain" })).status).toBe(200);
      // The parser takes the byte order mark away, and the signature is over it.
      expect((await send(path, { body: `\ufeff${text}`, contentType: "text/plain" })).status).toBe(401);
    });
  });
}
