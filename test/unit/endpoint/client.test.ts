import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Body } from "nock";
import { afterEach, describe, expect, it } from "vitest";
import { EndpointClient, type EndpointClientOptions } from "../../../src/endpoint/client.js";
import { LimitedClient } from "../../../src/endpoint/limited-client.js";
import { nodeTransport } from "../../../src/endpoint/node-transport.js";
import { fetchTransport, type Transport, type TransportTarget } from "../../../src/endpoint/transport.js";
import { leaveStandIns, standInFor } from "../../helpers/stand-in.js";

const API = "https://api.affonso.io";
const NOW_MS = 1_767_225_600_999;
const CREATED = { success: true, data: { id: "conv_1" } };
const DELIVERED = { kind: "delivered", duplicate: false, data: { id: "conv_1" } };
const PAYLOAD = { event_name: "überwiesen 😀", metadata: { text: 'line\n"quoted"', left_out: undefined } };
const never = new AbortController().signal;

interface Seen {
  readonly headers: Readonly<Record<string, string>>;
  /** The exact bytes of the body. */
  readonly raw: Buffer;
}

/** Lets the endpoint answer `times` times, and keeps the requests as they came over the wire. */
function endpointAnswers(status: number, body: Body, headers: Record<string, string> = {}, times = 1): Seen[] {
  const seen: Seen[] = [];
  standInFor(API)
    .post("/v1/events")
    .times(times)
    .reply(function () {
      const buffers: Buffer[] = Reflect.get(this.req, "requestBodyBuffers");
      seen.push({ headers: this.req.headers, raw: Buffer.concat(buffers) });
      return [status, body, headers];
    });
  return seen;
}

const servers: Server[] = [];

/** A real server on this machine; answers the base URL for a client. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(() => {
  leaveStandIns();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const transports: readonly [name: string, transportTo: (target: TransportTarget) => Transport][] = [
  ["fetch", () => fetchTransport((...args) => globalThis.fetch(...args))],
  ["Node's own client", nodeTransport],
];

const optionsBy = (
  transportTo: (target: TransportTarget) => Transport,
  { baseUrl = `${API}/v1`, ...changes }: Partial<EndpointClientOptions> = {},
): EndpointClientOptions => ({
  apiKey: "sk_live_test",
  signingSecret: "team secret é",
  baseUrl,
  transport: transportTo({ baseUrl, allowPrivateNetwork: false }),
  clock: () => NOW_MS,
  ...changes,
});

describe.each(transports)("by %s,", (_name, transportTo) => {
  const client = (changes?: Partial<EndpointClientOptions>) => new EndpointClient(optionsBy(transportTo, changes));

  describe("a request to the endpoint", () => {
    it("is a POST of JSON with the key, below the base URL", async () => {
      const seen = endpointAnswers(201, CREATED);
      expect(await client().post("/events", PAYLOAD, never)).toEqual(DELIVERED);
      expect(seen).toHaveLength(1);
      expect(seen[0]?.headers).toMatchObject({
        authorization: "Bearer sk_live_test",
        "content-type": "application/json",
        accept: "application/json",
      });
      expect(seen[0]?.raw.toString("utf8")).toBe(JSON.stringify(PAYLOAD));
    });

    it("is signed over the exact bytes that are sent", async () => {
      const seen = endpointAnswers(201, CREATED);
      await client().post("/events", PAYLOAD, never);
      const { headers, raw } = seen[0] ?? expect.fail("nothing was sent");
      expect(headers["x-affonso-timestamp"]).toBe("1767225600");
      expect(headers["x-affonso-signature"]).toBe(
        createHmac("sha256", "team secret é")
          .update(Buffer.concat([Buffer.from("1767225600."), raw]))
          .digest("hex"),
      );
      expect(headers["x-affonso-signature"]).toMatch(/^[0-9a-f]{64}$/);
    });

    it("is signed with the time of each attempt, also when the payload is the same", async () => {
      const seen = endpointAnswers(201, CREATED, {}, 2);
      let nowMs = NOW_MS;
      const ticking = client({ clock: () => nowMs });
      await ticking.post("/events", PAYLOAD, never);
      nowMs += 3_600_000;
      await ticking.post("/events", PAYLOAD, never);
      const [first, second] = seen.map(({ headers }) => headers);
      expect([first?.["x-affonso-timestamp"], second?.["x-affonso-timestamp"]]).toEqual(["1767225600", "1767229200"]);
      expect(first?.["x-affonso-signature"]).not.toBe(second?.["x-affonso-signature"]);
    });

    it("has no signature and no timestamp without a secret", async () => {
      const seen = endpointAnswers(201, CREATED);
      expect(await client({ signingSecret: undefined }).post("/events", PAYLOAD, never)).toEqual(DELIVERED);
      expect(seen).toHaveLength(1);
      expect(Object.keys(seen[0]?.headers ?? {}).filter((name) => name.startsWith("x-"))).toEqual([]);
    });
  });

  describe("an answer of the endpoint", () => {
    it("that redirects is not followed: neither body nor signature reach the other host", async () => {
      endpointAnswers(307, "", { location: "https://elsewhere.example.com/v1/events" });
      const elsewhere = standInFor("https://elsewhere.example.com").post("/v1/events").reply(201, CREATED);
      expect(await client().post("/events", PAYLOAD, never)).toMatchObject({ kind: "blocked", reason: "redirected" });
      expect(elsewhere.isDone()).toBe(false);
    });

    it.each([301, 302, 303, 307, 308])("of %i is not followed on a real network either", async (status) => {
      const asked: string[] = [];
      const elsewhere = await serve((request, response) => {
        asked.push(`elsewhere ${request.url}`);
        response.end(JSON.stringify(CREATED));
      });
      const baseUrl = await serve((request, response) => {
        asked.push(`endpoint ${request.url}`);
        response.writeHead(status, { location: `${elsewhere}/events` }).end();
      });
      expect(await client({ baseUrl }).post("/events", PAYLOAD, never)).toMatchObject({
        kind: "blocked",
        reason: "redirected",
      });
      expect(asked).toEqual(["endpoint /events"]);
    });

    it("that is a web page with 200 is not a delivery", async () => {
      endpointAnswers(200, "<!doctype html><title>Log in</title>", { "content-type": "text/html" });
      expect(await client().post("/events", PAYLOAD, never)).toMatchObject({
        kind: "blocked",
        reason: "misconfigured_endpoint",
      });
    });

    it("may come in pieces that cut a letter in two", async () => {
      const bytes = Buffer.from(JSON.stringify({ success: true, data: { id: "conv_ü😀" } }));
      const cuts = [0, bytes.indexOf("ü") + 1, bytes.indexOf("😀") + 2, bytes.length];
      const pieces = cuts.slice(1).map((end, at) => bytes.subarray(cuts[at], end));
      const baseUrl = await serve((request, response) => {
        request.socket.setNoDelay();
        response.writeHead(201);
        const next = () => {
          const piece = pieces.shift();
          if (piece === undefined) response.end();
          else response.write(piece, () => setImmediate(next));
        };
        next();
      });
      expect(await client({ baseUrl }).post("/events", PAYLOAD, never)).toMatchObject({ data: { id: "conv_ü😀" } });
    });

    it("without a body is no delivery, and no failure of the network", async () => {
      const baseUrl = await serve((_, response) => response.writeHead(204).end());
      expect(await client({ baseUrl }).post("/events", PAYLOAD, never)).toEqual({
        kind: "blocked",
        reason: "misconfigured_endpoint",
        error: { status: 204 },
      });
    });

    it("of 64 KiB is read to its end, and not of one byte more", async () => {
      const outcomeOf = async (bytes: number) => {
        const padding = "x".repeat(bytes - JSON.stringify({ ...CREATED, padding: "" }).length);
        const baseUrl = await serve((_, response) =>
          response.writeHead(201).end(JSON.stringify({ ...CREATED, padding })),
        );
        return client({ baseUrl }).post("/events", PAYLOAD, never);
      };
      expect(await outcomeOf(64 * 1024)).toEqual(DELIVERED);
      expect(await outcomeOf(64 * 1024 + 1)).toMatchObject({ kind: "blocked" });
    });

    it("of many megabytes is cut on a real network", async () => {
      let wrote = 0;
      const chunk = Buffer.alloc(64 * 1024, " ");
      const baseUrl = await serve((_, response) => {
        response.on("error", () => {});
        const more = () => {
          while (!response.destroyed && wrote < 256 * 1024 * 1024) {
            wrote += chunk.length;
            if (!response.write(chunk)) return response.once("drain", more);
          }
          return response.end();
        };
        more();
      });
      expect(await client({ baseUrl }).post("/events", PAYLOAD, never)).toMatchObject({ kind: "blocked" });
      expect(wrote).toBeLessThan(64 * 1024 * 1024);
    });

    it("that says to slow down is measured by the client's clock", async () => {
      const resetAt = String(Math.floor(NOW_MS / 1000) + 10);
      endpointAnswers(
        429,
        { success: false, error: { code: "RATE_LIMIT_EXCEEDED", message: "slow" } },
        {
          "x-ratelimit-reset": resetAt,
        },
      );
      expect(await client().post("/events", PAYLOAD, never)).toEqual({ kind: "throttled", retryAfterMs: 9_001 });
    });
  });

  describe("the limit that an answer names", () => {
    const limitAfter = async (...answers: readonly [number, Body, Record<string, string>?][]) => {
      const one = new LimitedClient(optionsBy(transportTo));
      for (const [status, body, headers] of answers) {
        endpointAnswers(status, body, headers);
        await one.post("/events", PAYLOAD, never);
      }
      return one.limitPerMinute;
    };
    const limit = (perMinute: number | string) => ({ "x-ratelimit-limit": String(perMinute) });
    const refusal = (code: string) => ({ success: false, error: { code, message: "no" } });

    it("is unknown before the endpoint's first word", async () => {
      expect(new LimitedClient(optionsBy(transportTo)).limitPerMinute).toBeUndefined();
      expect(await limitAfter([201, CREATED])).toBeUndefined();
    });

    it.each<[number, Body]>([
      [201, CREATED],
      [409, refusal("DUPLICATE_ERROR")],
      [404, refusal("NOT_FOUND")],
      [400, refusal("VALIDATION_ERROR")],
      [429, refusal("RATE_LIMIT_EXCEEDED")],
    ])("is believed of a %i of the endpoint, and the last one counts", async (status, body) => {
      expect(await limitAfter([201, CREATED, limit(300)], [status, body, limit(600)], [201, CREATED])).toBe(600);
    });

    it.each<[string, number, Body]>([
      ["a page of a captive portal", 200, "<title>Log in</title>"],
      ["a redirect", 302, ""],
      ["a proxy that wants a password", 401, "who are you?"],
      ["a proxy that forbids", 403, "no"],
      ["a proxy that finds nothing", 404, "not found"],
      ["a proxy that has no endpoint behind it", 502, "<h1>Bad Gateway</h1>"],
      ["a proxy's limit", 429, "slow down"],
      ["a proxy that finds it too large", 413, "too large"],
    ])("is not believed of %s, which has limits of its own", async (_, status, body) => {
      expect(await limitAfter([status, body, limit(5)])).toBeUndefined();
      expect(await limitAfter([201, CREATED, limit(300)], [status, body, limit(5)])).toBe(300);
    });

    it.each(["0", "-1", "1.5", "", "many", "300, 300;w=60"])(
      "is not believed where it is no number of requests (%j)",
      async (text) => {
        expect(await limitAfter([201, CREATED, limit(300)], [201, CREATED, limit(text)])).toBe(300);
      },
    );
  });

  describe("no answer of the endpoint", () => {
    const failed = (reason: string, code?: unknown) => ({ kind: "failed", reason, code });

    it("is a timeout where the signal has fired before", async () => {
      const scope = standInFor(API).post("/v1/events").reply(201, CREATED);
      expect(await client().post("/events", PAYLOAD, AbortSignal.abort())).toEqual(failed("timeout"));
      expect(await client().post("/events", PAYLOAD, AbortSignal.abort(new Error("any reason")))).toEqual(
        failed("timeout"),
      );
      expect(scope.isDone()).toBe(false);
    });

    it("is a timeout where the signal fires before the head of the answer", async () => {
      const controller = new AbortController();
      const baseUrl = await serve(() => controller.abort());
      expect(await client({ baseUrl }).post("/events", PAYLOAD, controller.signal)).toEqual(failed("timeout"));
    });

    it("is a timeout where the signal fires in the middle of the body", async () => {
      const controller = new AbortController();
      const baseUrl = await serve((_, response) => {
        const half = '{"success":true,';
        response.writeHead(201, { "content-length": "1000" }).write(half, () => {
          setImmediate(() => controller.abort(new Error("late")));
        });
      });
      expect(await client({ baseUrl }).post("/events", PAYLOAD, controller.signal)).toEqual(failed("timeout"));
    });

    it("is the network where the socket is reset before an answer", async () => {
      const baseUrl = await serve((request) => request.socket.resetAndDestroy());
      expect(await client({ baseUrl }).post("/events", PAYLOAD, never)).toEqual(failed("network", "ECONNRESET"));
    });

    it("is the network where the socket is reset in the middle of the answer, even of a 201", async () => {
      const baseUrl = await serve((request, response) => {
        const half = JSON.stringify(CREATED).slice(0, 10);
        response.writeHead(201, { "content-length": "1000" }).write(half, () => request.socket.resetAndDestroy());
      });
      // Node says ECONNRESET or UND_ERR_SOCKET, as it happens.
      expect(await client({ baseUrl }).post("/events", PAYLOAD, never)).toMatchObject(
        failed("network", expect.any(String)),
      );
    });

    it("is the network where nobody listens", async () => {
      const baseUrl = await serve(() => {});
      const server = servers.pop() ?? expect.fail("no server");
      server.close();
      await once(server, "close");
      expect(await client({ baseUrl }).post("/events", PAYLOAD, never)).toEqual(failed("network", "ECONNREFUSED"));
    });
  });
});

describe("by the app's own fetch", () => {
  const client = ({
    fetch,
    ...changes
  }: Partial<EndpointClientOptions> & { readonly fetch: typeof globalThis.fetch }) =>
    new EndpointClient(optionsBy(() => fetchTransport(fetch), changes));

  it.each([undefined, "secret"])(
    "has headers of its own, to which the app's fetch may add: secret %s",
    async (signingSecret) => {
      const seen = endpointAnswers(201, CREATED, {}, 2);
      let traces = 0;
      const tracing: typeof fetch = (input, init) => {
        const headers: Record<string, string> = Object(init?.headers);
        headers["x-trace"] ??= String(++traces);
        return globalThis.fetch(input, init);
      };
      const traced = client({ signingSecret, fetch: tracing });
      for (let time = 0; time < 2; time++) await traced.post("/events", PAYLOAD, never);
      expect(seen.map(({ headers }) => headers["x-trace"])).toEqual(["1", "2"]);
    },
  );

  it("calls the fetch that it is given, and as a plain function", async () => {
    let calledOn: unknown = "not called";
    const fetch = function (this: unknown) {
      calledOn = this;
      return Promise.resolve(Response.json(CREATED, { status: 201 }));
    };
    expect(await client({ fetch }).post("/events", PAYLOAD, never)).toEqual(DELIVERED);
    expect(calledOn).toBeUndefined();
  });
  it("an answer that never ends is read to 64 KiB and given up", async () => {
    let pulled = 0;
    let cancelled = false;
    const body = new ReadableStream({
      pull(controller) {
        pulled += 1024;
        controller.enqueue(new Uint8Array(1024).fill(0x20));
      },
      cancel() {
        cancelled = true;
      },
    });
    const outcome = await client({ fetch: async () => new Response(body) }).post("/events", PAYLOAD, never);
    expect(outcome).toMatchObject({ kind: "blocked", reason: "misconfigured_endpoint" });
    expect(cancelled).toBe(true);
    expect(pulled).toBeLessThan(70 * 1024);
  });

  it("no answer is the network where fetch throws whatever it likes", async () => {
    const throwing = (error: unknown) => client({ fetch: () => Promise.reject(error) });
    for (const error of [new Error("x"), "text", undefined, null]) {
      expect(await throwing(error).post("/events", PAYLOAD, never)).toMatchObject({
        kind: "failed",
        reason: "network",
      });
    }
  });
});
