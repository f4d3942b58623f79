import type { WebhookAdapter } from "../adapter.js";
import type { Relay } from "../relay.js";
import { answerFetchRequest, type KeptBody } from "./answer-fetch.js";
import { type HandlerOptions, maxBodyBytesOf } from "./binding-options.js";
import { lastSegment } from "./source.js";

/**
 * What the handler needs of Hono's context, written down without Hono: any `Context` fits, whatever its `Bindings`.
 *
 * @see https://hono.dev/docs/api/context
 */
export interface HonoContext {
  readonly req: {
    readonly raw: Request;
    /** What was read of the body so far, by the method that read it: promises, although Hono's types say values. */
    readonly bodyCache: HonoBodyCache;
  };
}

interface HonoBodyCache {
  readonly text?: KeptBody | Promise<KeptBody> | undefined;
  arrayBuffer?: KeptBody | Promise<KeptBody> | undefined;
  readonly blob?: KeptBody | Promise<KeptBody> | undefined;
}

const ADVICE =
  "Mount affonso-relay before the middleware that reads c.req.raw or c.req.formData(), or let that middleware call " +
  "c.req.text() or c.req.arrayBuffer(), whose bytes Hono keeps; those of c.req.json() it keeps from version 4.9 on";

/**
 * A handler for Hono, on every runtime that Hono runs on: `app.all("/webhooks/:source", createHonoHandler(relay))`
 * takes all sources, `app.post("/stripe", createHonoHandler(relay, "stripe"))` one. It answers and never calls `next()`.
 *
 * Middleware may read `c.req.text()`, `c.req.json()` or `c.req.arrayBuffer()` before or after it: Hono keeps what was
 * read, and the handler takes it from there, or leaves there what it has read itself.
 *
 * @param source - The adapter's name. Without it, the last segment of the request's path says which.
 * @throws RelayError `invalid_options`, also when the relay has no such source.
 * @see https://hono.dev/docs/api/request#raw
 */
export function createHonoHandler<Adapters extends readonly WebhookAdapter[]>(
  relay: Relay<Adapters>,
  source?: Relay<Adapters>["sources"][number],
  options: HandlerOptions = {},
): (context: HonoContext) => Promise<Response> {
  const maxBodyBytes = maxBodyBytesOf({ factory: "createHonoHandler", relay, source, options });
  return function affonsoRelay({ req: { raw, bodyCache } }) {
    const { text, arrayBuffer, blob } = bodyCache;
    return answerFetchRequest(relay, source ?? lastSegment(raw.url), raw, {
      maxBodyBytes,
      advice: ADVICE,
      // Not `json` and `formData`: made into text again, they would have other bytes.
      kept: arrayBuffer ?? text ?? blob,
      onRead: (bytes) => {
        bodyCache.arrayBuffer = Promise.resolve(bytes.buffer);
      },
    });
  };
}
