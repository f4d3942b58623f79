import { connect } from "node:net";
import express from "express";
import { bodyLimit, H3 } from "h3";
import { toNodeHandler } from "h3/node";
import {
  createApp,
  createRouter,
  defineEventHandler,
  fromNodeMiddleware,
  readBody,
  toNodeListener,
  toWebRequest,
} from "h3v1";
import { afterEach, describe, expect, it } from "vitest";
import { createFetchHandler } from "../../src/http/fetch.js";
import type { Relay } from "../../src/relay.js";
import { describeWebhookHandler, type RunningApp } from "../contract/webhook-handler.js";
import { listen } from "../helpers/listen.js";
import { recordingLogger, sandboxForTests } from "../helpers/relay.js";
import { invoicePaid, stripeSignature } from "../helpers/webhooks.js";

// Version 1 is what Nitro 2, and so Nuxt 3 and 4, have inside.
const webhooksOf1 = (relay: Relay, maxBodyBytes?: number) => {
  const handler = createFetchHandler(relay, undefined, { maxBodyBytes });
  return defineEventHandler((event) => handler(toWebRequest(event)));
};

describeWebhookHandler("the fetch handler on h3 1", {
  refusesMethods: "framework",
  start(relay, { basePath = "/webhooks", maxBodyBytes }) {
    // Preemptive, as Nitro makes its router: it answers 404 and 405.
    const router = createRouter({ preemptive: true })
      .post(`${basePath}/:source`, webhooksOf1(relay, maxBodyBytes))
      .post(
        "/echo",
        defineEventHandler((event) => readBody(event)),
      );
    return listen(toNodeListener(createApp().use(router)));
  },
  startAfterJsonParser(relay) {
    // h3 keeps the bytes of what it has read.
    const parser = defineEventHandler(async (event) => {
      event.context["parsed"] = await readBody(event);
    });
    const router = createRouter()
      .post("/webhooks/:source", webhooksOf1(relay))
      .post(
        "/echo",
        defineEventHandler((event) => event.context["parsed"]),
      );
    return listen(toNodeListener(createApp().use(parser).use(router)));
  },
  startBehindJsonParser(relay) {
    const handler = createFetchHandler(relay);
    const route = defineEventHandler(async (event) => {
      const request = toWebRequest(event);
      await request.json();
      return handler(request);
    });
    return listen(toNodeListener(createApp().use(createRouter().post("/webhooks/:source", route))));
  },
});

describeWebhookHandler("the fetch handler on h3 2", {
  start(relay, { basePath = "/webhooks", maxBodyBytes }) {
    const handler = createFetchHandler(relay, undefined, { maxBodyBytes });
    const app = new H3()
      .all(`${basePath}/:source`, (event) => handler(event.req))
      .post("/echo", (event) => event.req.json());
    return listen(toNodeHandler(app));
  },
  startAfterJsonParser(relay) {
    const handler = createFetchHandler(relay);
    const app = new H3()
      .use(async (event) => {
        event.context["parsed"] = await event.req.clone().json();
      })
      .post("/webhooks/:source", (event) => handler(event.req))
      .post("/echo", (event) => event.context["parsed"]);
    return listen(toNodeHandler(app));
  },
  startBehindJsonParser(relay) {
    const handler = createFetchHandler(relay);
    const app = new H3().post("/webhooks/:source", async (event) => {
      await event.req.json();
      return handler(event.req);
    });
    return listen(toNodeHandler(app));
  },
});

describe("h3 in particular", async () => {
  const { relay } = await sandboxForTests();
  let running: RunningApp | undefined;
  afterEach(async () => running?.close());

  const send = async (listener: Parameters<typeof listen>[0], body: string) => {
    running = await listen(listener);
    const headers = { "content-type": "application/json", "stripe-signature": stripeSignature(body) };
    return fetch(`${running.url}/webhooks/stripe`, { method: "POST", body, headers });
  };

  it("1 makes other bytes of what express.json() parsed in front, which no signature fits", async () => {
    const router = createRouter().post("/webhooks/:source", webhooksOf1(relay()));
    const app = createApp().use(fromNodeMiddleware(express.json())).use(router);
    const indented = JSON.stringify(JSON.parse(invoicePaid("indented")), null, 2);
    expect((await send(toNodeListener(app), indented)).status).toBe(401);
  });

  it("1 takes nothing more of a body that was answered 413, although its stream knows no backpressure", async () => {
    const router = createRouter().post("/webhooks/:source", webhooksOf1(relay(), 1024));
    running = await listen(toNodeListener(createApp().use(router)));
    const socket = connect(Number(new URL(running.url).port), "127.0.0.1");
    socket.write("POST /webhooks/stripe HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
    const chunk = `400\r\n${"x".repeat(1024)}\r\n`;
    const more = () => {
      while (socket.writable && socket.write(chunk));
    };
    socket.on("drain", more).on("error", () => {});
    socket.resume();
    more();
    // The server's doing: this client would go on for ever.
    await new Promise((resolve) => socket.on("close", resolve));
  });

  it("2 answers 404 to other methods where the route takes POST only", async () => {
    const handler = createFetchHandler(relay());
    const app = new H3().post("/webhooks/:source", (event) => handler(event.req));
    running = await listen(toNodeHandler(app));
    expect((await fetch(`${running.url}/webhooks/stripe`)).status).toBe(404);
  });

  it("2 answers 413 by its bodyLimit(), of which the log tells where it stops the body on the way", async () => {
    const { logger, lines } = recordingLogger();
    const handler = createFetchHandler(relay({ logger }));
    const app = new H3().use(bodyLimit(100)).post("/webhooks/:source", (event) => handler(event.req));
    running = await listen(toNodeHandler(app));
    const body = new Blob([invoicePaid("limited")]).stream();
    // Chunked, since h3 refuses a content-length above the limit before it asks the route.
    const init = { method: "POST", body, duplex: "half", headers: { "content-type": "application/json" } } as const;
    const response = await fetch(`${running.url}/webhooks/stripe`, init);
    expect([response.status, await response.json()]).toEqual([413, { error: { code: "body_too_large" } }]);
    expect(lines).toMatchObject([{ message: expect.stringMatching(/limit of the framework.*limit of 100 bytes/) }]);
  });
});
