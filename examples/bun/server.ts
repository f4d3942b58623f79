import { createRelay } from "affonso-relay";
import { createFetchHandler } from "affonso-relay/fetch";
import { stripe } from "affonso-relay/stripe";

/** What is used of Bun: your own project has the whole of it from @types/bun. */
declare const Bun: {
  serve(options: {
    port: number;
    routes: Record<string, (request: Request) => Promise<Response>>;
    fetch(request: Request): Response;
  }): { readonly url: URL; stop(): Promise<void> };
};

const { PORT = "3000", AFFONSO_API_KEY, AFFONSO_SIGNING_SECRET, AFFONSO_BASE_URL, STRIPE_WEBHOOK_SECRET } = process.env;

const relay = createRelay({
  apiKey: AFFONSO_API_KEY,
  signingSecret: AFFONSO_SIGNING_SECRET,
  baseUrl: AFFONSO_BASE_URL,
  adapters: [stripe({ webhookSecret: STRIPE_WEBHOOK_SECRET })],
});

const server = Bun.serve({
  port: Number(PORT),
  routes: { "/webhooks/:source": createFetchHandler(relay) },
  fetch: () => new Response("not found", { status: 404 }),
});
console.log(`listening on ${server.url}`);

// Bun waits for the requests under way, and the relay for what they left to do.
process.once("SIGTERM", () => server.stop().then(() => relay.stop()));
