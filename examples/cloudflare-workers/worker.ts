import { createRelay } from "affonso-relay";
import { createFetchHandler } from "affonso-relay/fetch";
import { stripe } from "affonso-relay/stripe";

/** The secrets of `wrangler secret put`. */
export interface Env {
  readonly AFFONSO_API_KEY: string;
  readonly AFFONSO_SIGNING_SECRET: string;
  readonly STRIPE_WEBHOOK_SECRET: string;
  /** Where a sandbox is asked in place of Affonso. */
  readonly AFFONSO_BASE_URL?: string;
}

let handler: ((request: Request) => Promise<Response>) | undefined;

/** Made with an isolate's first request, which brings the secrets, and kept for its others. */
function handlerOf(env: Env): (request: Request) => Promise<Response> {
  handler ??= createFetchHandler(
    createRelay({
      apiKey: env.AFFONSO_API_KEY,
      signingSecret: env.AFFONSO_SIGNING_SECRET,
      baseUrl: env.AFFONSO_BASE_URL,
      adapters: [stripe({ webhookSecret: env.STRIPE_WEBHOOK_SECRET })],
    }),
  );
  return handler;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith("/webhooks/")) return new Response("not found", { status: 404 });
    // Never `ctx.waitUntil(handlerOf(env)(request))` with a 200 at once: Cloudflare cancels such work 30 seconds after
    // the answer, and what fails in it is lost, since a provider that got its 200 sends nothing again.
    // https://developers.cloudflare.com/workers/runtime-apis/context/#waituntil
    return handlerOf(env)(request);
  },
};
