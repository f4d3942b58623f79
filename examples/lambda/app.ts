import { createRelay } from "affonso-relay";
import { createLambdaHandler } from "affonso-relay/lambda";
import { stripe } from "affonso-relay/stripe";
import type { AppConfig } from "../support/demonstrate.js";

/** What the function's file exports as `handler`; on Lambda, the values come from the environment. */
export function createHandler({ affonso, stripeWebhookSecret }: AppConfig) {
  // Without an outbox: Lambda freezes the process once it has answered, so the answer has to wait for the endpoint.
  const relay = createRelay({ ...affonso, adapters: [stripe({ webhookSecret: stripeWebhookSecret })] });
  return createLambdaHandler(relay);
}
