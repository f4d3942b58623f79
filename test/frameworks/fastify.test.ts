import { connect } from "node:http2";
import { PassThrough, Readable } from "node:stream";
import { buffer, json } from "node:stream/consumers";
import fastify5, { type FastifyInstance, type FastifyServerOptions } from "fastify";
import fastifyRawBody from "fastify-raw-body";
import fastify4 from "fastify4";
import { afterEach, describe, expect, it } from "vitest";
import { createFastifyPlugin } from "../../src/http/fastify.js";
import { describeWebhookHandler, type RunningApp } from "../contract/webhook-handler.js";
import { sandboxForTests } from "../helpers/relay.js";
import { invoicePaid, stripeSignature } from "../helpers/webhooks.js";
import { post, recordWarnings } from "./node/http2.js";

// The types of Fastify 5 stand for both: the tests use what both have.
const versions = [
  ["Fastify 5", fastify5 as (options?: FastifyServerOptions) => FastifyInstance],
  ["Fastify 4", fastify4 as unknown as (options?: FastifyServerOptions) => FastifyInstance],
] as const;

async function listen(app: FastifyInstance): Promise<RunningApp> {
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  return {
    url,
    close: async () => {
      app.server.closeAllConnections();
      await app.close();
    },
  };
}

/** An app that parses all bodies by itself, in place of the parsers that Fastify brings. */
function parseInApp(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", async (_request: unknown, payload: Readable) => json(payload));
}

function echo(app: FastifyInstance): void {
  app.post("/echo", async (request) => request.body);
}

function eatBodies(app: FastifyInstance): void {
  app.addHook("preParsing", async (_request, _reply, payload) => {
    await buffer(payload);
    return payload;
  });
}

for (const [name, fastify] of versions) {
  describeWebhookHandler(name, {
    refusesSources: "framework",
    advice: /preParsing hook: add it in a scope beside/,
    start(relay, { basePath = "/webhooks", maxBodyBytes }) {
      const app = fastify();
      app.register(createFastifyPlugin(relay, { maxBodyBytes }), { prefix: basePath });
      echo(app);
      return listen(app);
    },
    startAfterJsonParser(relay) {
      const app = fastify();
      parseInApp(app);
      app.register(createFastifyPlugin(relay), { prefix: "/webhooks" });
      echo(app);
      return listen(app);
    },
    startBehindJsonParser(relay) {
      const app = fastify();
      eatBodies(app);
      app.register(createFastifyPlugin(relay), { prefix: "/webhooks" });
      return listen(app);
    },
  });

  describe(`${name} in particular`, async () => {
    const { sandbox, relay } = await sandboxForTests();
    let running: RunningApp | undefined;
    afterEach(async () => running?.close());

    const send = async (
      app: FastifyInstance,
      path = "/webhooks/stripe",
      init: RequestInit & { body?: string } = {},
    ) => {
      running = await listen(app);
      const body = init.body ?? invoicePaid("one");
      const headers = { "content-type": "application/json", "stripe-signature": stripeSignature(body) };
      return fetch(`${running.url}${path}`, { method: "POST", headers, ...init, body });
    };

    it("leaves the app's parsers as they are when they are added after it", async () => {
      const app = fastify();
      app.register(createFastifyPlugin(relay()), { prefix: "/webhooks" });
      parseInApp(app);
      echo(app);
      expect((await send(app)).status).toBe(200);
      const echoed = await fetch(`${running?.url}/echo`, { method: "POST", body: '{"hello":"Zoë"}' });
      expect(await echoed.json()).toEqual({ hello: "Zoë" });
    });

    it("keeps to maxBodyBytes whatever the app's bodyLimit is", async () => {
      const app = fastify({ bodyLimit: 10 });
      app.register(createFastifyPlugin(relay(), { maxBodyBytes: 2000 }), { prefix: "/webhooks" });
      expect((await send(app)).status).toBe(200);
      const body = invoicePaid("large", { note: "x".repeat(2000) });
      const response = await fetch(`${running?.url}/webhooks/stripe`, { method: "POST", body });
      expect([response.status, await response.json()]).toEqual([413, { error: { code: "body_too_large" } }]);
    });

    it("takes a body whose content type is missing", async () => {
      const app = fastify();
      app.register(createFastifyPlugin(relay()), { prefix: "/webhooks" });
      const body = invoicePaid("untyped");
      const bytes = new Blob([body]);
      running = await listen(app);
      const headers = { "stripe-signature": stripeSignature(body) };
      const response = await fetch(`${running.url}/webhooks/stripe`, { method: "POST", headers, body: bytes });
      expect(response.status).toBe(200);
    });

    it("answers 405 to HEAD, and leaves any other path below the prefix to the app", async () => {
      const app = fastify();
      app.register(createFastifyPlugin(relay()), { prefix: "/webhooks" });
      app.post("/webhooks/:mine", async () => "mine");
      expect(await (await send(app, "/webhooks/another")).text()).toBe("mine");
      expect((await fetch(`${running?.url}/webhooks/stripe`, { method: "HEAD" })).status).toBe(405);
    });

    it.each([
      [false, 404],
      [true, 200],
    ])(
      "does with a trailing slash what the app does: ignoreTrailingSlash %s, %i",
      async (ignoreTrailingSlash, status) => {
        const options = name === "Fastify 5" ? { routerOptions: { ignoreTrailingSlash } } : { ignoreTrailingSlash };
        const app = fastify(options as FastifyServerOptions);
        app.register(createFastifyPlugin(relay()), { prefix: "/webhooks" });
        expect((await send(app, "/webhooks/stripe/?x=1")).status).toBe(status);
      },
    );

    it("answers past the app's error handler and through its hooks", async () => {
      const app = fastify();
      const seen: unknown[] = [];
      app.setErrorHandler((_error, _request, reply) => reply.code(418).send("the app's"));
      app.addHook("onSend", async (_request, reply, payload) => {
        seen.push(reply.statusCode, payload);
      });
      const responded = new Promise<void>((resolve) => {
        app.addHook("onResponse", async (_request, reply) => {
          seen.push(reply.statusCode);
          resolve();
        });
      });
      app.register(createFastifyPlugin(relay()), { prefix: "/webhooks" });
      sandbox.faults.next({ status: 500 });
      const response = await send(app);
      await responded;
      expect([response.status, response.headers.get("retry-after")]).toEqual([503, "30"]);
      expect(seen).toEqual([503, await response.text(), 503]);
    });

    it("closes the connection where it did not read the body", async () => {
      const app = fastify();
      app.register(createFastifyPlugin(relay(), { maxBodyBytes: 100 }), { prefix: "/webhooks" });
      expect((await send(app)).headers.get("connection")).toBe("close");
    });

    it("takes the bytes that a hook in front kept in request.rawBody", async () => {
      const app = fastify();
      app.addHook("preParsing", async (request, _reply, payload) => {
        const bytes = await buffer(payload);
        Object.assign(request, { rawBody: bytes });
        return Readable.from(bytes);
      });
      app.register(createFastifyPlugin(relay()), { prefix: "/webhooks" });
      expect((await send(app)).status).toBe(200);
    });

    it("waits for the bytes that a hook in front is about to keep, and loses none", async () => {
      const app = fastify();
      app.addHook("preParsing", (request, _reply, payload, done) => {
        const chunks: Buffer[] = [];
        payload.on("data", (chunk) => chunks.push(chunk));
        payload.on("end", () => Object.assign(request, { rawBody: Buffer.concat(chunks) }));
        done(null, payload);
      });
      app.register(createFastifyPlugin(relay()), { prefix: "/webhooks" });
      expect((await send(app, undefined, { body: invoicePaid("tee", { note: "x".repeat(500_000) }) })).status).toBe(
        200,
      );
    });

    it.each([
      ["small", 10],
      ["large", 500_000],
    ])("says what to do about a hook that pipes a %s body away", async (_size, length) => {
      const app = fastify();
      app.addHook("preParsing", (_request, _reply, payload, done) => done(null, payload.pipe(new PassThrough())));
      app.register(createFastifyPlugin(relay()), { prefix: "/webhooks" });
      const response = await send(app, undefined, { body: invoicePaid("piped", { note: "x".repeat(length) }) });
      expect([response.status, (await response.json()).error.code]).toEqual([500, "body_already_parsed"]);
    });

    it("is not reached by a hook that eats bodies in a scope of its own", async () => {
      const app = fastify();
      app.register(async (scope) => eatBodies(scope));
      app.register(createFastifyPlugin(relay()), { prefix: "/webhooks" });
      expect((await send(app)).status).toBe(200);
    });
  });
}

describe("Fastify's raw bodies and other servers", async () => {
  const { relay } = await sandboxForTests();
  let running: RunningApp | undefined;
  afterEach(async () => running?.close());

  it("need no change where fastify-raw-body keeps the bytes of all routes", async () => {
    const app = fastify5();
    await app.register(fastifyRawBody);
    app.register(createFastifyPlugin(relay()), { prefix: "/webhooks" });
    app.post("/echo", async (request) => request.rawBody);
    running = await listen(app);
    const body = invoicePaid("kept");
    const headers = { "content-type": "application/json", "stripe-signature": stripeSignature(body) };
    const post = (path: string, bytes: string) =>
      fetch(`${running?.url}${path}`, { method: "POST", headers, body: bytes });
    expect((await post("/webhooks/stripe", body)).status).toBe(200);
    expect((await post("/webhooks/stripe", `${body}${" ".repeat(1024 * 1024)}`)).status).toBe(413);
    expect(await (await post("/echo", '{ "a": 1 }')).text()).toBe('{ "a": 1 }');
  });

  it("need no change on http2", async () => {
    const app = fastify5({ http2: true });
    app.register(createFastifyPlugin(relay(), { maxBodyBytes: 1000 }), { prefix: "/webhooks" });
    const session = connect(await app.listen({ port: 0, host: "127.0.0.1" }));
    running = {
      url: "",
      async close() {
        session.destroy();
        await app.close();
      },
    };
    const { warnings, stop } = recordWarnings();
    const body = invoicePaid("http2");
    const headers = { "stripe-signature": stripeSignature(body) };
    expect((await post(session, "/webhooks/stripe", body, headers)).status).toBe(200);
    const tooLarge = await post(session, "/webhooks/stripe", "x".repeat(1001));
    expect([tooLarge.status, JSON.parse(tooLarge.body)]).toEqual([413, { error: { code: "body_too_large" } }]);
    stop();
    expect(warnings).toEqual([]);
  });

  it("fit the types of both versions, also where the server is one of http2", async () => {
    const plugin = createFastifyPlugin(relay());
    const apps = [
      fastify5().register(plugin, { prefix: "/webhooks" }),
      fastify5({ http2: true }).register(plugin),
      fastify4().register(plugin, { prefix: "/webhooks", logLevel: "warn" }),
      fastify4({ http2: true }).register(plugin),
    ];
    for (const app of apps) await app.ready();
    for (const app of apps) await app.close();
  });
});

describe("the options of the Fastify binding", async () => {
  const { relay } = await sandboxForTests();

  it.each([
    ["an unknown option", { prefix: "/webhooks" }, /no option prefix.*maxBodyBytes/],
    ["a limit of 0", { maxBodyBytes: 0 }, /maxBodyBytes must be/],
  ])("refuse %s", (_what, options, message) => {
    expect(() => createFastifyPlugin(relay(), options as never)).toThrow(message);
  });
});
