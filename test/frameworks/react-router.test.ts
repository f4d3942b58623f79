import { createRequestListener } from "@react-router/node";
import express from "express";
import type { ServerBuild } from "react-router";
import { afterEach, describe, expect, it } from "vitest";
import { createFetchHandler } from "../../src/http/fetch.js";
import { describeWebhookHandler, hangUpWithin, type RunningApp } from "../contract/webhook-handler.js";
import { listen } from "../helpers/listen.js";
import { recordingLogger, sandboxForTests } from "../helpers/relay.js";
import { invoicePaid, stripeSignature } from "../helpers/webhooks.js";

type RouteModule = NonNullable<ServerBuild["routes"][string]>["module"];
type Routes = Readonly<Record<string, Omit<RouteModule, "default">>>;

const NO_FLAGS = { v8_middleware: false, v8_passThroughRequests: false, v8_trailingSlashAwareDataRequests: false };

interface BuildOptions {
  readonly future?: ServerBuild["future"];
  readonly onError?: (error: unknown) => void;
}

/** What React Router's compiler makes of resource routes, which are modules without a component. */
function listenerFor(routes: Routes, { future = NO_FLAGS, onError }: BuildOptions = {}) {
  const build: ServerBuild = {
    entry: { module: { default: () => new Response("a page"), ...(onError && { handleError: onError }) } },
    routes: Object.fromEntries(
      Object.entries(routes).map(([path, module]) => [
        path,
        { id: path, path, module: { ...module, default: undefined as never } },
      ]),
    ),
    assets: { entry: { imports: [], module: "" }, routes: {}, url: "", version: "" },
    publicPath: "/",
    assetsBuildDirectory: "",
    future,
    ssr: true,
    isSpaMode: false,
    prerender: [],
    routeDiscovery: { mode: "initial", manifestPath: "/__manifest" },
  };
  return createRequestListener({ build });
}

const echo: Routes = { "/echo": { action: async ({ request }) => Response.json(await request.json()) } };

describeWebhookHandler("the fetch handler on React Router", {
  // Its body neither fails nor ends when the sender hangs up: the relay waits until its deadline.
  buffersBodies: true,
  start(relay, { basePath = "/webhooks", maxBodyBytes }) {
    const handler = createFetchHandler(relay, undefined, { maxBodyBytes });
    const webhooks: RouteModule["action"] = ({ request }) => handler(request);
    return listen(listenerFor({ [`${basePath}/:source`]: { action: webhooks, loader: webhooks }, ...echo }));
  },
  startAfterJsonParser(relay) {
    const handler = createFetchHandler(relay);
    const action: RouteModule["action"] = async ({ request }) => {
      await request.clone().json();
      return handler(request);
    };
    return listen(listenerFor({ "/webhooks/:source": { action }, ...echo }));
  },
  startBehindJsonParser(relay) {
    const handler = createFetchHandler(relay);
    const action: RouteModule["action"] = async ({ request }) => {
      await request.json();
      return handler(request);
    };
    return listen(listenerFor({ "/webhooks/:source": { action } }));
  },
});

describe("React Router in particular", async () => {
  const { relay, sandbox } = await sandboxForTests();
  let running: RunningApp | undefined;
  afterEach(async () => running?.close());

  const routes = (of = relay()): Routes => {
    const handler = createFetchHandler(of);
    return { "/webhooks/:source": { action: ({ request }) => handler(request) } };
  };
  const send = async (listener: Parameters<typeof listen>[0], path = "/webhooks/stripe", headers = {}) => {
    running = await listen(listener);
    const body = invoicePaid("one");
    return fetch(`${running.url}${path}`, {
      method: "POST",
      body,
      headers: { "content-type": "application/json", "stripe-signature": stripeSignature(body), ...headers },
    });
  };

  it("works with the flags of its next major", async () => {
    const future = { v8_middleware: true, v8_passThroughRequests: true, v8_trailingSlashAwareDataRequests: true };
    expect((await send(listenerFor(routes(), { future }))).status).toBe(200);
  });

  it("takes a trailing slash and a query", async () => {
    expect((await send(listenerFor(routes()), "/webhooks/stripe/?index&x=1")).status).toBe(200);
  });

  it("lets a webhook through whatever its origin", async () => {
    const headers = { origin: "https://dashboard.stripe.com" };
    expect((await send(listenerFor(routes()), "/webhooks/stripe", headers)).status).toBe(200);
  });

  it("answers a GET itself, with 400, where the route has no loader", async () => {
    const errors: unknown[] = [];
    running = await listen(listenerFor(routes(), { onError: (error) => errors.push(error) }));
    expect((await fetch(`${running.url}/webhooks/stripe`)).status).toBe(400);
    expect(errors).toMatchObject([{ status: 400, data: expect.stringContaining("did not provide a `loader`") }]);
  });

  it("learns nothing of a sender who hung up in the middle of its body, and the relay gives up in time", async () => {
    const { logger, lines } = recordingLogger();
    const logged = new Promise<void>((resolve) => {
      const { error } = logger;
      logger.error = (fields, message) => {
        error(fields, message);
        resolve();
      };
    });
    running = await listen(listenerFor(routes(relay({ logger, timeoutMs: 200 }))));
    await hangUpWithin(running.url, invoicePaid("half"));
    await logged;
    expect(lines.map(({ fields }) => fields)).toMatchObject([{ source: "stripe", code: "timed_out" }]);
    expect(sandbox.requests).toEqual([]);
  });

  it("never sees the end of a body that express.json() ate in front, and the relay gives up in time", async () => {
    const app = express()
      .use(express.json())
      .use(listenerFor(routes(relay({ timeoutMs: 200 }))));
    const response = await send(app);
    expect([response.status, await response.json()]).toEqual([503, { error: { code: "timed_out" } }]);
  });
});
