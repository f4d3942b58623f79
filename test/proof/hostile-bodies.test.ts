import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { brotliCompressSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSandbox } from "../../src/sandbox/index.js";
import { hostileBodies } from "./support/hostile/bodies.js";
import type { Health } from "./support/hostile/messages.js";
import { type HostileServer, type HostileSource, signedHeaders, startHostileServer } from "./support/hostile/server.js";
import { isFull, printFigures } from "./support/network/figures.js";

const RUNS = isFull ? 1_000_000 : 100;
const BLOCKED_MS = 50;
const GROWN_BYTES = 64 * 1024 * 1024;
const BINDINGS = ["express", "fetch"] as const;

const sandbox = createSandbox({ referrals: ["ref_ada"], rateLimit: false });
const agent = new Agent({ keepAlive: true });
let server: HostileServer;
let atRest: Health;
const figures = { bodies: 0, blockedMs: 0, blockedBy: "", over50Ms: new Map<string, number>(), grownBytes: 0 };

beforeAll(async () => {
  const { baseUrl } = await sandbox.start();
  server = await startHostileServer({ baseUrl, apiKey: sandbox.apiKey, hasOutbox: false });
  atRest = await server.health();
}, 60_000);
afterAll(async () => {
  agent.destroy();
  await server.stop();
  await sandbox.stop();
  const { over50Ms, ...rest } = figures;
  printFigures("F10", { ...rest, over50Ms: Object.fromEntries(over50Ms) });
});

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function post(
  binding: (typeof BINDINGS)[number],
  source: HostileSource,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  figures.bodies++;
  const sending = request({
    ...{ agent, host: "127.0.0.1", port: server.ports[binding], path: `/${source}`, method: "POST" },
    headers: { "content-type": "application/json", ...signedHeaders(source, body), ...headers },
  });
  sending.end(body);
  const [response] = await once(sending, "response");
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  return { status: response.statusCode, text };
}

/** The server lives, is itself, and was not held up for long. */
async function expectWell(what: string): Promise<void> {
  const { blockedMs, polluted, rssBytes } = await server.health();
  expect(polluted).toEqual([]);
  figures.grownBytes = Math.max(figures.grownBytes, rssBytes - atRest.rssBytes);
  if (blockedMs > figures.blockedMs) Object.assign(figures, { blockedMs, blockedBy: what });
  if (blockedMs > BLOCKED_MS) figures.over50Ms.set(what, Math.round(blockedMs));
}

describe("F10: hostile bodies", { timeout: isFull ? 3 * 60 * 60_000 : 60_000 }, () => {
  it.each(BINDINGS)(
    "get an answer of the table through %s, and the endpoint what a reader would expect",
    async (binding) => {
      const all = hostileBodies(binding);
      // What the bindings differ in ends with the bytes: in CI, one of them is enough for most.
      const bodies = isFull || binding === "express" ? all : all.filter((_, at) => at % 8 === 0);
      for (const { what, source, body, status, sent } of bodies) {
        sandbox.reset();
        expect(body.length).toBeLessThanOrEqual(1024 * 1024);
        const answer = await post(binding, source, body);
        expect([what, answer.status, answer.text.slice(0, 80)]).toEqual([what, status, expect.any(String)]);
        if (status === 400) expect([what, answer.text]).toEqual([what, '{"error":{"code":"malformed_payload"}}']);
        const forwarded = sandbox.requests.map((request) => JSON.parse(request.body));
        expect([what, forwarded]).toEqual([what, sent === null ? [] : [sent]]);
        await expectWell(what);
      }
      expect(Reflect.get({}, "polluted")).toBeUndefined();
    },
  );

  it.each(BINDINGS)("are not unpacked by %s, whatever they would become", async (binding) => {
    const zeros = Buffer.alloc(isFull ? 100_000_000 : 10_000_000);
    const bombs = { gzip: gzipSync(zeros), br: brotliCompressSync(zeros) };
    for (const encoding of [
      "gzip",
      "br",
      "deflate",
      "zstd",
      "x-gzip",
      "gzip, br",
      "identity, gzip",
      "GZIP",
      "\u00e9",
    ]) {
      const answer = await post(binding, "stripe", encoding === "br" ? bombs.br : bombs.gzip, {
        "content-encoding": encoding,
      });
      expect([encoding, answer.status, JSON.parse(answer.text).error.code]).toEqual([
        encoding,
        415,
        "unsupported_body",
      ]);
    }
    // Without a word about it, they are bytes like any others.
    for (const bomb of Object.values(bombs)) expect((await post(binding, "stripe", bomb)).status).toBe(400);
    await expectWell("bombs");
  });

  it.each(BINDINGS)("that lie about their length or never end cost %s one connection", async (binding) => {
    const head = `POST /stripe HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;
    const chunk = `4000\r\n${"x".repeat(0x4000)}\r\n`;
    // Or nothing: who goes on sending into a closed connection may lose the answer that was on its way.
    for (const framing of ["content-length: 2000000", "transfer-encoding: chunked"])
      expect(await answerTo(binding, `${head}${framing}\r\n\r\n`, chunk)).toMatch(/^(HTTP\/1.1 413 |$)/);
    for (const framing of [
      "content-length: -1",
      "content-length: 1e3",
      "content-length: 5\r\ncontent-length: 6",
      "content-length: 5\r\ntransfer-encoding: chunked",
      "transfer-encoding: chunked, identity",
      "content-length: 99999999999999999999999",
    ]) {
      expect([framing, await answerTo(binding, `${head}${framing}\r\n\r\nhello`)]).toEqual([
        framing,
        expect.stringMatching(/^HTTP\/1.1 4\d\d /),
      ]);
    }
    expect(await answerTo(binding, `${head}transfer-encoding: chunked\r\n\r\nzz\r\n`)).toMatch(/^(HTTP\/1.1 400 |$)/);
    // Shorter than it says: what follows is another request, and none that HTTP knows.
    expect(await answerTo(binding, `${head}content-length: 2\r\n\r\n{}{}{}\r\n\r\n`)).toMatch(/^HTTP\/1.1 40[01] /);
    await expectWell("lengths that lie");
  });

  it("that are made up by the thousand crash nothing", async () => {
    const key = fc.oneof(
      fc.constantFrom("__proto__", "constructor", "prototype", "toString", "id", "data", "object", "metadata"),
      fc.string(),
    );
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { depthSize: "small" },
        fc.constantFrom(null, true, -0, 1e308, 2 ** 53, "", "\ud800", "\0", "2900"),
        fc.string({ unit: "binary" }),
        fc.integer(),
        fc.array(tie("tree"), { maxLength: 4 }),
        fc.array(fc.tuple(key, tie("tree")), { maxLength: 4 }).map((entries) => new Members(entries)),
      ),
    }));
    const [invoice, transaction, order] = ["stripe", "paddle", "billing"].map((source) => {
      const right = hostileBodies("any").find((hostile) => hostile.source === source && hostile.body.length < 1_000);
      return right?.body.toString() ?? "";
    });
    const source = fc.constantFrom(["stripe", invoice], ["paddle", transaction], ["billing", order]);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        source,
        tree,
        fc.nat(),
        fc.constantFrom(...BINDINGS),
        async ([name, right = ""], made, at, binding) => {
          const values = [...right.matchAll(/"[^"]*"(?!:)|\d+|true/g)];
          const { index = 0, 0: old = "" } = values[at % values.length] ?? {};
          const body = Buffer.from(right.slice(0, index) + textOf(made) + right.slice(index + old.length));
          const answer = await post(binding, name as HostileSource, body);
          expect([200, 400, 503]).toContain(answer.status);
          if (++run % 1_000 === 0) sandbox.reset();
        },
      ),
      { numRuns: RUNS },
    );
    await expectWell("what was made up");
  });

  it("leave the server as it was", async () => {
    const body = hostileBodies("last")[1]?.body ?? Buffer.alloc(0);
    for (const binding of BINDINGS) expect((await post(binding, "stripe", body)).status).toBe(200);
    if (!isFull) return;
    expect(Object.fromEntries(figures.over50Ms)).toEqual({});
    expect(figures.grownBytes).toBeLessThan(GROWN_BYTES);
  });
});

/** Members of an object as they are written down, `__proto__` and doubled ones too. */
class Members {
  constructor(readonly entries: readonly (readonly [string, unknown])[]) {}
}

function textOf(value: unknown): string {
  if (value instanceof Members) {
    return `{${value.entries.map(([key, inner]) => `${JSON.stringify(key)}:${textOf(inner)}`).join(",")}}`;
  }
  if (Array.isArray(value)) return `[${value.map(textOf).join(",")}]`;
  return Object.is(value, -0) ? "-0" : JSON.stringify(value);
}

/** What a server says to raw bytes, after which one part comes again and again until the connection is closed. */
function answerTo(binding: (typeof BINDINGS)[number], head: string, again?: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(server.ports[binding], "127.0.0.1").setEncoding("latin1");
    const more = () => {
      while (again !== undefined && socket.writable && socket.write(again));
    };
    socket.on("data", (data) => {
      answer += data;
      if (answer.includes("\r\n\r\n")) socket.destroy();
    });
    socket.on("drain", more).on("error", () => {});
    socket.on("close", () => resolve(answer));
    socket.write(head, more);
  });
}
