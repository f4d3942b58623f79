import type { WebhookAdapter } from "../adapter.js";
import type { Relay } from "../relay.js";
import { type NodeResponse, refuseRest } from "./answer-node.js";
import { type HandlerOptions, maxBodyBytesOf } from "./binding-options.js";
import { handleWebhook } from "./handle-webhook.js";
import { type NodeRequest, readRawBody } from "./read-raw-body.js";

/**
 * A Fastify request, as far as it is needed, written down without Fastify.
 *
 * @see https://fastify.dev/docs/latest/Reference/Request/
 */
export interface FastifyRequest {
  readonly raw: NodeRequest;
  /** The raw bytes, where a hook of the app kept them. */
  readonly rawBody?: unknown;
}

/**
 * A Fastify reply, as far as it is needed, written down without Fastify.
 *
 * @see https://fastify.dev/docs/latest/Reference/Reply/
 */
export interface FastifyReply {
  readonly raw: NodeResponse;
  code(status: number): unknown;
  headers(values: Record<string, string>): unknown;
  send(payload: string): unknown;
}

/**
 * What a plugin gets of the app: a scope of its own. Written down without Fastify: it fits Fastify 4 and 5.
 *
 * @see https://fastify.dev/docs/latest/Reference/Server/
 */
export interface FastifyScope {
  removeAllContentTypeParsers(): void;
  addContentTypeParser(
    contentType: string,
    parser: (request: FastifyRequest, payload: unknown, done: (error: null) => void) => void,
  ): unknown;
  all(
    path: string,
    options: { readonly config: object },
    handler: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>,
  ): unknown;
}

/** A Fastify plugin, written down without Fastify: it fits `register` of Fastify 4 and 5. */
export type FastifyPlugin = (scope: FastifyScope) => Promise<void>;

const ADVICE =
  "In Fastify that was an onRequest or preParsing hook: add it in a scope beside affonso-relay's, with the routes that " +
  "need it (app.register(async (scope) => { scope.addHook(…) })), or let it keep the bytes in request.rawBody";

/**
 * A plugin for all adapters of a relay: `app.register(createFastifyPlugin(relay), { prefix: "/webhooks" })` takes
 * `POST /webhooks/stripe`, `POST /webhooks/paddle` and so on; any other path stays the app's. It may stand before or
 * after the app's body parsers, which see nothing of the webhooks: it has a scope and a parser of its own. Don't wrap it
 * in fastify-plugin, which would make that scope the app's.
 *
 * @throws RelayError `invalid_options`.
 * @see https://fastify.dev/docs/latest/Reference/ContentTypeParser/
 * @see https://fastify.dev/docs/latest/Reference/Encapsulation/
 */
export function createFastifyPlugin<Adapters extends readonly WebhookAdapter[]>(
  relay: Relay<Adapters>,
  options: HandlerOptions = {},
): FastifyPlugin {
  const maxBodyBytes = maxBodyBytesOf({ factory: "createFastifyPlugin", relay, options });
  return async function affonsoRelay(scope) {
    scope.removeAllContentTypeParsers();
    // The stream is left alone: Fastify's bodyLimit holds for what Fastify reads, and would answer in its own words.
    scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
    for (const source of relay.sources) {
      // `rawBody: false` tells fastify-raw-body to leave the stream alone too.
      scope.all(`/${source}`, { config: { rawBody: false } }, (request, reply) =>
        answerRequest(relay, source, request, reply, maxBodyBytes),
      );
    }
  };
}

/** Through the reply, not on Node's response: the app's hooks and its log see what is answered. */
async function answerRequest(
  relay: Relay,
  source: string,
  request: FastifyRequest,
  reply: FastifyReply,
  maxBodyBytes: number,
): Promise<unknown> {
  const { raw } = request;
  const { status, headers, body } = await handleWebhook(relay, source, {
    method: raw.method,
    headers: raw.headers,
    async readBody() {
      await readByOthers(raw);
      return readRawBody(raw, { maxBodyBytes, advice: ADVICE, kept: request.rawBody });
    },
  });
  reply.code(status);
  reply.headers({ ...headers });
  refuseRest(raw, reply.raw);
  return reply.send(body);
}

/**
 * A hook that listens to the stream may have all bytes yet to come, or have seen some already: what it keeps is there at
 * the end. A pause is the end where it pipes the stream into one that nobody reads.
 */
async function readByOthers(raw: NodeRequest): Promise<void> {
  if (raw.readableFlowing !== true || raw.readableEnded) return;
  await new Promise((resolve) => raw.once("end", resolve).once("pause", resolve).once("close", resolve));
}
