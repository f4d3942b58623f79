import type { Relay } from "../relay.js";
import { handleWebhook, type WebhookResponse } from "./handle-webhook.js";
import { type NodeRequest, readRawBody } from "./read-raw-body.js";
import { sourceOf } from "./source.js";

/**
 * A response of one of Node's servers: http, https, or http2's compatibility API.
 *
 * @see https://nodejs.org/api/http.html#class-httpserverresponse
 */
export interface NodeResponse {
  statusCode: number;
  readonly headersSent: boolean;
  /** Always undefined on http2, where writing to a sender who is gone does no harm. */
  readonly destroyed?: boolean | undefined;
  /** On http2 only. */
  readonly stream?: { once(event: "finish", listener: () => void): unknown; close(): void } | undefined;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
  destroy(): unknown;
}

/** How a binding for one of Node's servers answers. */
export interface NodeWebhookOptions {
  readonly maxBodyBytes: number;
  /** What to do where a parser of this framework ate the bytes: the end of the error's message. */
  readonly advice: string;
  /** Called in place of the answer once a webhook was taken. */
  readonly onTaken?: (() => void) | undefined;
}

/** Takes a webhook from one of Node's own requests and answers it: what all bindings for Node's servers share. */
export async function answerNodeRequest(
  relay: Relay,
  source: string,
  request: NodeRequest,
  response: NodeResponse,
  { maxBodyBytes, advice, onTaken }: NodeWebhookOptions,
): Promise<void> {
  const answer = await handleWebhook(relay, source, {
    method: request.method,
    headers: request.headers,
    readBody: () => readRawBody(request, { maxBodyBytes, advice }),
  });
  if (response.headersSent || response.destroyed) return;
  if (answer.status === 200 && onTaken !== undefined) return onTaken();
  writeAnswer(request, response, answer);
}

/** What Express, Connect and Nest mount. */
export type NodeMiddlewareFunction = (
  request: NodeRequest,
  response: NodeResponse,
  next: (error?: unknown) => void,
) => void;

/** Takes the webhooks of all sources below a base path; any other path goes to `next`. */
export function webhooksBelow(
  relay: Relay,
  { basePath, ...options }: Omit<NodeWebhookOptions, "onTaken"> & { readonly basePath: string },
): NodeMiddlewareFunction {
  return function affonsoRelay(request, response, next) {
    const source = sourceOf(relay, basePath, request.url ?? "/");
    if (source === undefined) return next();
    answerNodeRequest(relay, source, request, response, options).catch(next);
  };
}

/** Writes an answer to one of Node's own responses. */
export function writeAnswer(request: NodeRequest, response: NodeResponse, answer: WebhookResponse): void {
  response.statusCode = answer.status;
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value);
  refuseRest(request, response);
  response.end(answer.body);
}

/**
 * Makes the answer the end of a body that was not read to its end: the rest would be taken for the next request on this
 * connection. http2 has no `connection` header; there the stream is closed, or the sender would hold it open for ever.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9113#section-8.1
 */
export function refuseRest(request: NodeRequest, response: NodeResponse): void {
  if (request.readableEnded || response.headersSent) return;
  if (request.httpVersionMajor >= 2) response.stream?.once("finish", () => response.stream?.close());
  else response.setHeader("connection", "close");
}
