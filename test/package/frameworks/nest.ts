/** An app on Nest, of whatever version, on both of its servers. Prints one line of JSON. */
import "reflect-metadata";
import { Body, Controller, type INestApplication, Module, type NestApplicationOptions, Post } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { FastifyAdapter } from "@nestjs/platform-fastify";
import type { Relay } from "affonso-relay";
import { AffonsoRelayModule } from "affonso-relay/nest";
import { report, visit } from "./visit.js";

// Decorators are called as the functions that they are, so that any compiler takes them.
class EchoController {
  echo(body: unknown): unknown {
    return body;
  }
}
Controller()(EchoController);
Body()(EchoController.prototype, "echo", 0);
Post("echo")(EchoController.prototype, "echo", Object.getOwnPropertyDescriptor(EchoController.prototype, "echo") ?? {});

type Create = (module: new () => object, options: NestApplicationOptions) => Promise<INestApplication>;

const answersOf = (create: Create) => visit((relay) => startApp(create, relay), ["/webhooks/stripe", "/second/stripe"]);

async function startApp(create: Create, relay: Relay) {
  class AppModule {}
  // Two that differ in what their factories know alone: Nest 10 tells modules apart by their text.
  const imports = [AffonsoRelayModule.forRoot({ relay }), AffonsoRelayModule.forRoot({ relay, basePath: "/second" })];
  Module({ imports, controllers: [EchoController] })(AppModule);
  const app = await create(AppModule, { logger: false, abortOnError: false, rawBody: false });
  await app.listen(0, "127.0.0.1");
  return { url: await app.getUrl(), close: () => app.close() };
}

async function onBothServers() {
  return {
    express: await answersOf((module, options) => NestFactory.create(module, options)),
    fastify: await answersOf((module, options) => NestFactory.create(module, new FastifyAdapter(), options)),
  };
}

report(onBothServers());
