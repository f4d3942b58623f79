import { describe, expect, it } from "vitest";
import { createNextApiHandler, createNextRouteHandler } from "../../../src/http/next.js";
import type { Relay } from "../../../src/relay.js";
import { listen } from "../../helpers/listen.js";
import { sandboxForTests } from "../../helpers/relay.js";
import { billingSignature, invoicePaid, stripeSignature } from "../../helpers/webhooks.js";

const { relay: relayTo, sandbox } = await sandboxForTests();

// Beside test/frameworks, where apps that Next.js has built are asked: the same functions without it.
describe.each([
  ["route handler", (args: Args) => fetched(createNextRouteHandler(...args))],
  ["API handler", (args: Args) => served(createNextApiHandler(...args))],
] as const)("the %s for Next.js", (_, mount) => {
  const body = invoicePaid("next");
  const signed = (text: string) => ({ "stripe-signature": stripeSignature(text) });

  it("takes the source from the path that was asked for", async () => {
    const post = mount([relayTo()]);
    const lead = JSON.stringify({ id: "evt_lead" });
    expect(await post("/webhooks/stripe?x=/billing", body, signed(body))).toBe(200);
    expect(await post("/api/in/billing/", lead, { "x-billing-signature": billingSignature(lead) })).toBe(200);
    expect(sandbox.events).toHaveLength(2);
    expect(await post("/webhooks/nobody", body, signed(body))).toBe(404);
    expect(await post("/", body, signed(body))).toBe(404);
  });

  it("serves one source below any path, and no body above its limit", async () => {
    const post = mount([relayTo(), "stripe", { maxBodyBytes: body.length }]);
    expect(await post("/anything", body, signed(body))).toBe(200);
    expect(await post("/anything", body, { "stripe-signature": "t=1,v1=00" })).toBe(401);
    expect(await post("/anything", `${body} `, signed(`${body} `))).toBe(413);
  });

  it("refuses wrong options where it is made", () => {
    expect(() => mount([relayTo(), "nobody" as never])).toThrow("source must be one of stripe, billing");
    expect(() => mount([relayTo(), "stripe", { maxbodybytes: 1 } as never])).toThrow("has no option maxbodybytes");
    expect(() => mount([relayTo(), "stripe", { maxBodyBytes: 0 }])).toThrow("maxBodyBytes");
  });
});

type Args = Parameters<
  typeof createNextRouteHandler<ReturnType<typeof relayTo> extends Relay<infer Adapters> ? Adapters : never>
>;
type Post = (path: string, body: string, headers: Record<string, string>) => Promise<number>;

function fetched(handler: ReturnType<typeof createNextRouteHandler>): Post {
  return async (path, body, headers) => {
    const request = new Request(`https://app.example${path}`, { method: "POST", body, headers });
    return (await handler(request)).status;
  };
}

function served(handler: ReturnType<typeof createNextApiHandler>): Post {
  return async (path, body, headers) => {
    const { url, close } = await listen((request, response) => void handler(request, response));
    try {
      return (await fetch(`${url}${path}`, { method: "POST", body, headers })).status;
    } finally {
      await close();
    }
  };
}
