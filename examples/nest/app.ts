import "reflect-metadata";
import { Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { createRelay } from "affonso-relay";
import { AffonsoRelayModule } from "affonso-relay/nest";
import { stripe } from "affonso-relay/stripe";
import type { AppConfig } from "../support/demonstrate.js";

/** An app on NestJS: POST /webhooks/stripe is the relay's, which starts and stops with the app. */
export async function createApp({ affonso, stripeWebhookSecret }: AppConfig) {
  const relay = createRelay({ ...affonso, adapters: [stripe({ webhookSecret: stripeWebhookSecret })] });

  class AppModule {}
  // In an app compiled with experimentalDecorators: @Module({ imports: [AffonsoRelayModule.forRoot({ relay })] })
  Module({ imports: [AffonsoRelayModule.forRoot({ relay })] })(AppModule);

  const app = await NestFactory.create(AppModule, { logger: ["error", "warn"] });
  app.enableShutdownHooks();
  return app;
}
