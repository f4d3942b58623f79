/** What stands between HTTP and a Lambda function, on a real socket: as AWS documents it, in the parts that matter here. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request that was read whole: a function is never called before that. */
export interface GatewayRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** As they came, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

export interface GatewayAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string;
}

/** One of the ways to call a function by HTTP. */
export interface Gateway {
  /** Largest body of a request. */
  readonly maxBodyBytes: number;
  eventOf(request: GatewayRequest): object;
  /** What becomes of a function's result; undefined where it has not the form that it must have. */
  answerOf(result: unknown): GatewayAnswer | undefined;
}

export type LambdaFunction = (event: never, context: object) => Promise<unknown>;

/** @see https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 6 MB for a synchronous invocation. */
const MAX_EVENT_BYTES = 6 * 1024 * 1024;

/**
 * Listens on a free port of this machine.
 *
 * @param functions - By path; those of other paths go to the one under "*".
 */
export async function listen(gateway: Gateway, functions: { readonly [path: string]: LambdaFunction }) {
  const server = createServer((request, response) => {
    answer(gateway, functions, request, response).catch(() => response.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function answer(
  gateway: Gateway,
  functions: { readonly [path: string]: LambdaFunction },
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const request = await read(incoming, gateway.maxBodyBytes);
  const event = request && JSON.stringify(gateway.eventOf(request));
  if (event === undefined || Buffer.byteLength(event) > MAX_EVENT_BYTES) {
    response.writeHead(413).end('{"message":"Request Too Long"}');
    // Thrown away, since a connection that is cut with bytes still coming takes the answer along.
    incoming.resume();
    return;
  }
  const called = functions[request?.path ?? ""] ?? functions["*"];
  const answer = called && gateway.answerOf(await invoke(called, event));
  const { status, headers, body } = answer ?? { status: 502, headers: {}, body: '{"message":"Internal server error"}' };
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.writeHead(status).end(body);
}

/** Events and results go over the wire as JSON. What a function throws is an error's name to whoever called it. */
async function invoke(called: LambdaFunction, event: string): Promise<unknown> {
  const context = { functionName: "relay", awsRequestId: "8476a536-e9f4-11e8-9739-2dfe598c3fcd" };
  try {
    const result = JSON.stringify(await called(JSON.parse(event) as never, context));
    return result === undefined ? null : JSON.parse(result);
  } catch (error) {
    return { errorType: error instanceof Error ? error.name : "Error" };
  }
}

/** The request with its body; undefined as soon as that is too large. */
async function read(incoming: IncomingMessage, maxBodyBytes: number): Promise<GatewayRequest | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    if (size > maxBodyBytes) return undefined;
    chunks.push(chunk);
  }
  const { pathname, search } = new URL(incoming.url ?? "/", "http://localhost");
  const headers: [string, string][] = [];
  for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
    headers.push([incoming.rawHeaders[at] ?? "", incoming.rawHeaders[at + 1] ?? ""]);
  }
  return {
    method: incoming.method ?? "GET",
    path: pathname,
    query: search.slice(1),
    headers,
    body: Buffer.concat(chunks),
  };
}

/** Headers by name, each with all its values. */
export function groupHeaders(headers: GatewayRequest["headers"]): Record<string, string[]> {
  const grouped: Record<string, string[]> = {};
  for (const [name, value] of headers) {
    grouped[name] ??= [];
    grouped[name].push(value);
  }
  return grouped;
}

/** The same with names in lower case. */
export function groupLowerCased(headers: GatewayRequest["headers"]): Record<string, string[]> {
  return groupHeaders(headers.map(([name, value]) => [name.toLowerCase(), value]));
}

/** Of each header one text, made of its values. */
export function mapHeaders(
  headers: Readonly<Record<string, readonly string[]>>,
  toText: (values: readonly string[]) => string | undefined,
): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, toText(values)]));
}

/** The types whose bodies AWS hands over as text. All others come as base64, those without a type among them. */
export function isTextType(contentType: string | undefined): boolean {
  return /^(text\/.*|application\/(json|javascript|xml))\s*(;|$)/i.test(contentType ?? "");
}
