/** What the tests over http2 need: a server with plain text, and a client that sends what it is told. */
import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type OutgoingHttpHeaders,
} from "node:http2";
import type { AddressInfo } from "node:net";

type Listener = (request: Http2ServerRequest, response: Http2ServerResponse) => unknown;

/** An http2 server on a free port, one client's session with it, and the stream that the server saw last. */
export async function startHttp2(listener: Listener) {
  let closed: Promise<unknown> | undefined;
  const server = createServer((request, response) => {
    closed = once(response, "close");
    listener(request, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return {
    session,
    /** Resolves once the server is done with the stream it saw last. */
    streamClosed: async () => closed,
    async close() {
      session.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Opens a POST whose body is not ended. */
export function openPost(session: ClientHttp2Session, path: string, headers: OutgoingHttpHeaders = {}) {
  return session.request({ ":method": "POST", ":path": path, "content-type": "application/json", ...headers });
}

/** Sends a whole POST and answers the whole response. */
export function post(session: ClientHttp2Session, path: string, body: string, headers: OutgoingHttpHeaders = {}) {
  const stream = openPost(session, path, headers);
  stream.end(body);
  return readAnswer(stream);
}

/** The whole response, whether or not the stream is closed while the request is still being sent. */
export async function readAnswer(stream: ClientHttp2Stream) {
  let body = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    body += chunk;
  });
  const ended = once(stream, "end");
  const [headers] = await once(stream, "response");
  await ended;
  return { status: Number(headers[":status"]), headers, body };
}

/** The warnings that Node gives from now on. */
export function recordWarnings(): { readonly warnings: Error[]; stop(): void } {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => void warnings.push(warning);
  process.on("warning", onWarning);
  return { warnings, stop: () => void process.off("warning", onWarning) };
}
