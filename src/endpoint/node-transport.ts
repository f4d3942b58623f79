import type { IncomingMessage } from "node:http";
import type { LookupFunction } from "node:net";
import { isPrivateAddress, isPrivateHost } from "./base-url.js";
import { type EndpointResponse, PRIVATE_ADDRESS } from "./outcome.js";
import { MAX_RESPONSE_BYTES, type Transport, type TransportTarget } from "./transport.js";

/** What fetch sends by itself: some firewalls let in nobody without a name. What is compressed would have to be read. */
const DEFAULT_HEADERS = { "user-agent": "affonso-relay", "accept-encoding": "identity" };

/**
 * By Node's own HTTP client: half of the CPU that its fetch takes, and the addresses that a name leads to are seen before
 * one of them is connected to. It goes through the app's global agent, and so through whatever proxy that has; an agent with
 * a lookup of its own looks for itself.
 */
export function nodeTransport({ baseUrl, allowPrivateNetwork }: TransportTarget): Transport {
  const { protocol, hostname } = new URL(baseUrl);
  const isGuarded = !allowPrivateNetwork && !isPrivateHost(hostname);
  // Node's modules are loaded with the first request: at the top they would be a quarter of what importing the kit costs. An
  // app that serves HTTP has them by then.
  const load = async () => {
    const [client, dns] = await Promise.all([
      protocol === "http:" ? import("node:http") : import("node:https"),
      import("node:dns"),
    ]);
    const lookup = isGuarded ? { lookup: publicAddressesOf(hostname, dns.default) } : {};
    // The module and not its functions: whatever traces or intercepts requests puts its own into it.
    return { client: client.default, lookup };
  };
  let loaded: ReturnType<typeof load> | undefined;
  return async (url, { method, headers, body, signal }) => {
    loaded ??= load();
    const { client, lookup } = await loaded;
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const all = { ...DEFAULT_HEADERS, ...headers, "content-length": body.length };
      const sent = client.request(url, { ...lookup, method, headers: all, signal });
      // A connection that was kept may be hung up in the moment in which it is used again. That is a failed attempt like any
      // other: a request that nobody counted would break the rate limit.
      sent.on("error", reject);
      sent.on("response", (response) => read(response).then(resolve, reject));
      // Nobody asked for another protocol. Without a listener Node would hang up and say nothing.
      sent.on("upgrade", (_response, socket) => {
        socket.destroy();
        reject(new Error("the answer is in another protocol"));
      });
      sent.end(body);
    });
  };
}

function read(response: IncomingMessage): Promise<EndpointResponse> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const end = () => {
      const get = (name: string) => response.headers[name]?.toString() ?? null;
      const body = new TextDecoder().decode(Buffer.concat(chunks));
      resolve({ status: response.statusCode ?? 0, headers: { get }, body });
    };
    response.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_RESPONSE_BYTES) return void chunks.push(chunk);
      end();
      response.destroy();
    });
    response.on("end", end).on("error", reject);
  });
}

/**
 * Looks names up as Node does, but refuses the endpoint's where it leads into a private network: each time that a
 * connection is made, since what a name leads to may change. The name of a proxy leads wherever it does.
 */
function publicAddressesOf(guarded: string, dns: Pick<typeof import("node:dns"), "lookup">): LookupFunction {
  return (hostname, options, callback) => {
    dns.lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      const isRefused = hostname === guarded && addresses.some(({ address }) => isPrivateAddress(address));
      if (isRefused) return callback(new PrivateAddressError(), []);
      const [first] = addresses;
      if (options.all || first === undefined) return callback(null, addresses);
      callback(null, first.address, first.family);
    });
  };
}

class PrivateAddressError extends Error {
  readonly code = PRIVATE_ADDRESS;

  constructor() {
    super("the name leads to an address of a private network");
  }
}
