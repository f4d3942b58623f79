import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import {
  type ClientHttp2Stream,
  createServer as createHttp2Server,
  createSecureServer as createSecureHttp2Server,
} from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { buffer, json, text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { createNodeHandler, createNodeMiddleware } from "../../src/http/node.js";
import { describeWebhookHandler, type RunningApp } from "../contract/webhook-handler.js";
import { recordingLogger, sandboxForTests } from "../helpers/relay.js";
import { invoicePaid, stripeSignature } from "../helpers/webhooks.js";
import { openPost, post, readAnswer, recordWarnings, startHttp2 } from "./node/http2.js";

type Listener = (request: IncomingMessage, response: ServerResponse) => unknown;

async function listen(listener: Listener): Promise<RunningApp> {
  const server = createServer(listener).listen(0, "127.0.0.1");
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

const echo: Listener = async (request, response) => response.end(JSON.stringify(await json(request)));

describeWebhookHandler("node:http", {
  start(relay, { basePath = "/webhooks", maxBodyBytes }) {
    const webhooks = createNodeMiddleware(relay, { basePath, maxBodyBytes });
    return listen((request, response) =>
      request.url === "/echo" ? echo(request, response) : webhooks(request, response),
    );
  },
  startAfterJsonParser(relay) {
    const webhooks = createNodeMiddleware(relay, { basePath: "/webhooks" });
    return listen(async (request, response) => {
      const rawBody = await buffer(request);
      const parsed = Object.assign(request, { rawBody, body: JSON.parse(`${rawBody}`) });
      if (request.url === "/echo") response.end(JSON.stringify(parsed.body));
      else webhooks(request, response);
    });
  },
  startBehindJsonParser(relay) {
    const webhooks = createNodeMiddleware(relay, { basePath: "/webhooks" });
    return listen(async (request, response) => {
      await json(request);
      webhooks(request, response);
    });
  },
});

describe("node:http in particular", async () => {
  const { sandbox, relay } = await sandboxForTests();
  let running: RunningApp | undefined;
  afterEach(async () => running?.close());

  const send = async (listener: Listener, path: string, init: RequestInit = {}) => {
    running = await listen(listener);
    const body = invoicePaid("one");
    return fetch(`${running.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", "stripe-signature": stripeSignature(body) },
      body,
      ...init,
    });
  };

  it.each(["/", "/webhooks", "/webhooks/nobody", "/webhooks/stripe/old", "/webhooksstripe"])(
    "answers 404 on %s where there is no next, and logs nothing",
    async (path) => {
      const { logger, lines } = recordingLogger();
      const response = await send(createNodeMiddleware(relay({ logger }), { basePath: "/webhooks" }), path);
      expect([response.status, await response.json()]).toEqual([404, { error: { code: "unknown_source" } }]);
      expect(lines).toEqual([]);
    },
  );

  it("answers 404 to a GET of a browser", async () => {
    running = await listen(createNodeMiddleware(relay()));
    expect((await fetch(`${running.url}/favicon.ico`)).status).toBe(404);
  });

  it("leaves any other path to next, with its body unread", async () => {
    const webhooks = createNodeMiddleware(relay(), { basePath: "/webhooks" });
    const response = await send(
      (incoming, outgoing) =>
        webhooks(incoming, outgoing, async (error) => {
          outgoing.end(JSON.stringify({ error, length: (await text(incoming)).length }));
        }),
      "/elsewhere",
    );
    expect(await response.json()).toEqual({ length: invoicePaid("one").length });
  });

  it("takes the path that a framework left after taking its mount point off", async () => {
    const webhooks = createNodeMiddleware(relay());
    const response = await send((incoming, outgoing) => {
      incoming.url = incoming.url?.replace("/webhooks", "");
      webhooks(incoming, outgoing);
    }, "/webhooks/stripe/?x=1");
    expect(response.status).toBe(200);
  });

  it("serves the one source of a route", async () => {
    const stripe = createNodeHandler(relay(), "stripe");
    const response = await send((incoming, outgoing) => stripe(incoming, outgoing), "/any/path");
    expect(await response.json()).toEqual({ received: true, status: "delivered" });
    expect(sandbox.conversions).toHaveLength(1);
  });

  it("caps the body of a route, and takes no more of it for another request", async () => {
    const response = await send(createNodeHandler(relay(), "stripe", { maxBodyBytes: 100 }), "/hook");
    expect([response.status, response.headers.get("connection")]).toEqual([413, "close"]);
  });

  it("keeps the connection of a sender whose body was read to its end", async () => {
    const response = await send(createNodeHandler(relay(), "stripe"), "/hook");
    expect([response.status, response.headers.get("connection")]).toEqual([200, "keep-alive"]);
  });

  it("takes the bytes that were left in request.rawBody", async () => {
    const webhooks = createNodeMiddleware(relay());
    const response = await send(async (incoming, outgoing) => {
      Object.assign(incoming, { rawBody: Buffer.from(await text(incoming)) });
      webhooks(incoming, outgoing);
    }, "/stripe");
    expect(response.status).toBe(200);
  });

  it.each(["HEAD", "OPTIONS"])("answers 405 to %s", async (method) => {
    const response = await send(createNodeMiddleware(relay()), "/stripe", { method, body: null });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
  });

  it("answers a sender who waits for 100 Continue", async () => {
    running = await listen(createNodeMiddleware(relay()));
    const body = invoicePaid("expect");
    const headers = { expect: "100-continue", "stripe-signature": stripeSignature(body) };
    const request = httpRequest(`${running.url}/stripe`, { method: "POST", headers });
    request.flushHeaders();
    await once(request, "continue");
    request.end(body);
    const [response] = await once(request, "response");
    response.resume();
    expect(response.statusCode).toBe(200);
  });

  describe("where the answer can't be written", () => {
    /** As a hook of the app's own that throws when headers are set. */
    const breaking =
      (listener: Listener): Listener =>
      (request, response) => {
        response.setHeader = () => {
          throw new TypeError("a broken hook");
        };
        return listener(request, response);
      };

    it.each([
      ["the middleware", () => createNodeMiddleware(relay())],
      ["the handler", () => createNodeHandler(relay(), "stripe")],
    ])("%s cuts the connection, and Node warns of what it was", async (_what, make) => {
      const warned = once(process, "warning");
      const listener = make();
      const sent = send(
        breaking((request, response) => listener(request, response)),
        "/stripe",
      );
      await expect(sent).rejects.toThrow();
      expect(await warned).toMatchObject([{ name: "TypeError", message: "a broken hook" }]);
    });

    it("the middleware tells next, where there is one", async () => {
      const webhooks = createNodeMiddleware(relay());
      const told = new Promise((resolve) => {
        const next = (response: ServerResponse) => (error?: unknown) => {
          response.destroy();
          resolve(error);
        };
        const listener = breaking((request, response) => webhooks(request, response, next(response)));
        send(listener, "/stripe").catch(() => {});
      });
      expect(await told).toMatchObject({ message: "a broken hook" });
    });
  });
});

describe("node:http2 in particular", async () => {
  const { sandbox, relay } = await sandboxForTests();
  let running: Awaited<ReturnType<typeof startHttp2>> | undefined;
  afterEach(async () => running?.close());
  const start = async (listener: Parameters<typeof startHttp2>[0]) => {
    running = await startHttp2(listener);
    return running;
  };

  it("takes a webhook, refuses a forged one, and answers 404 elsewhere", async () => {
    const { warnings, stop } = recordWarnings();
    const { session } = await start(createNodeMiddleware(relay(), { basePath: "/webhooks" }));
    const body = invoicePaid("http2");
    const taken = await post(session, "/webhooks/stripe", body, { "stripe-signature": stripeSignature(body) });
    expect([taken.status, taken.headers["content-type"], JSON.parse(taken.body)]).toEqual([
      ...[200, "application/json"],
      { received: true, status: "delivered" },
    ]);
    expect(sandbox.conversions).toHaveLength(1);
    expect((await post(session, "/webhooks/stripe", body, { "stripe-signature": "t=1,v1=00" })).status).toBe(401);
    expect((await post(session, "/webhooks/nobody", body)).status).toBe(404);
    stop();
    // http2 has no connection header, and Node warns of one, once.
    expect(warnings).toEqual([]);
  });

  it("closes the stream of a body over the limit, and keeps the session", async () => {
    const { session, streamClosed } = await start(createNodeMiddleware(relay(), { maxBodyBytes: 1000 }));
    const stream = openPost(session, "/stripe");
    stream.write("x".repeat(2000));
    expect(await readAnswer(stream)).toMatchObject({ status: 413, body: '{"error":{"code":"body_too_large"}}' });
    await streamClosed();
    expect((await post(session, "/stripe", "{}")).status).toBe(401);
  });

  it("tells a sender who hangs up from one who forges", async () => {
    const { logger, lines } = recordingLogger();
    const logged = new Promise<void>((resolve) => {
      const { warn } = logger;
      logger.warn = (fields, message) => {
        warn(fields, message);
        resolve();
      };
    });
    const webhooks = createNodeMiddleware(relay({ logger }));
    let stream: ClientHttp2Stream | undefined;
    const { session } = await start((request, response) => {
      webhooks(request, response);
      request.once("data", () => stream?.destroy());
    });
    stream = openPost(session, "/stripe", { "stripe-signature": "t=1,v1=00" });
    stream.write("{");
    await logged;
    expect(lines.map(({ fields }) => fields)).toMatchObject([{ source: "stripe", code: "client_gone" }]);
  });
});

describe("the options of the bindings for Node's servers", async () => {
  const { relay } = await sandboxForTests();

  it("fit the servers of http, https and http2 alike", () => {
    for (const listener of [createNodeMiddleware(relay()), createNodeHandler(relay(), "stripe")]) {
      const servers = [
        createServer(listener),
        createHttpsServer(listener),
        createHttp2Server(listener),
        createSecureHttp2Server({ allowHTTP1: true }, listener),
      ];
      expect(servers.map((server) => server.listenerCount("request"))).toEqual([1, 1, 1, 1]);
    }
  });

  it.each([
    ["an unknown source", () => createNodeHandler(relay(), "strip" as never), /source must be one of stripe, billing/],
    [
      "an unknown option of the handler",
      () => createNodeHandler(relay(), "stripe", { basePath: "/" } as never),
      /no option basePath.*maxBodyBytes/,
    ],
    [
      "an unknown option of the middleware",
      () => createNodeMiddleware(relay(), { path: "/" } as never),
      /no option path; it has basePath, maxBodyBytes/,
    ],
    ["a limit of 0", () => createNodeMiddleware(relay(), { maxBodyBytes: 0 }), /maxBodyBytes must be/],
    ["a base path without a slash", () => createNodeMiddleware(relay(), { basePath: "webhooks" }), /begins with "\/"/],
  ])("refuse %s", (_what, make, message) => {
    expect(make).toThrow(message);
  });
});
