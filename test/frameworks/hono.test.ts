import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { logger } from "hono/logger";
import { validator } from "hono/validator";
import { afterEach, describe, expect, it } from "vitest";
import { createHonoHandler } from "../../src/http/hono.js";
import { describeWebhookHandler, type RunningApp } from "../contract/webhook-handler.js";
import { recordingLogger, sandboxForTests } from "../helpers/relay.js";
import { invoicePaid, stripeSignature } from "../helpers/webhooks.js";

/** An app of any `Bindings` and `Variables`. */
interface HonoApp {
  readonly fetch: (request: Request) => Response | Promise<Response>;
}

async function listen(app: HonoApp): Promise<RunningApp> {
  const server = createAdaptorServer({ fetch: app.fetch }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      if ("closeAllConnections" in server) server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** A middleware that does something with the request, and goes on. */
function reading(read: (request: Parameters<MiddlewareHandler>[0]["req"]) => Promise<unknown>): MiddlewareHandler {
  return async (context, next) => {
    await read(context.req);
    await next();
  };
}

describeWebhookHandler("Hono", {
  start(relay, { basePath = "/webhooks", maxBodyBytes }) {
    const app = new Hono();
    app.all(`${basePath}/:source`, createHonoHandler(relay, undefined, { maxBodyBytes }));
    app.post("/echo", async (context) => context.json(await context.req.json()));
    return listen(app);
  },
  startAfterJsonParser(relay) {
    const app = new Hono();
    app.use(reading((request) => request.json()));
    app.all("/webhooks/:source", createHonoHandler(relay));
    app.post("/echo", async (context) => context.json(await context.req.json()));
    return listen(app);
  },
  startBehindJsonParser(relay) {
    const app = new Hono();
    app.use(reading((request) => request.raw.json()));
    app.all("/webhooks/:source", createHonoHandler(relay));
    return listen(app);
  },
  advice: /before the middleware that reads c\.req\.raw/,
});

describe("Hono in particular", async () => {
  const { sandbox, relay } = await sandboxForTests();
  let running: RunningApp | undefined;
  afterEach(async () => running?.close());

  const send = async (app: HonoApp, path: string, init: RequestInit & { body?: string } = {}) => {
    running = await listen(app);
    const body = init.body ?? invoicePaid("one", { note: "Zoë 💶" });
    const headers = { "content-type": "application/json", "stripe-signature": stripeSignature(body) };
    return fetch(`${running.url}${path}`, { method: "POST", headers, ...init, body });
  };

  it("serves the one source it was made for, whatever the path", async () => {
    const app = new Hono();
    app.post("/api/anything", createHonoHandler(relay(), "stripe"));
    expect((await send(app, "/api/anything")).status).toBe(200);
  });

  it("is mounted by app.route() and by basePath()", async () => {
    const webhooks = new Hono();
    webhooks.all("/:source", createHonoHandler(relay()));
    const app = new Hono().basePath("/api");
    app.route("/webhooks", webhooks);
    expect((await send(app, "/api/webhooks/stripe?x=1")).status).toBe(200);
  });

  it("fits an app with Bindings, Variables and a validator", async () => {
    const app = new Hono<{ Bindings: { STRIPE_SECRET: string }; Variables: { user: string } }>();
    const checked = validator("json", (value) => value);
    app.all("/webhooks/:source", createHonoHandler(relay()));
    app.post("/stripe", checked, createHonoHandler(relay(), "stripe"));
    app.on("POST", ["/a", "/b"], createHonoHandler(relay(), "stripe"));
    expect((await send(app, "/stripe")).status).toBe(200);
  });

  it.each([
    ["text()", reading((request) => request.text())],
    ["arrayBuffer()", reading((request) => request.arrayBuffer())],
    ["blob()", reading((request) => request.blob())],
    ["json(), then text()", reading((request) => request.json().then(() => request.text()))],
    ["arrayBuffer(), then json()", reading((request) => request.arrayBuffer().then(() => request.json()))],
    ["parseBody()", reading((request) => request.parseBody())],
    ["raw.clone()", reading((request) => request.raw.clone().json())],
  ])("takes the bytes that Hono kept of a middleware's c.req.%s", async (_what, middleware) => {
    const app = new Hono();
    app.use(middleware);
    app.all("/webhooks/:source", createHonoHandler(relay()));
    expect((await send(app, "/webhooks/stripe")).status).toBe(200);
    expect(sandbox.conversions).toHaveLength(1);
  });

  it("does not take parsed JSON for bytes, where an older Hono keeps that of c.req.json()", async () => {
    const app = new Hono();
    app.use(async ({ req }, next) => {
      // As Hono before 4.9 does it.
      Object.assign(req.bodyCache, { json: req.raw.json() });
      await next();
    });
    app.all("/webhooks/:source", createHonoHandler(relay()));
    const response = await send(app, "/webhooks/stripe");
    expect([response.status, (await response.json()).error.code]).toEqual([500, "body_already_parsed"]);
  });

  it("answers 413 to a body that a middleware had read whole", async () => {
    const app = new Hono();
    app.use(reading((request) => request.text()));
    app.all("/webhooks/:source", createHonoHandler(relay(), undefined, { maxBodyBytes: 100 }));
    expect((await send(app, "/webhooks/stripe")).status).toBe(413);
  });

  it("leaves the body to a middleware that reads it once the webhook was answered", async () => {
    const app = new Hono();
    const seen: string[] = [];
    app.use(async (context, next) => {
      await next();
      seen.push(await context.req.text());
    });
    app.all("/webhooks/:source", createHonoHandler(relay()));
    const body = invoicePaid("after", { note: "Zoë 💶" });
    expect((await send(app, "/webhooks/stripe", { body })).status).toBe(200);
    expect(seen).toEqual([body]);
  });

  it("says that the sender is gone when it hung up while a middleware was reading", async () => {
    const { logger: log, lines } = recordingLogger();
    const app = new Hono();
    const hangUp = new AbortController();
    const answered = new Promise<void>((resolve) => {
      app.use(async ({ req }, next) => {
        const read = req.text();
        hangUp.abort();
        await read.catch(() => {});
        await next();
        resolve();
      });
    });
    app.all("/webhooks/:source", createHonoHandler(relay({ logger: log })));
    running = await listen(app);
    const body = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(10)) });
    const init = { method: "POST", body, duplex: "half" as const, signal: hangUp.signal };
    await Promise.all([fetch(`${running.url}/webhooks/stripe`, init).catch(() => {}), answered]);
    expect(lines.map(({ fields }) => fields)).toMatchObject([{ source: "stripe", code: "client_gone" }]);
  });

  it("works beside hono/logger and hono/body-limit, also where that one reads a chunked body itself", async () => {
    const app = new Hono();
    const lines: string[] = [];
    app.use(logger((line) => lines.push(line)));
    app.use(bodyLimit({ maxSize: 64 * 1024 }));
    app.all("/webhooks/:source", createHonoHandler(relay()));
    expect((await send(app, "/webhooks/stripe")).status).toBe(200);
    const body = invoicePaid("chunked");
    const chunked = new Blob([body]).stream();
    const headers = { "stripe-signature": stripeSignature(body) };
    const init = { method: "POST", headers, body: chunked, duplex: "half" as const };
    expect((await fetch(`${running?.url}/webhooks/stripe`, init)).status).toBe(200);
    expect(sandbox.conversions).toHaveLength(2);
    expect(lines.filter((line) => line.includes("200"))).toHaveLength(2);
  });

  it("leaves a route of the app's own that stands before it alone", async () => {
    const app = new Hono();
    app.post("/webhooks/mine", (context) => context.text("mine"));
    app.all("/webhooks/:source", createHonoHandler(relay()));
    expect(await (await send(app, "/webhooks/mine")).text()).toBe("mine");
  });

  it.each([
    ["an unknown source", () => createHonoHandler(relay(), "strip" as never), /source must be one of stripe, billing/],
    ["an unknown option", () => createHonoHandler(relay(), "stripe", { limit: 1 } as never), /no option limit/],
    ["a limit of 0", () => createHonoHandler(relay(), "stripe", { maxBodyBytes: 0 }), /maxBodyBytes must be/],
  ])("refuses %s", (_what, make, message) => {
    expect(make).toThrow(message);
  });
});
