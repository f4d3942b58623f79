import { createRelay } from "affonso-relay";
import { createFetchHandler } from "affonso-relay/fetch";
import { stripe } from "affonso-relay/stripe";

/** What is used of Deno, for the TypeScript of this repository: Deno itself knows the whole of it. */
declare const Deno: {
  readonly env: { get(name: string): string | undefined };
  serve(options: { port: number }, handler: (request: Request) => Response | Promise<Response>): unknown;
};

const relay = createRelay({
  apiKey: Deno.env.get("AFFONSO_API_KEY"),
  signingSecret: Deno.env.get("AFFONSO_SIGNING_SECRET"),
  baseUrl: Deno.env.get("AFFONSO_BASE_URL"),
  adapters: [stripe({ webhookSecret: Deno.env.get("STRIPE_WEBHOOK_SECRET") })],
});
const receive = createFetchHandler(relay);

// deno run --allow-net --allow-env server.ts
Deno.serve({ port: Number(Deno.env.get("PORT") ?? "8000") }, (request) => {
  const { pathname } = new URL(request.url);
  return pathname.startsWith("/webhooks/") ? receive(request) : new Response("not found", { status: 404 });
});
