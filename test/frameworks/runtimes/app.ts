import { createRelay } from "affonso-relay";
import { custom, hmacSha256 } from "affonso-relay/custom";
import { createFetchHandler } from "affonso-relay/fetch";
import { paddle } from "affonso-relay/paddle";
import { stripe } from "affonso-relay/stripe";
import * as z from "zod";
import type { Environment } from "./environment.js";

type Outbox = NonNullable<Parameters<typeof createRelay>[0]["outbox"]>;
type FetchHandler = (request: Request) => Promise<Response>;

/** The contract suite's relay, of the built package as users have it, and with Paddle. */
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
      paddle({ webhookSecret: environment.PADDLE_WEBHOOK_SECRET }),
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

/** The relay's handler, or the app's own parser in front of it where the suite asks for one. */
export function createWebhookHandler(environment: Environment, outbox?: Outbox): FetchHandler {
  const relay = createRelayFor(environment, outbox);
  const handler = createFetchHandler(relay, undefined, optionsOf(environment));
  const { PARSES: parses } = environment;
  if (parses === undefined) return handler;
  return async (request) => {
    await (parses === "clone" ? request.clone() : request).json();
    return handler(request);
  };
}

/** The app's own routes. */
export async function answerElsewhere(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  return pathname === "/echo" ? Response.json(await request.json()) : new Response("not found", { status: 404 });
}

/** Both, for servers that have no routes. */
export function createApp(environment: Environment, outbox?: Outbox): FetchHandler {
  const handler = createWebhookHandler(environment, outbox);
  return (request) => {
    const { pathname } = new URL(request.url);
    return pathname.startsWith(`${environment.BASE_PATH}/`) ? handler(request) : answerElsewhere(request);
  };
}

export function optionsOf({ MAX_BODY_BYTES }: Environment): { readonly maxBodyBytes: number | undefined } {
  return { maxBodyBytes: numberOf(MAX_BODY_BYTES) };
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
