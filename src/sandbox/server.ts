import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Answer } from "./answer.js";
import { readBody } from "./read-body.js";

/** Answers one request; undefined cuts the connection. */
export type RequestHandler = (request: IncomingRequest) => Promise<Answer | undefined>;

/** A request as the server hands it over. */
export interface IncomingRequest {
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  /** The exact bytes; undefined when there were too many. */
  readonly body: Uint8Array | undefined;
  /** Waits in real time; ends early when the server stops. */
  wait(ms: number): Promise<void>;
}

/** Where a sandbox listens. */
export interface SandboxAddress {
  /** Base URL for a client, for example `http://127.0.0.1:4010/v1`. */
  readonly baseUrl: string;
  /** The port, which is chosen by the system where none was asked for. */
  readonly port: number;
}

/** A server that is listening. */
export interface RunningServer {
  readonly address: SandboxAddress;
  /** Stops listening, and cuts whatever is still open. */
  close(): Promise<void>;
}

/** Starts a server; rejects when the port is taken. */
export async function listen(handler: RequestHandler, host: string, port: number): Promise<RunningServer> {
  const stopping = new AbortController();
  const server = createServer((request, response) => {
    // Whatever goes wrong here is a connection that ended, or a fault rule that threw: the client sees a cut.
    serve(handler, request, response, stopping.signal).catch(() => request.socket.destroy());
  });
  await listening(server, host, port);
  return {
    address: addressOf(server, host),
    close: () =>
      new Promise((resolve) => {
        // Timers of delayed answers would keep the process alive.
        stopping.abort();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function serve(
  handler: RequestHandler,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const body = await readBody(request);
  const answer = await handler({
    method: request.method ?? "GET",
    path: (request.url ?? "/").replace(/[?#].*$/, ""),
    headers: request.headers,
    body,
    wait: (ms) => sleep(ms, undefined, { signal }),
  });
  if (answer === undefined) {
    request.socket.resetAndDestroy();
    return;
  }
  response.writeHead(answer.status, answer.headers);
  response.end(answer.body);
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function addressOf(server: Server, host: string): SandboxAddress {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { baseUrl: `http://${host.includes(":") ? `[${host}]` : host}:${port}/v1`, port };
}
