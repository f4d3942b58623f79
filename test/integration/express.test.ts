import { once } from "node:events";
import type { AddressInfo } from "node:net";
import express5 from "express";
import express4 from "express4";
import { afterEach, describe, expect, it } from "vitest";
import { captureRawBody, createExpressHandler, createExpressMiddleware } from "../../src/http/express.js";
import { describeWebhookHandler, type RunningApp } from "../contract/webhook-handler.js";
import { sandboxForTests } from "../helpers/relay.js";
import { invoicePaid, stripeSignature } from "../helpers/webhooks.js";

// The types of Express 5 stand for both: the tests use what both have.
const versions = [
  ["Express 5", express5],
  ["Express 4", express4 as unknown as typeof express5],
] as const;

async function listen(app: ReturnType<typeof express5>): Promise<RunningApp> {
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

for (const [name, express] of versions) {
  const echo = (request: { body: unknown }, response: { json(body: unknown): unknown }) =>
    void response.json(request.body);

  describeWebhookHandler(name, {
    refusesSources: "framework",
    start(relay, { basePath = "/webhooks", maxBodyBytes }) {
      const app = express();
      app.use(basePath, createExpressMiddleware(relay, { maxBodyBytes }));
      app.use(express.json());
      app.post("/echo", echo);
      return listen(app);
    },
    startAfterJsonParser(relay) {
      const app = express();
      app.use(express.json({ verify: captureRawBody }));
      app.use("/webhooks", createExpressMiddleware(relay));
      app.post("/echo", echo);
      return listen(app);
    },
    startBehindJsonParser(relay) {
      const app = express();
      app.use(express.json());
      app.use("/webhooks", createExpressMiddleware(relay));
      return listen(app);
    },
  });

  describe(`${name} in particular`, async () => {
    const { sandbox, relay } = await sandboxForTests();
    let running: RunningApp | undefined;
    afterEach(async () => running?.close());

    const send = async (app: ReturnType<typeof express5>, path: string, init: RequestInit & { body?: string } = {}) => {
      running = await listen(app);
      const body = init.body ?? invoicePaid("one");
      const headers = { "content-type": "application/json", "stripe-signature": stripeSignature(body) };
      return fetch(`${running.url}${path}`, { method: "POST", headers, ...init, body });
    };

    it.each([
      ["express.raw()", () => express.raw({ type: "*/*" })],
      ["express.text()", () => express.text({ type: "*/*" })],
    ])("takes the body that %s left", async (_what, parser) => {
      const app = express();
      app.use(parser());
      app.use("/webhooks", createExpressMiddleware(relay()));
      expect((await send(app, "/webhooks/stripe")).status).toBe(200);
    });

    it("reads a request that a middleware in front has paused", async () => {
      const app = express();
      app.use((request, _response, next) => {
        request.pause();
        next();
      });
      app.use("/webhooks", createExpressMiddleware(relay()));
      expect((await send(app, "/webhooks/stripe")).status).toBe(200);
    });

    it("answers 413 to a body that express.raw() let through", async () => {
      const app = express();
      app.use(express.raw({ type: "*/*" }));
      app.use("/webhooks", createExpressMiddleware(relay(), { maxBodyBytes: 100 }));
      expect((await send(app, "/webhooks/stripe")).status).toBe(413);
    });

    it("reads the body itself where a JSON parser in front passed it over for its content type", async () => {
      const app = express();
      app.use(express.json({ type: "application/vnd.api+json" }));
      app.use("/webhooks", createExpressMiddleware(relay()));
      expect((await send(app, "/webhooks/stripe")).status).toBe(200);
    });

    it("lets any other path below the mount point through", async () => {
      const app = express();
      app.use("/webhooks", createExpressMiddleware(relay()));
      app.post("/webhooks/stripe/old", (_request, response) => void response.send("mine"));
      expect(await (await send(app, "/webhooks/stripe/old")).text()).toBe("mine");
    });

    it("takes a path with a trailing slash and a query", async () => {
      const app = express();
      app.use("/webhooks", createExpressMiddleware(relay()));
      expect((await send(app, "/webhooks/stripe/?x=1")).status).toBe(200);
    });

    it("runs the handler after it with the raw bytes once the webhook was taken", async () => {
      const app = express();
      app.post("/hook", createExpressHandler(relay(), "stripe", { onReceived: "next" }), (request, response) => {
        response
          .status(202)
          .json({ same: request.body.equals(Reflect.get(request, "rawBody")), text: String(request.body) });
      });
      const body = invoicePaid("next");
      const response = await send(app, "/hook", { body });
      expect([response.status, await response.json()]).toEqual([202, { same: true, text: body }]);
      expect(sandbox.conversions).toHaveLength(1);
    });

    it("keeps the parsed body for the handler after it where captureRawBody kept the bytes", async () => {
      const app = express();
      app.use(express.json({ verify: captureRawBody }));
      app.post("/hook", createExpressHandler(relay(), "stripe", { onReceived: "next" }), (request, response) => {
        response.json({ type: request.body.type });
      });
      expect(await (await send(app, "/hook")).json()).toEqual({ type: "invoice.paid" });
    });

    it("does not run the handler after it when the webhook was not taken", async () => {
      const app = express();
      let ran = false;
      app.post("/hook", createExpressHandler(relay(), "stripe", { onReceived: "next" }), (_request, response) => {
        ran = true;
        response.end();
      });
      sandbox.faults.next({ status: 503 });
      expect((await send(app, "/hook")).status).toBe(503);
      expect(ran).toBe(false);
    });
  });
}

describe("the options of the Express bindings", async () => {
  const { relay } = await sandboxForTests();

  it.each([
    [
      "an unknown source",
      () => createExpressHandler(relay(), "strip" as never),
      /source must be one of stripe, billing/,
    ],
    [
      "an unknown option",
      () => createExpressMiddleware(relay(), { limit: 1 } as never),
      /no option limit.*maxBodyBytes/,
    ],
    ["a limit of 0", () => createExpressMiddleware(relay(), { maxBodyBytes: 0 }), /maxBodyBytes must be/],
    [
      "onReceived",
      () => createExpressHandler(relay(), "stripe", { onReceived: "end" as never }),
      /"respond" or "next"/,
    ],
  ])("refuse %s", (_what, make, message) => {
    expect(make).toThrow(message);
  });
});
