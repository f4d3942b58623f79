import type { WebhookAdapter } from "../adapter.js";
import { RelayError } from "../errors.js";
import type { Relay } from "../relay.js";
import { answerNodeRequest, type NodeResponse, webhooksBelow, writeAnswer } from "./answer-node.js";
import { assertSource, type HandlerOptions, maxBodyBytesOf } from "./binding-options.js";
import { errorAnswer } from "./handle-webhook.js";
import type { NodeRequest } from "./read-raw-body.js";
import { basePathOf } from "./source.js";

export type { NodeRequest, NodeResponse };

/**
 * A listener for `createServer` of node:http, node:https and node:http2, and with its `next` a middleware of Connect,
 * Polka and others that hand Node's own requests on.
 */
export type NodeMiddleware = (request: NodeRequest, response: NodeResponse, next?: (error?: unknown) => void) => void;

/** A listener for one route of a server of node:http, node:https or node:http2. */
export type NodeHandler = (request: NodeRequest, response: NodeResponse) => void;

const ADVICE =
  "Call affonso-relay before anything that reads the request, or leave the bytes in request.rawBody as a Buffer";

/** Options of {@link createNodeMiddleware}. */
export interface NodeMiddlewareOptions extends HandlerOptions {
  /**
   * The path that the sources are below. Leave it out where a framework takes it off `request.url`, as
   * `app.use("/webhooks", …)` of Connect and Polka does.
   *
   * @default "/"
   */
  readonly basePath?: string | undefined;
}

/**
 * All adapters of a relay on one of Node's own servers:
 * `createServer(createNodeMiddleware(relay, { basePath: "/webhooks" }))` takes `POST /webhooks/stripe`,
 * `POST /webhooks/paddle` and so on. Any other path goes to `next()`; where there is none, it is answered 404.
 *
 * @throws RelayError `invalid_options`.
 * @see https://nodejs.org/api/http2.html#compatibility-api
 */
export function createNodeMiddleware<Adapters extends readonly WebhookAdapter[]>(
  relay: Relay<Adapters>,
  options: NodeMiddlewareOptions = {},
): NodeMiddleware {
  const maxBodyBytes = maxBodyBytesOf({ factory: "createNodeMiddleware", relay, options, optionNames: ["basePath"] });
  const basePath = basePathOf(options.basePath);
  const middleware = webhooksBelow(relay, { basePath, maxBodyBytes, advice: ADVICE });
  return function affonsoRelay(request, response, next) {
    const last = (error?: unknown) => (error === undefined ? answerNotFound(request, response) : cut(response, error));
    middleware(request, response, next ?? last);
  };
}

/**
 * A handler for one source, for a route of yours: `if (request.url === "/stripe") return handler(request, response)`.
 *
 * @throws RelayError `invalid_options`, also when the relay has no such source.
 * @see https://nodejs.org/api/http.html#event-request
 */
export function createNodeHandler<Adapters extends readonly WebhookAdapter[]>(
  relay: Relay<Adapters>,
  source: Relay<Adapters>["sources"][number],
  options: HandlerOptions = {},
): NodeHandler {
  const maxBodyBytes = maxBodyBytesOf({ factory: "createNodeHandler", relay, options });
  assertSource(relay, source);
  return function affonsoRelay(request, response) {
    answerNodeRequest(relay, source, request, response, { maxBodyBytes, advice: ADVICE }).catch((error: unknown) =>
      cut(response, error),
    );
  };
}

/** Not handed to the relay, which would log a warning for whatever the internet's scanners ask for. */
function answerNotFound(request: NodeRequest, response: NodeResponse): void {
  if (response.headersSent) return;
  writeAnswer(request, response, errorAnswer(new RelayError("unknown_source", "no webhook is taken on this path")));
}

/** The answer can't be written and nobody is there to be told: the provider must not wait for it, and sends again. */
function cut(response: NodeResponse, error: unknown): void {
  response.destroy();
  process.emitWarning(error instanceof Error ? error : String(error));
}
