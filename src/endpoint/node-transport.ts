import dns, { type LookupAddress, type LookupAllOptions } from "node:dns";
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import type { LookupFunction } from "node:net";
import { isPrivateHost } from "./base-url.js";
import { type EndpointResponse, PRIVATE_ADDRESS } from "./outcome.js";
import { MAX_RESPONSE_BYTES, type Transport, type TransportTarget } from "./transport.js";

/** Some firewalls let in nobody without a name. What is compressed would have to be read. */
const FETCH_HAS_ITS_OWN = { "user-agent": "affonso-relay", "accept-encoding": "identity" };

/**
 * By Node's own HTTP client: half of the CPU that its fetch takes, and the addresses that a name leads to are seen before
 * anything is sent to one of them. It goes through the app's global agent, and so through whatever proxy that has.
 */
export function nodeTransport({ baseUrl, allowPrivateNetwork }: TransportTarget): Transport {
  const { protocol, hostname } = new URL(baseUrl);
  // Not imported by name: whatever traces or intercepts requests puts its own functions into the module.
  const client = protocol === "http:" ? http : https;
  const isGuarded = !allowPrivateNetwork && !isPrivateHost(hostname);
  const options = isGuarded ? { lookup: publicAddressesOf(hostname) } : {};
  return (url, { method, headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const all = { ...FETCH_HAS_ITS_OWN, ...headers, "content-length": body.length };
      const sent = client.request(url, { ...options, method, headers: all, signal });
      // A connection that was kept may be hung up in the moment in which it is used again. That is a failed attempt like any
      // other: a request that nobody counted would break the rate limit.
      sent.on("error", reject);
      sent.on("response", (response) => read(response).then(resolve, reject));
      sent.end(body);
    });
}

function read(response: IncomingMessage): Promise<EndpointResponse> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const end = () => {
      const get = (name: string) => response.headers[name]?.toString() ?? null;
      resolve({ status: response.statusCode ?? 0, headers: { get }, body: Buffer.concat(chunks).toString() });
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
function publicAddressesOf(guarded: string): LookupFunction {
  return (hostname, options, callback) => {
    const all: LookupAllOptions = { ...options, all: true };
    dns.lookup(hostname, all, (error, addresses) => {
      if (error) return callback(error, []);
      if (hostname === guarded && addresses.some(isPrivate)) return callback(new PrivateAddressError(), []);
      const [first] = addresses;
      if (options.all || first === undefined) return callback(null, addresses);
      callback(null, first.address, first.family);
    });
  };
}

function isPrivate({ address, family }: LookupAddress): boolean {
  return isPrivateHost(family === 6 ? `[${address}]` : address);
}

class PrivateAddressError extends Error {
  readonly code = PRIVATE_ADDRESS;

  constructor() {
    super("the name leads to an address of a private network");
  }
}
