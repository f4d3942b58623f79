import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { createFetchHandler } from "../../src/http/fetch.js";
import { describeWebhookHandler, type RunningApp } from "../contract/webhook-handler.js";
import { sandboxForTests } from "../helpers/relay.js";
import { invoicePaid, stripeSignature } from "../helpers/webhooks.js";

type FetchApp = (request: Request) => Promise<Response>;

/** node:http with Request and Response on top, as the frameworks that speak them do it on Node. */
async function serve(app: FetchApp): Promise<RunningApp> {
  const server = createServer(async (incoming, outgoing) => {
    const hasBody = incoming.method !== "GET" && incoming.method !== "HEAD";
    const request = new Request(`http://127.0.0.1${incoming.url}`, {
      method: incoming.method ?? "GET",
      headers: new Headers(
        Object.entries(incoming.headers).map(([name, value]): [string, string] => [name, `${value}`]),
      ),
      ...(hasBody && { body: Readable.toWeb(incoming) as ReadableStream, duplex: "half" }),
    });
    const response = await app(request);
    outgoing.writeHead(response.status, { ...Object.fromEntries(response.headers), connection: "close" });
    outgoing.end(await response.text());
  }).listen(0, "127.0.0.1");
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

const echo: FetchApp = async (request) => Response.json(await request.json());

describeWebhookHandler("the fetch handler", {
  start(relay, { maxBodyBytes }) {
    const handler = createFetchHandler(relay, undefined, { maxBodyBytes });
    return serve((request) => (request.url.endsWith("/echo") ? echo(request) : handler(request)));
  },
  startAfterJsonParser(relay) {
    const handler = createFetchHandler(relay);
    return serve(async (request) => {
      const parsed = await request.clone().json();
      return request.url.endsWith("/echo") ? Response.json(parsed) : handler(request);
    });
  },
  startBehindJsonParser(relay) {
    const handler = createFetchHandler(relay, "stripe");
    return serve(async (request) => {
      await request.json();
      return handler(request);
    });
  },
});

describe("the fetch handler in particular", async () => {
  const { relay } = await sandboxForTests();

  it("serves the one source it was made for, whatever the path", async () => {
    const body = invoicePaid("fixed");
    const request = new Request("https://example.com/api/anything", {
      method: "POST",
      body,
      headers: { "stripe-signature": stripeSignature(body) },
    });
    expect((await createFetchHandler(relay(), "stripe")(request)).status).toBe(200);
  });

  it("refuses a source that the relay does not have", () => {
    expect(() => createFetchHandler(relay(), "paddel" as never)).toThrow(/source must be one of stripe, billing/);
  });
});
