import { randomBytes } from "node:crypto";
import { request as httpRequest, type OutgoingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import type { Relay } from "../../src/relay.js";
import { recordingLogger, sandboxForTests } from "../helpers/relay.js";
import { billingSignature, invoicePaid, stripeSignature } from "../helpers/webhooks.js";

/** A real server of one framework, with the relay's handler for all sources below its base path. */
export interface RunningApp {
  readonly url: string;
  close(): Promise<void>;
}

export interface StartOptions {
  readonly maxBodyBytes?: number;
  /** Where the relay is mounted. @default "/webhooks" */
  readonly basePath?: string;
}

/** For servers that make the relay in a process of their own: what it is made of. */
export interface RelaySettings {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly signingSecret: string;
}

export interface AppUnderTest {
  /**
   * Starts the framework on a free port with the relay mounted before the app's own JSON parser, and a route of the
   * app's own, `POST /echo`, that answers the JSON it was sent.
   */
  start(relay: Relay, options: StartOptions, settings: RelaySettings): Promise<RunningApp>;
  /**
   * The same with the app's JSON parser in front, which leaves the relay the bytes in the way that its advice says: it
   * keeps them, or reads a clone. On Fastify parsers stay with their own routes, and nothing need be kept.
   */
  startAfterJsonParser(relay: Relay, settings: RelaySettings): Promise<RunningApp>;
  /** The same behind something that eats the bytes: a JSON parser in most frameworks. */
  startBehindJsonParser(relay: Relay, settings: RelaySettings): Promise<RunningApp>;
  /** What the message says to whoever let the bytes be eaten. @default /before/ */
  readonly advice?: RegExp;
  /** Who answers other methods: a framework that routes by them gives the 405 itself, in its own words. @default "relay" */
  readonly refusesMethods?: "relay" | "framework";
  /** Who answers for a source that the relay has not: a middleware leaves its path to the app. @default "relay" */
  readonly refusesSources?: "relay" | "framework";
  /** Who answers a multipart body: a framework's protection against forms of other sites says 403. @default "relay" */
  readonly refusesForms?: "relay" | "framework";
  /** Whether of several headers with one name only the last one arrives. @default false */
  readonly keepsLastHeader?: boolean;
  /** Whether a webhook reaches the relay only once its body is complete. @default false */
  readonly buffersBodies?: boolean;
  /** Whether the connection of a sender who goes on sending may be cut before the answer is read. @default false */
  readonly cutsSenders?: boolean;
  /** Whether the relay lives in another process, whose log is not seen here. @default false */
  readonly isRemote?: boolean;
}

// SvelteKit sees no body, and Astro a cross-site form, in a request without content-type.
const REQUEST_HEAD = "POST /webhooks/stripe HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";

let sequence = 0;
const newId = () => `suite_${++sequence}`;

/** What every framework's binding must do; each runs it on the real framework and a real socket. */
export function describeWebhookHandler(name: string, app: AppUnderTest): void {
  describe(`webhooks through ${name}`, async () => {
    const { sandbox, relay, settings } = await sandboxForTests();
    const running: RunningApp[] = [];
    afterEach(async () => {
      for (const server of running.splice(0)) await server.close();
    });
    const start = async (of = relay(), options: StartOptions = {}) => {
      const server = await app.start(of, options, settings);
      running.push(server);
      return server.url;
    };
    const post = (url: string, body: string | Uint8Array, headers: Record<string, string> = {}) =>
      fetch(url, {
        method: "POST",
        body: new Uint8Array(Buffer.from(body)),
        headers: { "content-type": "application/json", ...headers },
      });
    const postSigned = (url: string, body = invoicePaid(newId()), headers: Record<string, string> = {}) =>
      post(`${url}/webhooks/stripe`, body, { "stripe-signature": stripeSignature(body), ...headers });

    it("forwards a signed webhook and answers 200 once the endpoint has it", async () => {
      const body = invoicePaid("first");
      const response = await postSigned(await start(), body);
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toMatch(/^application\/json/);
      expect(await response.json()).toEqual({ received: true, status: "delivered" });
      expect(sandbox.conversions).toMatchObject([
        { external_event_id: "evt_first", referral_id: "ref_ada", sale_amount: 29, sale_amount_currency: "USD" },
      ]);
    });

    it("answers a webhook that came twice with 200, and the sale counts once", async () => {
      const url = await start();
      const body = invoicePaid(newId());
      await postSigned(url, body);
      expect(await (await postSigned(url, body)).json()).toEqual({ received: true, status: "duplicate" });
      expect(sandbox.conversions).toHaveLength(1);
    });

    it("serves two sources side by side", async () => {
      const url = await start();
      const body = JSON.stringify({ id: newId() });
      const lead = await post(`${url}/webhooks/billing`, body, { "x-billing-signature": billingSignature(body) });
      expect([lead.status, (await postSigned(url)).status]).toEqual([200, 200]);
      expect(sandbox.events.map((event) => event.event_type)).toEqual(["lead", "conversion"]);
    });

    it("serves another base path", async () => {
      const url = await start(relay(), { basePath: "/hooks/in" });
      const body = invoicePaid(newId());
      const response = await post(`${url}/hooks/in/stripe`, body, { "stripe-signature": stripeSignature(body) });
      expect([response.status, sandbox.conversions.length]).toEqual([200, 1]);
    });

    it.each([
      ["wrong", (body: string) => stripeSignature(body, "whsec_another")],
      ["doubled", (body: string) => `${stripeSignature(body)}, ${stripeSignature(body)}`],
      ["empty", () => ""],
      ["missing", () => undefined],
    ])("answers 401 without a reason when the signature is %s, and sends nothing", async (_what, sign) => {
      const body = invoicePaid(newId());
      const signature = sign(body);
      const headers: Record<string, string> = signature === undefined ? {} : { "stripe-signature": signature };
      const response = await post(`${await start()}/webhooks/stripe`, body, headers);
      expect(response.status).toBe(401);
      expect(await response.json()).toEqual({ error: { code: "signature_invalid" } });
      expect(sandbox.requests).toEqual([]);
    });

    it("answers 401 where the signature came in two headers", async () => {
      const body = invoicePaid(newId());
      const signature = stripeSignature(body);
      const status = await sendInPieces(`${await start()}/webhooks/stripe`, body, [signature, signature]);
      expect(status).toBe(app.keepsLastHeader ? 200 : 401);
    });

    it("answers 400 to a signed body that is not JSON or not the provider's shape", async () => {
      const url = await start();
      for (const body of ["not json", "[]", '{"id":"evt_1"}', "\ufeff{}"]) {
        const response = await postSigned(url, body);
        expect([response.status, await response.json()]).toEqual([400, { error: { code: "malformed_payload" } }]);
      }
    });

    it("answers 401 to an empty body", async () => {
      const response = await post(`${await start()}/webhooks/stripe`, "", {
        "stripe-signature": stripeSignature("{}"),
      });
      expect(response.status).toBe(401);
    });

    it.each(["GET", "PUT", "DELETE"])(
      app.refusesMethods === "framework"
        ? "leaves %s to the framework, which answers 405"
        : "answers 405 to %s, and says which method it takes",
      async (method) => {
        const body = invoicePaid(newId());
        // With its type, since some frameworks take one without for a form of another site, and refuse it as that.
        const headers = { "content-type": "application/json", "stripe-signature": stripeSignature(body) };
        const init = { method, headers, ...(method === "PUT" && { body }) };
        const response = await fetch(`${await start()}/webhooks/stripe`, init);
        const answer = await response.text();
        expect([response.status, sandbox.requests]).toEqual([405, []]);
        if (app.refusesMethods === "framework") return expect(answer).not.toContain("method_not_allowed");
        expect(response.headers.get("allow")).toBe("POST");
        expect(JSON.parse(answer)).toEqual({ error: { code: "method_not_allowed" } });
      },
    );

    it(
      app.refusesSources === "framework"
        ? "leaves a source that does not exist to the framework, which answers 404"
        : "answers 404 to a source that does not exist, and says that it is this",
      async () => {
        const response = await post(`${await start()}/webhooks/nobody`, "{}");
        const answer = await response.text();
        expect(response.status).toBe(404);
        if (app.refusesSources === "framework") return expect(answer).not.toContain("unknown_source");
        expect(JSON.parse(answer)).toEqual({ error: { code: "unknown_source" } });
      },
    );

    it("takes a body of 1 MiB and answers 413 to one byte more", async () => {
      const url = await start();
      const padding = 1024 * 1024 - invoicePaid("big", { note: "" }).length;
      const fits = invoicePaid("big", { note: "x".repeat(padding) });
      expect(Buffer.byteLength(fits)).toBe(1024 * 1024);
      expect((await postSigned(url, fits)).status).toBe(200);
      const response = await postSigned(url, `${fits} `);
      expect([response.status, await response.json()]).toEqual([413, { error: { code: "body_too_large" } }]);
    });

    it("stops reading a body without end", async () => {
      const { port } = new URL(await start(relay(), { maxBodyBytes: 64 * 1024 }));
      const { status, sent } = await sendForever(Number(port));
      expect(app.cutsSenders ? (status ?? 413) : status).toBe(413);
      expect(sent).toBeLessThan(64 * 1024 * 1024);
    });

    it("answers 415 to a compressed body and to a multipart one", async () => {
      const url = await start();
      const body = invoicePaid(newId());
      const gzip = await post(`${url}/webhooks/stripe`, gzipSync(body), {
        "content-encoding": "gzip",
        "stripe-signature": stripeSignature(body),
      });
      expect([gzip.status, (await gzip.json()).error.code]).toEqual([415, "unsupported_body"]);
      const multipart = await postSigned(url, body, { "content-type": "multipart/form-data; boundary=x" });
      expect(multipart.status).toBe(app.refusesForms === "framework" ? 403 : 415);
    });

    it("takes a chunked body, in pieces that cut characters apart", async () => {
      const body = invoicePaid("chunked", { note: "Zoë 💶" });
      expect(await sendInPieces(`${await start()}/webhooks/stripe`, body, stripeSignature(body))).toBe(200);
      expect(sandbox.conversions).toHaveLength(1);
    });

    const seesSender = !app.buffersBodies && !app.isRemote;
    it(
      seesSender
        ? "logs that a sender hung up in the middle of its body, sends nothing of it, and takes the next webhook"
        : "sends nothing where a sender hung up in the middle of its body, and takes the next webhook",
      async () => {
        const { logger, lines } = recordingLogger();
        const gone = new Promise<void>((resolve) => {
          const warn = logger.warn;
          logger.warn = (fields, message) => {
            warn(fields, message);
            resolve();
          };
        });
        const url = await start(relay({ logger }));
        await hangUpWithin(url, invoicePaid(newId()));
        if (seesSender) {
          await gone;
          expect(lines.map(({ fields }) => fields)).toMatchObject([{ source: "stripe", code: "client_gone" }]);
        }
        const next = newId();
        expect((await postSigned(url, invoicePaid(next))).status).toBe(200);
        expect(sandbox.conversions.map((event) => event.external_event_id)).toEqual([`evt_${next}`]);
        expect(sandbox.requests).toHaveLength(1);
      },
    );

    it("answers 503 with Retry-After while the endpoint has an error, and 200 to the provider's next try", async () => {
      const url = await start();
      const body = invoicePaid(newId());
      sandbox.faults.next({ status: 500 });
      const response = await postSigned(url, body);
      expect([response.status, await response.json()]).toEqual([503, { error: { code: "endpoint_unavailable" } }]);
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
      expect((await postSigned(url, body)).status).toBe(200);
    });

    it("counts a sale once whose first answer was lost on the way", async () => {
      const url = await start();
      const body = invoicePaid(newId());
      sandbox.faults.next({ reset: "after" });
      expect((await postSigned(url, body)).status).toBe(503);
      expect((await postSigned(url, body)).status).toBe(200);
      expect(sandbox.conversions).toHaveLength(1);
    });

    it("leaves the app's other routes and their parser alone", async () => {
      const response = await post(`${await start()}/echo`, '{"hello":"Zoë"}');
      expect(await response.json()).toEqual({ hello: "Zoë" });
    });

    it("takes the very bytes although the app's JSON parser was there first", async () => {
      const server = await app.startAfterJsonParser(relay(), settings);
      running.push(server);
      // Indented, so that JSON which was made anew of what the parser left has other bytes.
      const body = JSON.stringify(JSON.parse(invoicePaid(newId(), { note: "Zoë 💶" })), null, 2);
      const forged = await post(`${server.url}/webhooks/stripe`, body, { "stripe-signature": stripeSignature("{}") });
      expect([forged.status, (await postSigned(server.url, body)).status]).toEqual([401, 200]);
      expect(sandbox.conversions).toHaveLength(1);
      expect(await (await post(`${server.url}/echo`, '{"hello":"Zoë"}')).json()).toEqual({ hello: "Zoë" });
    });

    it("says what to move when something in front ate the bytes", async () => {
      const { logger, lines } = recordingLogger();
      const server = await app.startBehindJsonParser(relay({ logger }), settings);
      running.push(server);
      const response = await postSigned(server.url);
      expect(response.status).toBe(500);
      const { error } = await response.json();
      expect(error.code).toBe("body_already_parsed");
      expect(error.message).toMatch(app.advice ?? /before/);
      if (!app.isRemote) expect(lines).toMatchObject([{ level: "error", message: error.message }]);
      expect(sandbox.requests).toEqual([]);
    });
  });
}

/** Sends a body in chunks of seven bytes; several signatures go in as many headers. */
function sendInPieces(url: string, body: string, signature: string | readonly string[]): Promise<number | undefined> {
  const bytes = Buffer.from(body);
  const headers: OutgoingHttpHeaders = {
    "content-type": "application/json",
    "stripe-signature": typeof signature === "string" ? signature : [...signature],
  };
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method: "POST", headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on("error", reject);
    for (let at = 0; at < bytes.length; at += 7) request.write(bytes.subarray(at, at + 7));
    request.end();
  });
}

/** Sends half of a signed webhook, hangs up, and resolves once the server has let go of the connection, too. */
export function hangUpWithin(url: string, body: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    const length = `content-length: ${Buffer.byteLength(body)}`;
    socket.write(`${REQUEST_HEAD}stripe-signature: ${stripeSignature(body)}\r\n${length}\r\n\r\n`);
    socket.end(body.slice(0, body.length / 2));
    socket.resume();
    socket.on("error", () => {});
    socket.on("close", () => resolve());
  });
}

/** Sends random chunks until the server answers or cuts the connection. */
function sendForever(port: number): Promise<{ status: number | undefined; sent: number }> {
  return new Promise((resolve) => {
    let sent = 0;
    let status: number | undefined;
    const chunk = randomBytes(16 * 1024).toString("hex");
    const socket = connect(port, "127.0.0.1");
    const more = () => {
      while (!socket.destroyed && socket.writable) {
        sent += chunk.length;
        if (!socket.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`)) return;
      }
    };
    socket.write(`${REQUEST_HEAD}transfer-encoding: chunked\r\n\r\n`);
    socket.on("drain", more);
    socket.on("data", (data) => {
      status ??= Number(/^HTTP\/1\.1 (\d+)/.exec(data.toString())?.[1]);
      socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve({ status, sent }));
    more();
  });
}
