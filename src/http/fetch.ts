import type { WebhookAdapter } from "../adapter.js";
import { assertKnownKeys, RelayError } from "../errors.js";
import type { Relay } from "../relay.js";
import { type HandlerOptions, handleWebhook, maxBodyBytesOf } from "./handle-webhook.js";
import { assertSource, lastSegment } from "./source.js";

/**
 * A handler for anything that speaks `Request` and `Response`: Hono, Next.js, Bun, Deno, Workers, SvelteKit.
 *
 * @param source - The adapter's name. Without it, the last segment of the request's path says which.
 * @throws RelayError `invalid_options`, also when the relay has no such source.
 */
export function createFetchHandler<Adapters extends readonly WebhookAdapter[]>(
  relay: Relay<Adapters>,
  source?: Relay<Adapters>["sources"][number],
  options: HandlerOptions = {},
): (request: Request) => Promise<Response> {
  assertKnownKeys("createFetchHandler", options, ["maxBodyBytes"]);
  const maxBodyBytes = maxBodyBytesOf(options);
  if (source !== undefined) assertSource(relay, source);
  return async (request) => {
    const answer = await handleWebhook(relay, source ?? lastSegment(request.url), {
      method: request.method,
      headers: request.headers,
      readBody: () => readBody(request, maxBodyBytes),
    });
    return new Response(answer.body, { status: answer.status, headers: answer.headers });
  };
}

async function readBody(request: Request, maxBodyBytes: number): Promise<Uint8Array> {
  if (request.bodyUsed) {
    throw new RelayError(
      "body_already_parsed",
      "this request's body was read before affonso-relay could see its bytes. Call the handler before " +
        "request.json() or request.text(), or hand it request.clone()",
    );
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Read by chunks, since content-length is only what the sender says.
  for await (const chunk of chunksOf(request)) {
    size += chunk.byteLength;
    if (size > maxBodyBytes) throw new RelayError("body_too_large", `the body has more than ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  const body = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.byteLength;
  }
  return body;
}

/** The body's chunks; the rest is cancelled when the reader of this stops early. */
async function* chunksOf(request: Request): AsyncGenerator<Uint8Array> {
  const reader = request.body?.getReader();
  if (reader === undefined) return;
  try {
    for (let read = await next(reader); read.value !== undefined; read = await next(reader)) yield read.value;
  } finally {
    // Fails where the stream has failed already, which the reader has been told.
    await reader.cancel().catch(() => {});
  }
}

async function next(reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    return await reader.read();
  } catch (cause) {
    throw new RelayError("client_gone", "the sender hung up before its body was complete", { cause });
  }
}
