import type { WebhookAdapter } from "../adapter.js";
import type { Relay } from "../relay.js";
import { answerFetchRequest } from "./answer-fetch.js";
import { type HandlerOptions, maxBodyBytesOf } from "./binding-options.js";
import { lastSegment } from "./source.js";

const ADVICE = "Call the handler before request.json() or request.text(), or hand it request.clone()";

/**
 * A handler for anything that speaks `Request` and `Response`: SvelteKit, Astro, React Router, Nuxt and h3, Bun, Deno,
 * Cloudflare Workers.
 *
 * @param source - The adapter's name. Without it, the last segment of the request's path says which.
 * @throws RelayError `invalid_options`, also when the relay has no such source.
 * @see https://fetch.spec.whatwg.org/#request-class
 * @see https://fetch.spec.whatwg.org/#response-class
 */
export function createFetchHandler<Adapters extends readonly WebhookAdapter[]>(
  relay: Relay<Adapters>,
  source?: Relay<Adapters>["sources"][number],
  options: HandlerOptions = {},
): (request: Request) => Promise<Response> {
  const maxBodyBytes = maxBodyBytesOf({ factory: "createFetchHandler", relay, source, options });
  return (request) =>
    answerFetchRequest(relay, source ?? lastSegment(request.url), request, { maxBodyBytes, advice: ADVICE });
}
