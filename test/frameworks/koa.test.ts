import { once } from "node:events";
import { createRequire } from "node:module";
import { type AddressInfo, connect } from "node:net";
import { json, text } from "node:stream/consumers";
import Router from "@koa/router";
import Koa3 from "koa";
import Koa2 from "koa2";
import { afterEach, describe, expect, it } from "vitest";
import { createKoaHandler, createKoaMiddleware } from "../../src/http/koa.js";
import { describeWebhookHandler, type RunningApp } from "../contract/webhook-handler.js";
import { recordingLogger, sandboxForTests } from "../helpers/relay.js";
import { invoicePaid, stripeSignature } from "../helpers/webhooks.js";
import { openPost, post, readAnswer, recordWarnings, startHttp2 } from "./node/http2.js";

// Without its types, which would give every IncomingMessage of this program a body: Express's too.
const { bodyParser }: { bodyParser(options?: { enableTypes: string[] }): Koa3.Middleware } = createRequire(
  import.meta.url,
)("@koa/bodyparser");

// The types of Koa 3 stand for both: the tests use what both have.
const versions = [
  ["Koa 3", Koa3],
  ["Koa 2", Koa2 as typeof Koa3],
] as const;

/** Any app, whatever its middleware adds to the context. */
type App = Pick<Koa3, "listen">;

async function listen(app: App): Promise<RunningApp> {
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

/** Takes a prefix off the path while a middleware runs, as koa-mount does. */
function mount(prefix: string, middleware: Koa3.Middleware): Koa3.Middleware {
  return async (context, next) => {
    const { path } = context;
    if (!path.startsWith(`${prefix}/`)) return next();
    context.path = path.slice(prefix.length);
    await middleware(context, async () => {
      context.path = path;
      await next();
    });
    context.path = path;
  };
}

/** A body parser that keeps nothing of what it read. */
const eatBody: Koa3.Middleware = async (context, next) => {
  Reflect.set(context.request, "body", await json(context.req));
  await next();
};

const echo: Koa3.Middleware = (context) => {
  context.body = Reflect.get(context.request, "body");
};

for (const [name, Koa] of versions) {
  const newApp = () => {
    const app = new Koa();
    // Koa 2 prints that a sender hung up.
    app.silent = true;
    return app;
  };
  const echoRoute = () => new Router().post("/echo", echo).routes();

  describeWebhookHandler(name, {
    start: (relay, { basePath = "/webhooks", maxBodyBytes }) =>
      listen(newApp().use(createKoaMiddleware(relay, { basePath, maxBodyBytes })).use(bodyParser()).use(echoRoute())),
    startAfterJsonParser: (relay) =>
      listen(
        newApp()
          .use(bodyParser())
          .use(createKoaMiddleware(relay, { basePath: "/webhooks" }))
          .use(echoRoute()),
      ),
    startBehindJsonParser: (relay) =>
      listen(
        newApp()
          .use(eatBody)
          .use(createKoaMiddleware(relay, { basePath: "/webhooks" })),
      ),
    advice: /before the body parser.*ctx\.request\.rawBody/,
    refusesSources: "framework",
  });

  describe(`${name} in particular`, async () => {
    const { sandbox, relay } = await sandboxForTests();
    let running: { close(): Promise<void> } | undefined;
    afterEach(async () => running?.close());

    const send = async (app: App, path: string, init: RequestInit = {}) => {
      const server = await listen(app);
      running = server;
      const body = invoicePaid("one", { note: "Zoë 💶" });
      const headers = { "content-type": "application/json", "stripe-signature": stripeSignature(body) };
      return fetch(`${server.url}${path}`, { method: "POST", headers, body, ...init });
    };

    it("takes the path that koa-mount left after taking its prefix off", async () => {
      const app = newApp().use(mount("/webhooks", createKoaMiddleware(relay())));
      expect((await send(app, "/webhooks/stripe/?x=1")).status).toBe(200);
    });

    it.each(["/webhooks", "/webhooks/nobody", "/webhooks/stripe/old", "/webhooksstripe", "/stripe"])(
      "leaves %s to the middleware after it, with its body unread",
      async (path) => {
        const app = newApp()
          .use(createKoaMiddleware(relay(), { basePath: "/webhooks" }))
          .use(async (context) => {
            context.body = { type: JSON.parse(await text(context.req)).type };
          });
        expect(await (await send(app, path)).json()).toEqual({ type: "invoice.paid" });
      },
    );

    it("serves the one source of a route of @koa/router", async () => {
      const router = new Router({ prefix: "/hooks" });
      router.post("/:account/paid", createKoaHandler(relay(), "stripe"));
      const response = await send(newApp().use(router.routes()).use(router.allowedMethods()), "/hooks/acme/paid");
      expect(await response.json()).toEqual({ received: true, status: "delivered" });
      expect(sandbox.conversions).toHaveLength(1);
    });

    it.each([
      ["and takes no more of it for another request", [], "close"],
      ["also of one that @koa/bodyparser read", [bodyParser()], "keep-alive"],
    ])("caps the body of a route, %s", async (_what, parsers, connection) => {
      const router = new Router();
      router.post("/hook", ...parsers, createKoaHandler(relay(), "stripe", { maxBodyBytes: 100 }));
      const response = await send(newApp().use(router.routes()), "/hook");
      expect([response.status, response.headers.get("connection")]).toEqual([413, connection]);
    });

    it.each([
      ["leaves the bytes in ctx.request.body", "body"],
      ["keeps them in ctx.request.rawBody", "rawBody"],
    ])("takes the bytes of a parser that %s", async (_what, property) => {
      const keepBody: Koa3.Middleware = async (context, next) => {
        Object.assign(context.request, { [property]: Buffer.from(await text(context.req)) });
        await next();
      };
      expect((await send(newApp().use(keepBody).use(createKoaMiddleware(relay())), "/stripe")).status).toBe(200);
    });

    it("reads the body itself where @koa/bodyparser passed it over for its content type", async () => {
      const app = newApp()
        .use(bodyParser({ enableTypes: ["form"] }))
        .use(createKoaMiddleware(relay()));
      expect((await send(app, "/stripe")).status).toBe(200);
    });

    it("shows its answer to the middleware around it", async () => {
      const seen: unknown[] = [];
      const app = newApp()
        .use(async (context, next) => {
          await next();
          seen.push([context.status, context.type, context.body]);
          context.set("x-seen", "yes");
        })
        .use(createKoaMiddleware(relay()));
      const response = await send(app, "/stripe");
      const body = await response.text();
      expect(seen).toEqual([[200, "application/json", body]]);
      expect(["x-seen", "content-type", "content-length"].map((header) => response.headers.get(header))).toEqual([
        ...["yes", "application/json"],
        String(body.length),
      ]);
    });

    it.each(["GET", "HEAD", "OPTIONS"])("answers 405 to %s, and says which method it takes", async (method) => {
      const response = await send(newApp().use(createKoaMiddleware(relay())), "/stripe", { method, body: null });
      expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
    });

    it("leaves other methods of a route to allowedMethods() of @koa/router", async () => {
      const router = new Router().post("/stripe", createKoaHandler(relay(), "stripe"));
      const app = newApp().use(router.routes()).use(router.allowedMethods());
      const response = await send(app, "/stripe", { method: "GET", body: null });
      expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
    });

    it("says at once that the sender hung up while something in front took its time", async () => {
      const { logger, lines } = recordingLogger();
      let done = () => {};
      const answered = new Promise<void>((resolve) => {
        done = resolve;
      });
      const app = newApp()
        .use(async (context, next) => {
          const gone = once(context.res, "close");
          socket.destroy();
          await gone;
          await next();
          done();
        })
        .use(createKoaMiddleware(relay({ logger })));
      const server = await listen(app);
      running = server;
      const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
      socket.write("POST /stripe HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{");
      await answered;
      expect(lines.map(({ fields }) => fields)).toMatchObject([{ source: "stripe", code: "client_gone" }]);
    });

    it("works over http2, and closes the stream of a body over the limit", async () => {
      const { warnings, stop } = recordWarnings();
      const http2 = await startHttp2(
        newApp()
          .use(createKoaMiddleware(relay(), { maxBodyBytes: 1000 }))
          .callback(),
      );
      running = http2;
      const body = invoicePaid("http2");
      const taken = await post(http2.session, "/stripe", body, { "stripe-signature": stripeSignature(body) });
      expect(taken).toMatchObject({ status: 200, body: '{"received":true,"status":"delivered"}' });

      const stream = openPost(http2.session, "/stripe");
      stream.write("x".repeat(2000));
      expect(await readAnswer(stream)).toMatchObject({ status: 413, body: '{"error":{"code":"body_too_large"}}' });
      await http2.streamClosed();
      stop();
      // http2 has no connection header, and Node warns of one, once.
      expect(warnings).toEqual([]);
    });
  });
}

describe("the options of the Koa bindings", async () => {
  const { relay } = await sandboxForTests();

  it.each([
    ["an unknown source", () => createKoaHandler(relay(), "strip" as never), /source must be one of stripe, billing/],
    [
      "an unknown option of the handler",
      () => createKoaHandler(relay(), "stripe", { basePath: "/" } as never),
      /no option basePath.*maxBodyBytes/,
    ],
    [
      "an unknown option of the middleware",
      () => createKoaMiddleware(relay(), { path: "/" } as never),
      /no option path; it has basePath, maxBodyBytes/,
    ],
    ["a limit of 0", () => createKoaMiddleware(relay(), { maxBodyBytes: 0 }), /maxBodyBytes must be/],
    ["a base path without a slash", () => createKoaMiddleware(relay(), { basePath: "webhooks" }), /begins with "\/"/],
  ])("refuse %s", (_what, make, message) => {
    expect(make).toThrow(message);
  });
});
