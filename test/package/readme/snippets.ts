/** The README's snippets by their places, each with the names of `reader.ts` that it leans on. */
export const snippets: Readonly<Record<string, readonly string[]>> = {
  "Five minutes to the first event 1": [],
  "Five minutes to the first event 2": [],
  "Three ways to use it 1": ["app", "createExpressMiddleware", "relay"],
  "Three ways to use it 2": ["app", "express", "relay", "secret", "stripeClient"],
  "Three ways to use it 3": ["app", "createExpressHandler", "relay", "yourHandler"],
  "Three ways to use it 4": ["relay"],
  "The referral must reach the payment 1": ["app", "line_items", "stripeClient", "success_url"],
  "Events from your code 1": ["referralFrom", "relay", "req", "user"],
  "custom 1": [],
  "Running it 1": ["id", "relay"],
};

/** Code that stands within the README's sentences, each with the names of `reader.ts` that it leans on. */
export const phrases: Readonly<Record<string, readonly string[]>> = {
  'stripe({ webhookSecret, testMode: "forward" })': ["stripe", "webhookSecret"],
  'app.use(express.json({ verify: captureRawBody, limit: "1mb" }))': ["app", "captureRawBody", "express"],
};

interface Mount {
  /** The app, once for each version whose types differ. */
  readonly given: readonly string[];
  /** The names of `reader.ts` that it leans on. */
  readonly names: readonly string[];
  /** What stands before and after it in the file that it is for. */
  readonly around?: readonly [before: string, after: string];
}

/** The lines of the table of servers, by its first column. */
export const mounts: Readonly<Record<string, Mount>> = {
  "Express 4, 5": { given: ['import type { Express } from "express"; declare const app: Express;'], names: ["relay"] },
  "Fastify 4, 5": {
    given: ["fastify", "fastify4"].map(
      (fastify) => `import type { FastifyInstance } from "${fastify}"; declare const app: FastifyInstance;`,
    ),
    names: ["relay"],
  },
  "Koa 2, 3": { given: ['import type Koa from "koa"; declare const app: Koa;'], names: ["relay"] },
  "Hono 4": { given: ['import type { Hono } from "hono"; declare const app: Hono;'], names: ["relay"] },
  "NestJS 10, 11, 12": {
    given: ['import type { ModuleMetadata } from "@nestjs/common";'],
    names: ["relay"],
    around: ["export const metadata: ModuleMetadata = {", "};"],
  },
  "Next.js 13.4 to 16, App Router": {
    given: ["next", "next15"].map((next) => `import type { NextRequest } from "${next}/server.js";`),
    names: ["relay"],
    // As the types that `next build` writes ask of a route.
    around: [
      "",
      "POST satisfies (request: NextRequest, context: { params: Promise<{ source: string }> }) => Promise<Response>;",
    ],
  },
  "Next.js, Pages Router": {
    given: ["next", "next15"].map((next) => `import type { NextApiHandler } from "${next}";`),
    names: ["relay"],
    around: ["", 'import route from "#this"; route satisfies NextApiHandler;'],
  },
  "`node:http`, http2, Connect, Polka": {
    given: ["http", "http2"].map((http) => `import { createServer } from "node:${http}";`),
    names: ["relay"],
  },
  "AWS Lambda: API Gateway, function URL, ALB": {
    given: ["APIGatewayProxyEvent", "APIGatewayProxyEventV2", "LambdaFunctionURLEvent", "ALBEvent"].map(
      (event) => `import type { Handler, ${event} as Event } from "aws-lambda";`,
    ),
    names: ["relay"],
    around: ["", "handler satisfies Handler<Event>;"],
  },
  "SvelteKit 2": { given: ['import type { RequestHandler } from "@sveltejs/kit";'], names: ["handler"] },
  "Astro 5": { given: ['import type { APIRoute } from "astro";'], names: ["handler"] },
  "React Router 7 (Remix)": { given: ['import type { ActionFunctionArgs } from "react-router";'], names: ["handler"] },
  "Nuxt 3, 4 (h3 1)": {
    given: ['import { defineEventHandler, toWebRequest } from "h3v1";'],
    names: ["handler"],
    around: ["export default", ""],
  },
  "h3 2": { given: ['import type { H3 } from "h3"; declare const app: H3;'], names: ["handler"] },
  // Bun's and Deno's own types are packages that nothing else here needs: https://bun.sh/docs/api/http#routing
  Bun: {
    given: [
      "declare const Bun: { serve(options: { routes: Record<string, (request: Request) => Promise<Response>> }): unknown };",
    ],
    names: ["handler"],
  },
  Deno: {
    given: ["declare const Deno: { serve(handler: (request: Request) => Response | Promise<Response>): unknown };"],
    names: ["handler"],
  },
  "Cloudflare Workers": {
    given: [
      "interface Env { SECRET: string } declare const handlerOf: (env: Env) => (request: Request) => Promise<Response>;",
    ],
    names: [],
  },
};
