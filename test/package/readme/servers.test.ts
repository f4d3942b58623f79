import "reflect-metadata";
import type { RequestListener } from "node:http";
import { Module, type ModuleMetadata } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import express from "express";
import fastify from "fastify";
import { H3 } from "h3";
import { createApp, defineEventHandler, toWebHandler, toWebRequest } from "h3v1";
import { Hono } from "hono";
import Koa from "koa";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { createFetchHandler } from "../../../src/http/fetch.js";
import type { Relay } from "../../../src/relay.js";
import { listen as listenToFunction } from "../../frameworks/lambda/gateway.js";
import { functionUrl } from "../../frameworks/lambda/http-api.js";
import { listen } from "../../helpers/listen.js";
import { sandboxForTests } from "../../helpers/relay.js";
import { invoicePaid, stripeSignature } from "../../helpers/webhooks.js";
import { readMarkdown, tablesOf } from "./markdown.js";
import { mountOf } from "./mount.js";
import { Project } from "./project.js";

type FetchHandler = (request: Request) => Promise<Response> | Response;
type Route = (event: { readonly request: Request }) => Promise<Response>;

/** What a line leans on, and where its webhooks are then taken: at a URL, or by a function. */
interface Trial {
  readonly given: Readonly<Record<string, unknown>>;
  readonly open: (line: Record<string, unknown>) => FetchHandler | Promise<{ url: string; close(): Promise<unknown> }>;
}

const [servers = []] = tablesOf(readMarkdown("README.md"), "server");

const trials: Readonly<Record<string, (relay: Relay, handler: FetchHandler) => Trial>> = {
  "Express 4, 5": (relay) => {
    const app = express();
    return { given: { app, relay }, open: () => listen(app) };
  },
  "Fastify 4, 5": (relay) => {
    const app = fastify();
    return {
      given: { app, relay },
      open: async () => ({ url: await app.listen({ port: 0, host: "127.0.0.1" }), close: () => app.close() }),
    };
  },
  "Koa 2, 3": (relay) => {
    const app = new Koa();
    return { given: { app, relay }, open: () => listen(app.callback()) };
  },
  "Hono 4": (relay) => {
    const app = new Hono();
    return { given: { app, relay }, open: () => (request) => app.fetch(request) };
  },
  "NestJS 10, 11, 12": (relay) => ({
    given: { relay },
    async open({ line }) {
      class AppModule {}
      Module(line as ModuleMetadata)(AppModule);
      const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
      await app.listen(0, "127.0.0.1");
      return { url: await app.getUrl(), close: () => app.close() };
    },
  }),
  "Next.js 13.4 to 16, App Router": (relay) => ({ given: { relay }, open: ({ POST }) => POST as FetchHandler }),
  "Next.js, Pages Router": (relay) => ({
    given: { relay },
    open: ({ default: route }) => listen(route as RequestListener),
  }),
  "`node:http`, http2, Connect, Polka": (relay) => ({
    given: { createServer: (listener: RequestListener) => listener, relay },
    open: ({ line }) => listen(line as RequestListener),
  }),
  "AWS Lambda: API Gateway, function URL, ALB": (relay) => ({
    given: { relay },
    open: ({ handler }) => listenToFunction(functionUrl(), { "*": handler as (event: never) => Promise<unknown> }),
  }),
  "SvelteKit 2": (_relay, handler) => ({
    given: { handler },
    open:
      ({ POST }) =>
      (request) =>
        (POST as Route)({ request }),
  }),
  "Astro 5": (_relay, handler) => ({
    given: { handler },
    open:
      ({ ALL }) =>
      (request) =>
        (ALL as Route)({ request }),
  }),
  "React Router 7 (Remix)": (_relay, handler) => ({
    given: { handler },
    open:
      ({ action }) =>
      (request) =>
        (action as Route)({ request }),
  }),
  "Nuxt 3, 4 (h3 1)": (_relay, handler) => ({
    given: { defineEventHandler, handler, toWebRequest },
    open: ({ line }) => toWebHandler(createApp().use(line as ReturnType<typeof defineEventHandler>)),
  }),
  "h3 2": (_relay, handler) => {
    const app = new H3();
    return { given: { app, handler }, open: () => (request) => app.fetch(request) };
  },
  Bun: (_relay, handler) => {
    const serve = ({ routes }: { routes: Record<string, FetchHandler> }) => routes["/webhooks/:source"];
    return { given: { Bun: { serve }, handler }, open: ({ line }) => line as FetchHandler };
  },
  Deno: (_relay, handler) => ({
    given: { Deno: { serve: (served: FetchHandler) => served }, handler },
    open: ({ line }) => line as FetchHandler,
  }),
  "Cloudflare Workers": (_relay, handler) => ({
    given: { handlerOf: () => handler },
    open:
      ({ default: worker }) =>
      (request) =>
        (worker as { fetch(request: Request, env: object): Promise<Response> }).fetch(request, {}),
  }),
};

describe("the README's line for", async () => {
  const project = new Project();
  afterAll(() => project.remove());
  const { sandbox, relay: relayTo } = await sandboxForTests();
  let close: () => Promise<unknown> = async () => {};
  afterEach(() => close());

  it("each server is tried here", () => {
    expect(Object.keys(trials)).toEqual(servers.map(([server]) => server));
  });

  it.each(servers)("%s takes a webhook that Stripe signed, and no other", async (server, from, mount) => {
    const relay = relayTo();
    const { given, open } = trials[server]?.(relay, createFetchHandler(relay)) ?? expect.fail(`no trial of ${server}`);
    const { imports, code } = mountOf(from, mount);
    // A line that exports nothing is an expression; Nest's is part of one.
    const line = /^export /.test(code) ? code : `export const line = ${/^\w+: /.test(code) ? `{ ${code} }` : code};`;
    const opened = open(await project.run(`${imports}${line}`, given));
    const app = typeof opened === "function" ? undefined : await opened;
    close = async () => app?.close();
    const send = async (signed: string, body = signed) => {
      const headers = { "content-type": "application/json", "stripe-signature": stripeSignature(signed) };
      const init = { method: "POST", headers, body };
      const response =
        typeof opened === "function"
          ? await opened(new Request("https://app.test/webhooks/stripe", init))
          : await fetch(`${app?.url}/webhooks/stripe`, init);
      return `${response.status} ${await response.text()}`;
    };

    expect(await send(invoicePaid("1"))).toBe('200 {"received":true,"status":"delivered"}');
    expect(await send(invoicePaid("2"), invoicePaid("3"))).toBe('401 {"error":{"code":"signature_invalid"}}');
    expect(sandbox.conversions).toMatchObject([{ external_event_id: "evt_1", referral_id: "ref_ada" }]);
  });
});
