import type { IncomingMessage, ServerResponse } from "node:http";
import type { WebhookAdapter } from "../adapter.js";
import type { Relay } from "../relay.js";
import { answerFetchRequest } from "./answer-fetch.js";
import { answerNodeRequest } from "./answer-node.js";
import { type HandlerOptions, maxBodyBytesOf } from "./binding-options.js";
import { lastSegment } from "./source.js";

/** What a `route.ts` of the App Router exports as `POST`, written down without Next.js; it needs no `context`. */
export type NextRouteHandler = (request: Request) => Promise<Response>;

/** What a file below `pages/api` exports as its default, written down without Next.js. */
export type NextApiHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const ROUTE_ADVICE =
  "Call the handler before request.json() or request.text() in this route and in what wraps it, or hand it request.clone()";

const API_ADVICE =
  "Turn Next's parser off before affonso-relay can work here: in the file of this API route, add " +
  "`export const config = { api: { bodyParser: false } }`";

/**
 * The `POST` of a route handler of the App Router, on the Node.js and the edge runtime. In
 * `app/webhooks/[source]/route.ts`: `export const POST = createNextRouteHandler(relay)`. Next.js answers
 * other methods with 405 itself.
 *
 * @param source - The adapter's name. Without it, the last segment of the path says which: of the one that was asked for,
 *   also where a rewrite led to this route.
 * @throws RelayError `invalid_options`, also when the relay has no such source.
 * @see https://nextjs.org/docs/app/api-reference/file-conventions/route
 */
export function createNextRouteHandler<Adapters extends readonly WebhookAdapter[]>(
  relay: Relay<Adapters>,
  source?: Relay<Adapters>["sources"][number],
  options: HandlerOptions = {},
): NextRouteHandler {
  const maxBodyBytes = maxBodyBytesOf({ factory: "createNextRouteHandler", relay, source, options });
  return (request) =>
    answerFetchRequest(relay, source ?? lastSegment(request.url), request, { maxBodyBytes, advice: ROUTE_ADVICE });
}

/**
 * The default export of an API route of the Pages Router. In `pages/api/webhooks/[source].ts`:
 *
 * ```ts
 * export const config = { api: { bodyParser: false } };
 * export default createNextApiHandler(relay);
 * ```
 *
 * Next.js reads `config` from the text of that file when it builds, so it can't come from here, nor from another module:
 * Turbopack refuses to build one that is re-exported. Without it, webhooks are answered 500 `body_already_parsed`.
 *
 * @param source - The adapter's name. Without it, the last segment of the path says which: of the one that was asked for,
 *   also where a rewrite led to this route.
 * @throws RelayError `invalid_options`, also when the relay has no such source.
 * @see https://nextjs.org/docs/pages/building-your-application/routing/api-routes#custom-config
 */
export function createNextApiHandler<Adapters extends readonly WebhookAdapter[]>(
  relay: Relay<Adapters>,
  source?: Relay<Adapters>["sources"][number],
  options: HandlerOptions = {},
): NextApiHandler {
  const maxBodyBytes = maxBodyBytesOf({ factory: "createNextApiHandler", relay, source, options });
  return (request, response) =>
    answerNodeRequest(relay, source ?? lastSegment(request.url ?? ""), request, response, {
      maxBodyBytes,
      advice: API_ADVICE,
    });
}
