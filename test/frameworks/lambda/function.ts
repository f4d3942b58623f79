/** What is deployed: the contract suite's app, made once for each environment of Lambda. */
import { createLambdaHandler } from "affonso-relay/lambda";
import { createRelayFor, optionsOf } from "../runtimes/app.js";
import type { Environment } from "../runtimes/environment.js";
import { parsesJson } from "./middy.js";

const environment = process.env as unknown as Environment;
const receive = createLambdaHandler(createRelayFor(environment), undefined, optionsOf(environment));

type Event = Parameters<typeof receive>[0] & { readonly body?: string | null; readonly isBase64Encoded?: boolean };

export const handler = (event: Event) => receive(event);

/** Behind middy's JSON parser, which eats the text or keeps it. */
export const parsed = parsesJson(receive);
export const kept = parsesJson(receive, { keepsRawBody: true });

/** A function of the app's own. */
export const echo = async ({ body }: Event) => ({
  statusCode: 200,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(JSON.parse(`${body}`)),
  isBase64Encoded: false,
});
