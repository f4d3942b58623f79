import type { WebhookAdapter } from "../adapter.js";
import type { Relay } from "../relay.js";
import { type NodeResponse, refuseRest } from "./answer-node.js";
import { assertSource, type HandlerOptions, maxBodyBytesOf } from "./binding-options.js";
import { handleWebhook } from "./handle-webhook.js";
import { type NodeRequest, readRawBody } from "./read-raw-body.js";
import { basePathOf, sourceOf } from "./source.js";

/**
 * A Koa context, as far as it is needed, written down without Koa: it fits Koa 2 and 3, and `@koa/router`.
 *
 * @see https://github.com/koajs/koa/blob/master/docs/api/context.md
 */
export interface KoaContext {
  readonly req: NodeRequest;
  readonly res: NodeResponse;
  readonly path: string;
  readonly request: KoaRequest;
  status: number;
  body: unknown;
  set(field: string, value: string): unknown;
}

/**
 * A Koa request, with the properties that body parsers leave on it.
 *
 * @see https://koajs.com/#request
 */
export interface KoaRequest {
  readonly method: string;
  /** What a body parser made of the body. */
  readonly body?: unknown;
  /** The body as it came, where `@koa/bodyparser` or its kin kept it. */
  readonly rawBody?: unknown;
}

/** A Koa middleware, written down without Koa. */
export type KoaMiddleware = (context: KoaContext, next: () => Promise<unknown>) => Promise<unknown>;

/** The last middleware of a route, written down without Koa: it never calls `next`. */
export type KoaHandler = (context: KoaContext) => Promise<void>;

const ADVICE =
  "Mount affonso-relay before the body parser, or let the parser keep the bytes in ctx.request.rawBody, as " +
  "@koa/bodyparser does, and koa-body 7 with includeUnparsed: true";

/** Options of {@link createKoaMiddleware}. */
export interface KoaMiddlewareOptions extends HandlerOptions {
  /**
   * The path that the sources are below. Leave it out where koa-mount takes it off the path.
   *
   * @default "/"
   */
  readonly basePath?: string | undefined;
}

/**
 * Middleware for all adapters of a relay: `app.use(createKoaMiddleware(relay, { basePath: "/webhooks" }))` takes
 * `POST /webhooks/stripe`, `POST /webhooks/paddle` and so on; any other path goes to the middleware after it.
 *
 * @throws RelayError `invalid_options`.
 * @see https://koajs.com/#context
 */
export function createKoaMiddleware<Adapters extends readonly WebhookAdapter[]>(
  relay: Relay<Adapters>,
  options: KoaMiddlewareOptions = {},
): KoaMiddleware {
  const maxBodyBytes = maxBodyBytesOf({ factory: "createKoaMiddleware", relay, options, optionNames: ["basePath"] });
  const basePath = basePathOf(options.basePath);
  return async function affonsoRelay(context, next) {
    const source = sourceOf(relay, basePath, context.path);
    return source === undefined ? next() : answerContext(relay, source, context, maxBodyBytes);
  };
}

/**
 * A handler for one source on a route of yours: `router.post("/stripe", createKoaHandler(relay, "stripe"))`.
 *
 * @throws RelayError `invalid_options`, also when the relay has no such source.
 * @see https://koajs.com/#context
 */
export function createKoaHandler<Adapters extends readonly WebhookAdapter[]>(
  relay: Relay<Adapters>,
  source: Relay<Adapters>["sources"][number],
  options: HandlerOptions = {},
): KoaHandler {
  const maxBodyBytes = maxBodyBytesOf({ factory: "createKoaHandler", relay, options });
  assertSource(relay, source);
  return function affonsoRelay(context) {
    return answerContext(relay, source, context, maxBodyBytes);
  };
}

/** Through the context, not on Node's response: Koa writes it, and the middleware around sees what is answered. */
async function answerContext(relay: Relay, source: string, context: KoaContext, maxBodyBytes: number): Promise<void> {
  const { req, res, request } = context;
  const kept = request.rawBody ?? request.body;
  const { status, headers, body } = await handleWebhook(relay, source, {
    method: request.method,
    headers: req.headers,
    readBody: () => readRawBody(req, { maxBodyBytes, advice: ADVICE, kept }),
  });
  context.status = status;
  for (const [name, value] of Object.entries(headers)) context.set(name, value);
  context.body = body;
  refuseRest(req, res);
}
