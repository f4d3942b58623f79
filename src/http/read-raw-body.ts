import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { bodyAlreadyParsed, bodyTooLarge, senderGone } from "./body-errors.js";
import { ByteBuffer } from "./byte-buffer.js";

/**
 * A request of one of Node's servers (http, https, or http2's compatibility API), with the properties that body parsers
 * leave on it. Not an `IncomingMessage`: that is none of http2's, and parsers' types give it a `rawBody` of their own.
 *
 * @see https://nodejs.org/api/http.html#class-httpincomingmessage
 */
export interface NodeRequest extends Readable {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly httpVersionMajor: number;
  readonly aborted?: boolean | undefined;
  /** What a body parser made of the body. */
  body?: unknown;
  /** The raw bytes, where something kept them: `captureRawBody`, Firebase, Google Cloud Functions. */
  rawBody?: unknown;
}

/** What {@link readRawBody} is told by a binding. */
export interface ReadRawBodyOptions {
  readonly maxBodyBytes: number;
  /** What to do where a parser of this framework ate the bytes: the end of the error's message. */
  readonly advice: string;
  /** Where the framework keeps raw bytes itself, other than on Node's request; anything but bytes or text is ignored. */
  readonly kept?: unknown;
}

/**
 * The body's exact bytes: those that somebody kept, else those of the stream, which are left in `request.body` and
 * `request.rawBody` for whoever comes after, as `express.raw()` would leave them.
 *
 * @throws RelayError `body_too_large`, `client_gone`, or `body_already_parsed` when a parser left no bytes to verify.
 */
export async function readRawBody(
  request: NodeRequest,
  { maxBodyBytes, advice, kept: keptElsewhere }: ReadRawBodyOptions,
): Promise<Uint8Array> {
  const kept = bytesOf(keptElsewhere) ?? bytesOf(request.rawBody) ?? bytesOf(request.body);
  if (kept !== undefined) {
    if (kept.byteLength > maxBodyBytes) throw bodyTooLarge(maxBodyBytes);
    return kept;
  }
  // express.json() of Express 4 sets `body = {}` even where it read nothing: what counts is whether the stream was read.
  if (request.readableDidRead || request.readableEnded) {
    throw bodyAlreadyParsed(advice);
  }
  // Gone while something in front took its time: such a request has no event left to wait for.
  if (request.destroyed || request.aborted) throw senderGone();
  const bytes = await readStream(request, maxBodyBytes);
  request.rawBody = bytes;
  request.body = bytes;
  return bytes;
}

function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  return typeof value === "string" ? Buffer.from(value, "utf8") : undefined;
}

function readStream(request: NodeRequest, maxBodyBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const body = new ByteBuffer(maxBodyBytes);
    const onData = (chunk: Buffer) => {
      try {
        body.append(chunk);
      } catch (error) {
        settle(() => reject(error));
      }
    };
    // A Buffer, as whoever comes after expects it of express.raw().
    const onEnd = () => settle(() => resolve(Buffer.from(body.toBytes().buffer)));
    const onGone = () => settle(() => reject(senderGone()));
    const settle = (done: () => void) => {
      request.off("data", onData).off("end", onEnd);
      request.off("aborted", onGone).off("close", onGone).off("error", onGone);
      // Whatever still comes is not read: the answer closes the connection.
      request.pause();
      // A request that fails later, with nobody listening, would end the process.
      request.on("error", () => {});
      done();
    };
    request.on("data", onData).on("end", onEnd);
    // http2 says "aborted", and then "end" as if the body were complete.
    request.on("aborted", onGone).on("close", onGone).on("error", onGone);
    // One that was paused in front of us does not flow because somebody listens.
    request.resume();
  });
}
