import { sqliteOutbox } from "affonso-relay/sqlite";
import { createApp } from "../runtimes/app.js";
import type { Environment } from "../runtimes/environment.js";

/** What is used of Bun: https://bun.com/docs/runtime/http/server */
declare const Bun: {
  readonly env: unknown;
  serve(options: { hostname: string; port: number; fetch(request: Request): Promise<Response> }): { readonly url: URL };
};

const environment = Bun.env as Environment;
const { OUTBOX_FILE: path } = environment;
const app = createApp(environment, path === undefined ? undefined : sqliteOutbox({ path }));
const { url } = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: app });
console.log(`listening on ${url.origin}`);
