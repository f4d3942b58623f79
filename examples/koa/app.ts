import Router from "@koa/router";
import { createRelay } from "affonso-relay";
import { createKoaMiddleware } from "affonso-relay/koa";
import { stripe } from "affonso-relay/stripe";
import Koa from "koa";
import type { AppConfig } from "../support/demonstrate.js";

/** A Koa app that takes Stripe's webhooks beside what it does anyway. */
export function createApp({ affonso, stripeWebhookSecret }: AppConfig) {
  const relay = createRelay({ ...affonso, adapters: [stripe({ webhookSecret: stripeWebhookSecret })] });

  const router = new Router();
  router.get("/", (context) => {
    context.body = "hello";
  });

  const app = new Koa();
  // Before the body parser, where there is one: the signature is over the bytes as they came.
  app.use(createKoaMiddleware(relay, { basePath: "/webhooks" }));
  app.use(router.routes());
  return app;
}
