import type { Relay } from "../relay.js";
import { bodyAlreadyParsed, bodyTooLarge, limitedByFramework, senderGone } from "./body-errors.js";
import { ByteBuffer } from "./byte-buffer.js";
import { handleWebhook } from "./handle-webhook.js";

/** How a binding over `Request` and `Response` answers. */
export interface FetchWebhookOptions {
  readonly maxBodyBytes: number;
  /** What to do where something in this framework ate the bytes: the end of the error's message. */
  readonly advice: string;
  /** The body, where the framework kept what it read of the request; bytes, or text that was never parsed. */
  readonly kept?: KeptBody | Promise<KeptBody> | undefined;
  /** Told the bytes that were read of the request, so that whoever comes after may have them. */
  readonly onRead?: ((bytes: Uint8Array<ArrayBuffer>) => void) | undefined;
}

export type KeptBody = string | ArrayBuffer | Blob;

/** Takes a webhook from a `Request` and answers it: what all bindings over `Request` and `Response` share. */
export async function answerFetchRequest(
  relay: Relay,
  source: string,
  request: Request,
  options: FetchWebhookOptions,
): Promise<Response> {
  let isUnread = request.body !== null;
  const { status, headers, body } = await handleWebhook(relay, source, {
    method: request.method,
    headers: request.headers,
    async readBody() {
      const bytes = await readBody(request, options);
      isUnread = false;
      return bytes;
    },
  });
  // The rest of an unread body is not waited for; runtimes that manage connections themselves ignore the header.
  return new Response(body, { status, headers: isUnread ? { ...headers, connection: "close" } : headers });
}

async function readBody(request: Request, { maxBodyBytes, advice, kept, onRead }: FetchWebhookOptions) {
  // Locked, it is being read by somebody else.
  if (!request.bodyUsed && !request.body?.locked) {
    const bytes = await readStream(request, maxBodyBytes);
    onRead?.(bytes);
    return bytes;
  }
  if (kept === undefined) throw bodyAlreadyParsed(advice);
  const bytes = await new Response(await orGone(kept)).arrayBuffer();
  if (bytes.byteLength > maxBodyBytes) throw bodyTooLarge(maxBodyBytes);
  return new Uint8Array(bytes);
}

async function readStream(request: Request, maxBodyBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const body = new ByteBuffer(maxBodyBytes);
  // Read by chunks, since content-length is only what the sender says.
  for await (const chunk of chunksOf(request)) body.append(chunk);
  return body.toBytes();
}

/**
 * The body's chunks. Where the reader of this stops early, the rest is not cancelled: h3 1 (Nuxt) and React Router go on
 * writing into the cancelled stream, which ends the process, and SvelteKit cuts the connection before the answer.
 */
async function* chunksOf({ body }: Request): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  for (let read = await orGone(reader.read()); read.value !== undefined; read = await orGone(reader.read())) {
    yield read.value;
  }
}

/** What was read; reading fails when the sender is gone, or at a limit that the framework has of its own. */
async function orGone<Read>(reading: Read | Promise<Read>): Promise<Read> {
  try {
    return await reading;
  } catch (cause) {
    // SvelteKit's BODY_SIZE_LIMIT and h3's bodyLimit() fail the stream with an error of this status.
    if (cause instanceof Error && Reflect.get(cause, "status") === 413) throw limitedByFramework(cause);
    throw senderGone(cause);
  }
}
