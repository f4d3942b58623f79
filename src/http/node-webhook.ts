import type { IncomingMessage, ServerResponse } from "node:http";
import type { Relay } from "../relay.js";
import { handleWebhook, type WebhookResponse } from "./handle-webhook.js";
import { type NodeRequest, readRawBody } from "./read-raw-body.js";

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
  response: ServerResponse,
  { maxBodyBytes, advice, onTaken }: NodeWebhookOptions,
): Promise<void> {
  const answer = await handleWebhook(relay, source, {
    method: request.method,
    headers: request.headers,
    readBody: () => readRawBody(request, { maxBodyBytes, advice }),
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
