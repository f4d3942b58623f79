import type { IncomingMessage, ServerResponse } from "node:http";
import type { WebhookAdapter } from "../adapter.js";
import { invalidOption } from "../errors.js";
import type { Relay } from "../relay.js";
import { answerNodeRequest, webhooksBelow } from "./answer-node.js";
import { assertSource, type HandlerOptions, maxBodyBytesOf } from "./binding-options.js";
import type { NodeRequest } from "./read-raw-body.js";

/** An Express middleware, written down without Express: it fits Express 4 and 5, and Connect. */
export type ExpressHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

const ADVICE =
  "Mount affonso-relay before express.json(), or keep the bytes: app.use(express.json({ verify: captureRawBody, limit: '1mb' })) " +
  'with captureRawBody from "affonso-relay/express"';

/** Options of {@link createExpressHandler}. */
export interface ExpressHandlerOptions extends HandlerOptions {
  /**
   * What follows once the webhook was taken: `"respond"` answers 200; `"next"` leaves the answer to the handler after
   * this one, with the raw bytes in `req.body` and `req.rawBody`. A webhook that was not taken is answered here, always.
   *
   * @default "respond"
   */
  readonly onReceived?: "respond" | "next" | undefined;
}

/**
 * Middleware for all adapters of a relay: `app.use("/webhooks", createExpressMiddleware(relay))` takes
 * `POST /webhooks/stripe`, `POST /webhooks/paddle` and so on; any other path goes to `next()`. Mount it before
 * `express.json()`.
 *
 * @throws RelayError `invalid_options`.
 * @see https://expressjs.com/en/guide/using-middleware.html
 */
export function createExpressMiddleware<Adapters extends readonly WebhookAdapter[]>(
  relay: Relay<Adapters>,
  options: HandlerOptions = {},
): ExpressHandler {
  const maxBodyBytes = maxBodyBytesOf({ factory: "createExpressMiddleware", relay, options });
  // Express takes the mount point off the path.
  return webhooksBelow(relay, { basePath: "", maxBodyBytes, advice: ADVICE });
}

/**
 * A handler for one source on a route of yours: `app.post("/stripe", createExpressHandler(relay, "stripe"))`.
 *
 * @throws RelayError `invalid_options`, also when the relay has no such source.
 * @see https://expressjs.com/en/guide/routing.html
 */
export function createExpressHandler<Adapters extends readonly WebhookAdapter[]>(
  relay: Relay<Adapters>,
  source: Relay<Adapters>["sources"][number],
  options: ExpressHandlerOptions = {},
): ExpressHandler {
  const optionNames = ["onReceived"] as const;
  const maxBodyBytes = maxBodyBytesOf({ factory: "createExpressHandler", relay, options, optionNames });
  assertSource(relay, source);
  const { onReceived = "respond" } = options;
  if (onReceived !== "respond" && onReceived !== "next") {
    throw invalidOption("onReceived", '"respond" or "next"', onReceived);
  }
  return function affonsoRelay(request, response, next) {
    const onTaken = onReceived === "next" ? next : undefined;
    answerNodeRequest(relay, source, request, response, { maxBodyBytes, advice: ADVICE, onTaken }).catch(next);
  };
}

/**
 * Keeps the raw bytes where `express.json()` must stay in front:
 * `app.use(express.json({ verify: captureRawBody, limit: "1mb" }))`. The limit is Express's own, 100 kB without it: what is
 * larger never reaches the relay.
 *
 * @see https://github.com/expressjs/body-parser#verify
 */
export function captureRawBody(request: IncomingMessage, _response: ServerResponse, bytes: Buffer): void {
  const keeping: NodeRequest = request;
  keeping.rawBody = bytes;
}
