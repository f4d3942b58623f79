import type { IncomingMessage, ServerResponse } from "node:http";
import type { WebhookAdapter } from "../adapter.js";
import { assertKnownKeys, invalidOption } from "../errors.js";
import type { Relay } from "../relay.js";
import { type HandlerOptions, handleWebhook, maxBodyBytesOf, type WebhookResponse } from "./handle-webhook.js";
import { type NodeRequest, readRawBody } from "./read-raw-body.js";

/** An Express middleware, written down without Express: it fits Express 4 and 5, and Connect. */
export type ExpressHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

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
  return function affonsoRelay(request, response, next) {
    const source = sourceInPath(request.url ?? "/");
    if (source === undefined || !isSource(relay, source)) return next();
    respond(relay, source, request, response, { maxBodyBytes }).catch(next);
  };
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
  if (!isSource(relay, source)) throw invalidOption("source", `one of ${relay.sources.join(", ")}`, source);
  const { onReceived = "respond" } = options;
  if (onReceived !== "respond" && onReceived !== "next") {
    throw invalidOption("onReceived", '"respond" or "next"', onReceived);
  }
  const maxBodyBytes = maxBodyBytesOf(options);
  return function affonsoRelay(request, response, next) {
    const onTaken = onReceived === "next" ? next : undefined;
    respond(relay, source, request, response, { maxBodyBytes, onTaken }).catch(next);
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

interface RespondOptions {
  readonly maxBodyBytes: number;
  readonly onTaken?: (() => void) | undefined;
}

async function respond(
  relay: Relay,
  source: string,
  request: NodeRequest,
  response: ServerResponse,
  { maxBodyBytes, onTaken }: RespondOptions,
): Promise<void> {
  const answer = await handleWebhook(relay, source, {
    method: request.method,
    headers: request.headers,
    readBody: () => readRawBody(request, maxBodyBytes),
  });
  if (response.headersSent || response.destroyed) return;
  if (answer.status === 200 && onTaken !== undefined) return onTaken();
  write(response, answer, request);
}

function write(response: ServerResponse, { status, headers, body }: WebhookResponse, request: IncomingMessage): void {
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  // The rest of an unread body would be taken for the next request on this connection.
  if (!request.readableEnded) response.setHeader("connection", "close");
  response.end(body);
}

/** The one segment of the path below the mount point; undefined where there are none or several. */
function sourceInPath(url: string): string | undefined {
  return /^\/([^/?#]+)\/?(?:[?#]|$)/.exec(url)?.[1];
}

function isSource(relay: Relay, source: string): boolean {
  return relay.sources.includes(source);
}
