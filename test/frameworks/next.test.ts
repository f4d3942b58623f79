import type { NextApiHandler } from "next";
import type { NextRequest } from "next/server.js";
import { describe, expect, it } from "vitest";
import { createNextApiHandler, createNextRouteHandler } from "../../src/http/next.js";
import { listen } from "../helpers/listen.js";
import { sandboxForTests } from "../helpers/relay.js";
import { invoicePaid, stripeSignature } from "../helpers/webhooks.js";
import { describeNext } from "./next/describe-next.js";

describeNext("Next.js 16", "next");

/** What `next build` compares the exports of a `route.ts` with. */
type RouteExport = (
  request: NextRequest,
  context: { params: Promise<{ source: string }> },
) => Promise<Response | undefined> | Response | undefined;

describe("the Next.js bindings", async () => {
  const { relay } = await sandboxForTests();
  const body = invoicePaid("fixed");
  const webhook = { method: "POST", body, headers: { "stripe-signature": stripeSignature(body) } };

  it("are what Next.js calls a route and an API handler", () => {
    expect(createNextRouteHandler(relay()) satisfies RouteExport).toBeTypeOf("function");
    expect(createNextApiHandler(relay()) satisfies NextApiHandler).toBeTypeOf("function");
  });

  it("serve the one source they were made for, whatever the path", async () => {
    const route = createNextRouteHandler(relay(), "stripe");
    expect((await route(new Request("https://example.com/anything", webhook))).status).toBe(200);
    const api = createNextApiHandler(relay(), "stripe");
    const running = await listen((request, response) => void api(request, response));
    expect((await fetch(`${running.url}/api/anything`, webhook)).status).toBe(200);
    await running.close();
  });

  it("settle once the answer of an API route is written, as Next.js wants it", async () => {
    const api = createNextApiHandler(relay());
    const answered: Promise<boolean>[] = [];
    const running = await listen((request, response) => {
      answered.push(api(request, response).then(() => response.writableEnded));
    });
    await fetch(`${running.url}/api/webhooks/stripe`, webhook);
    expect(await Promise.all(answered)).toEqual([true]);
    await running.close();
  });

  it.each([
    ["createNextRouteHandler", createNextRouteHandler],
    ["createNextApiHandler", createNextApiHandler],
  ])("refuse wrong options: %s", (name, create) => {
    expect(() => create(relay(), "paddel" as never)).toThrow(/source must be one of stripe, billing/);
    expect(() => create(relay(), "stripe", { maxBodyBytes: 0 })).toThrow(/maxBodyBytes must be/);
    expect(() => create(relay(), "stripe", { bodyParser: false } as never)).toThrow(`${name} has no option`);
  });
});
