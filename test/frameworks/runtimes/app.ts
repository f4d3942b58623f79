import { createRelay } from "affonso-relay";
import { custom, hmacSha256 } from "affonso-relay/custom";
import { createFetchHandler } from "affonso-relay/fetch";
import { stripe } from "affonso-relay/stripe";
import * as z from "zod";
import type { Environment } from "./environment.js";

type Outbox = NonNullable<Parameters<typeof createRelay>[0]["outbox"]>;

/** The contract suite's relay, of the built package as users have it. */
export function createRelayFor(environment: Environment, outbox?: Outbox) {
  return createRelay({
    apiKey: environment.AFFONSO_API_KEY,
    signingSecret: environment.AFFONSO_SIGNING_SECRET,
    baseUrl: environment.AFFONSO_BASE_URL,
    timeoutMs: numberOf(environment.TIMEOUT_MS),
    outbox,
    on: { delivered: ({ event }) => console.log(`delivered ${event.externalEventId}`) },
    adapters: [
      stripe({ webhookSecret: environment.STRIPE_WEBHOOK_SECRET }),
      custom({
        name: "billing",
        verify: hmacSha256({ header: "x-billing-signature", secret: environment.BILLING_WEBHOOK_SECRET }),
        schema: z.object({ id: z.string() }),
        normalize: ({ id }) => ({
          name: "lead",
          type: "lead",
          externalEventId: id,
          identity: { referralId: "ref_ada" },
        }),
      }),
    ],
  });
}

/** The contract suite's app for servers that speak Request and Response. */
export function createApp(environment: Environment, outbox?: Outbox): (request: Request) => Promise<Response> {
  const relay = createRelayFor(environment, outbox);
  const receive = createFetchHandler(relay, undefined, { maxBodyBytes: numberOf(environment.MAX_BODY_BYTES) });
  return async function app(request) {
    const { pathname } = new URL(request.url);
    if (environment.PARSES === "clone") await request.clone().json();
    if (pathname === "/echo") return Response.json(await request.json());
    if (!pathname.startsWith(`${environment.BASE_PATH}/`)) return new Response("not found", { status: 404 });
    if (environment.PARSES === "request") await request.json();
    return receive(request);
  };
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
