import dns, { type LookupAddress } from "node:dns";
import { once } from "node:events";
import http, { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { EndpointClient } from "../../../src/endpoint/client.js";
import { nodeTransport } from "../../../src/endpoint/node-transport.js";

const CREATED = JSON.stringify({ success: true, data: { id: "conv_1" } });
const DELIVERED = { kind: "delivered", duplicate: false, data: { id: "conv_1" } };
const IN_PRIVATE = { kind: "blocked", reason: "private_network" };

const servers: Server[] = [];
const { globalAgent: httpAgent } = http;
const { globalAgent: httpsAgent } = https;

afterEach(() => {
  vi.restoreAllMocks();
  http.globalAgent = httpAgent;
  https.globalAgent = httpsAgent;
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A real server; answers its port. */
async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Connects to a proxy by its name, without the TLS that is between the proxy and the endpoint. */
function throughProxy(port: number): https.Agent {
  class ThroughProxy extends https.Agent {
    override createConnection({ lookup }: net.TcpNetConnectOpts) {
      return net.connect({ host: "proxy.internal", port, ...(lookup && { lookup }) });
    }
  }
  return new ThroughProxy();
}

const created: RequestListener = (request, response) => void request.resume().on("end", () => response.end(CREATED));

/** A client that sends by Node; `post` makes one attempt. */
function clientOf(baseUrl: string, { allowPrivateNetwork = false } = {}) {
  const transport = nodeTransport({ baseUrl, allowPrivateNetwork });
  const client = new EndpointClient({
    apiKey: "sk_live_test",
    signingSecret: undefined,
    baseUrl,
    transport,
    clock: Date.now,
  });
  return { post: () => client.post("/events", {}, new AbortController().signal) };
}

/** What the names of the test's network lead to, one answer after the other; the last one stays, and none is an error. */
function nameserver(names: Readonly<Record<string, readonly (readonly string[])[]>>): string[] {
  const asked: string[] = [];
  vi.spyOn(dns, "lookup").mockImplementation(((
    hostname: string,
    _: unknown,
    callback: (error: Error | null, addresses: LookupAddress[]) => void,
  ) => {
    const before = asked.filter((name) => name === hostname).length;
    asked.push(hostname);
    const addresses = names[hostname]?.[before] ?? names[hostname]?.at(-1);
    const found = (addresses ?? []).map((address) => ({ address, family: net.isIP(address) }));
    setImmediate(() => {
      if (found.length > 0) callback(null, found);
      else callback(Object.assign(new Error("no such name"), { code: "ENOTFOUND" }), []);
    });
  }) as typeof dns.lookup);
  return asked;
}

describe("a name that leads into a private network", () => {
  it.each([
    "10.0.0.5",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "0.0.0.0",
    "::1",
    "fd00::1",
    "fe80::1%eth0",
    "::ffff:10.0.0.5",
    "64:ff9b::a00:5",
    "2002:a00:5::",
  ])("is refused: %s", async (address) => {
    nameserver({ "events.example.com": [[address]] });
    expect(await clientOf("https://events.example.com/v1").post()).toEqual(IN_PRIVATE);
  });

  it("is not even connected to", async () => {
    const port = await serve(created);
    const connected = vi.fn();
    servers[0]?.on("connection", connected);
    nameserver({ "events.example.com": [["127.0.0.1"]] });
    expect(await clientOf(`https://events.example.com:${port}/v1`).post()).toEqual(IN_PRIVATE);
    expect(connected).not.toHaveBeenCalled();
  });

  it("is refused where only one of its addresses does, wherever in the list it stands", async () => {
    nameserver({
      "first.example.com": [["10.0.0.5", "93.184.215.14"]],
      "last.example.com": [["93.184.215.14", "2606:2800:21f::1", "10.0.0.5"]],
    });
    expect(await clientOf("https://first.example.com").post()).toEqual(IN_PRIVATE);
    expect(await clientOf("https://last.example.com").post()).toEqual(IN_PRIVATE);
  });

  it("is looked up for each connection, since it may lead there from one attempt to the next", async () => {
    const asked = nameserver({ "events.example.com": [[], ["10.0.0.5"]] });
    const { post } = clientOf("https://events.example.com/v1");
    expect(await post()).toMatchObject({ kind: "failed", reason: "network" });
    expect(await post()).toEqual(IN_PRIVATE);
    expect(asked).toEqual(["events.example.com", "events.example.com"]);
  });

  it("is refused, and a proxy taken, where Node tries one address alone", async () => {
    const before = net.getDefaultAutoSelectFamily();
    net.setDefaultAutoSelectFamily(false);
    onTestFinished(() => net.setDefaultAutoSelectFamily(before));
    const port = await serve(created);
    nameserver({ "events.example.com": [["10.0.0.5"]], "proxy.internal": [["127.0.0.1"]] });
    expect(await clientOf("https://events.example.com/v1").post()).toEqual(IN_PRIVATE);
    https.globalAgent = throughProxy(port);
    expect(await clientOf("https://events.example.com/v1").post()).toEqual(DELIVERED);
  });

  it("is connected to where the app allows it, whatever the name", async () => {
    const port = await serve(created);
    const connected = vi.fn();
    servers[0]?.on("connection", connected);
    nameserver({ "events.example.com": [["127.0.0.1"]] });
    // What answers there speaks no TLS.
    await clientOf(`https://events.example.com:${port}`, { allowPrivateNetwork: true }).post();
    expect(connected).toHaveBeenCalledOnce();
  });

  it("is no matter where the name says so and the app allows it", async () => {
    const port = await serve(created);
    nameserver({ "events.internal": [["127.0.0.1"]] });
    const { post } = clientOf(`http://events.internal:${port}/v1`, { allowPrivateNetwork: true });
    expect(await post()).toEqual(DELIVERED);
  });

  it("is no matter where it is this machine's own", async () => {
    const port = await serve(created);
    expect(await clientOf(`http://localhost:${port}/v1`).post()).toEqual(DELIVERED);
  });

  it("that nobody knows is a failure of the network, and tried again", async () => {
    nameserver({});
    expect(await clientOf("https://events.example.com/v1").post()).toEqual({
      kind: "failed",
      reason: "network",
      code: "ENOTFOUND",
    });
  });
});

it("takes an answer in another protocol for none", async () => {
  const server = net.createServer((socket) => {
    socket.once("data", () => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { post } = clientOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  expect(await post()).toEqual({ kind: "failed", reason: "network" });
  server.close();
});

describe("the global agent", () => {
  it("is the one that connects, whatever the app put in its place", async () => {
    const port = await serve(created);
    class Redirecting extends http.Agent {
      override createConnection() {
        return net.connect(port, "127.0.0.1");
      }
    }
    http.globalAgent = new Redirecting();
    expect(await clientOf("http://localhost:1/v1").post()).toEqual(DELIVERED);
  });

  it("may go through a proxy of the private network: that is the app's choice", async () => {
    const port = await serve(created);
    const asked = nameserver({ "proxy.internal": [["127.0.0.1"]] });
    https.globalAgent = throughProxy(port);
    expect(await clientOf("https://events.example.com/v1").post()).toEqual(DELIVERED);
    expect(asked).toEqual(["proxy.internal"]);
  });
});

describe("a connection that is kept", () => {
  it("serves one request after the other", async () => {
    const sockets = new Set<object>();
    const port = await serve((request, response) => {
      sockets.add(request.socket);
      created(request, response);
    });
    const { post } = clientOf(`http://127.0.0.1:${port}`);
    for (let time = 0; time < 5; time++) expect(await post()).toEqual(DELIVERED);
    expect(sockets.size).toBe(1);
  });

  it("and is hung up as it is used again is a failed attempt, of one request", async () => {
    const seen: IncomingMessage[] = [];
    const port = await serve((request, response) => {
      const isFirst = !seen.some(({ socket }) => socket === request.socket);
      seen.push(request);
      if (isFirst) created(request, response);
      else request.socket.resetAndDestroy();
    });
    const { post } = clientOf(`http://127.0.0.1:${port}`);
    expect([await post(), await post(), await post()]).toEqual([
      DELIVERED,
      { kind: "failed", reason: "network", code: "ECONNRESET" },
      DELIVERED,
    ]);
    expect(seen).toHaveLength(3);
  });
});

it("says who asks, and asks for nothing compressed", async () => {
  let headers: http.IncomingHttpHeaders = {};
  const port = await serve((request, response) => {
    headers = request.headers;
    created(request, response);
  });
  expect(await clientOf(`http://127.0.0.1:${port}`).post()).toEqual(DELIVERED);
  expect(headers).toMatchObject({ "user-agent": "affonso-relay", "accept-encoding": "identity" });
});
