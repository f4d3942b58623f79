import { sqliteOutbox } from "affonso-relay/sqlite";
import { answerElsewhere, createWebhookHandler } from "../runtimes/app.js";
import type { Environment } from "../runtimes/environment.js";

type FetchHandler = (request: Request) => Promise<Response>;

/** What is used of Bun: https://bun.com/docs/runtime/http/routing */
declare const Bun: {
  readonly env: unknown;
  serve(options: { hostname: string; port: number; routes: Record<string, FetchHandler>; fetch: FetchHandler }): {
    readonly url: URL;
  };
};

const environment = Bun.env as Environment;
const { OUTBOX_FILE: path } = environment;
const handler = createWebhookHandler(environment, path === undefined ? undefined : sqliteOutbox({ path }));
const { url } = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  routes: { [`${environment.BASE_PATH}/:source`]: handler },
  fetch: answerElsewhere,
});
console.log(`listening on ${url.origin}`);
