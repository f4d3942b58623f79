import type { IncomingMessage, ServerResponse } from "node:http";
import type { WebhookAdapter } from "../adapter.js";
import { assertKnownKeys, invalidOption } from "../errors.js";
import type { Relay } from "../relay.js";
import { type HandlerOptions, maxBodyBytesOf } from "./handle-webhook.js";
import { answerNodeRequest, webhooksBelow } from "./node-webhook.js";
import type { NodeRequest } from "./read-raw-body.js";
import { assertSource } from "./source.js";

/** An Express middleware, written down without Express: it fits Express 4 and 5, and Connect. */
export type ExpressHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

const ADVICE =
  "Mount affonso-relay before express.json(), or keep the bytes: app.use(express.json({ verify: captureRawBody })) " +
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
 */
export function createExpressMiddleware<Adapters extends readonly WebhookAdapter[]>(
  relay: Relay<Adapters>,
  options: HandlerOptions = {},
): ExpressHandler {
  assertKnownKeys("createExpressMiddleware", options, ["maxBodyBytes"]);
  const maxBodyBytes = maxBodyBytesOf(options);
  // Express takes the mount point off the path.
  return webhooksBelow(relay, { basePath: "", maxBodyBytes, advice: ADVICE });
}

/**
 * A handler for one source on a route of yours: `app.post("/stripe", createExpressHandler(relay, "stripe"))`.
 *
 * @throws RelayError `invalid_options`, also when the relay has no such source.
 */
export function createExpressHandler<Adapters extends readonly WebhookAdapter[]>(
  relay: Relay<Adapters>,
  source: Relay<Adapters>["sources"][number],
  options: ExpressHandlerOptions = {},
): ExpressHandler {
  assertKnownKeys("createExpressHandler", options, ["maxBodyBytes", "onReceived"]);
  assertSource(relay, source);
  const { onReceived = "respond" } = options;
  if (onReceived !== "respond" && onReceived !== "next") {
    throw invalidOption("onReceived", '"respond" or "next"', onReceived);
  }
  const maxBodyBytes = maxBodyBytesOf(options);
  return function affonsoRelay(request, response, next) {
    const onTaken = onReceived === "next" ? next : undefined;
    answerNodeRequest(relay, source, request, response, { maxBodyBytes, advice: ADVICE, onTaken }).catch(next);
  };
}

/**
 * Keeps the raw bytes where `express.json()` must stay in front:
 * `app.use(express.json({ verify: captureRawBody }))`.
 */
export function captureRawBody(request: IncomingMessage, _response: ServerResponse, bytes: Buffer): void {
  const keeping: NodeRequest = request;
  keeping.rawBody = bytes;
}
