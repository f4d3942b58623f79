import { sqliteOutbox } from "affonso-relay/sqlite";
import { createApp } from "../runtimes/app.js";
import type { Environment } from "../runtimes/environment.js";

/** What is used of Deno: https://docs.deno.com/api/deno/~/Deno.serve */
declare const Deno: {
  readonly env: { toObject(): unknown };
  serve(options: { hostname: string; port: number }, handler: (request: Request) => Promise<Response>): unknown;
};

const environment = Deno.env.toObject() as Environment;
const { OUTBOX_FILE: path } = environment;
const app = createApp(environment, path === undefined ? undefined : sqliteOutbox({ path }));
// It prints by itself where it listens.
Deno.serve({ hostname: "127.0.0.1", port: 0 }, app);
