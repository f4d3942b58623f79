import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import express from "express";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import type { WebhookHeaders } from "../../src/adapter.js";
import { isRelayError } from "../../src/errors.js";
import { createExpressMiddleware } from "../../src/http/express.js";
import { createFetchHandler } from "../../src/http/fetch.js";
import { createRelay } from "../../src/relay-node.js";
import { recordingLogger } from "../helpers/relay.js";
import { NOW_SECONDS, VERIFIERS, type VerifierUnderTest } from "./support/hostile/verifiers.js";
import { isFull, printFigures, seededRandom } from "./support/network/figures.js";

const FORGED = isFull ? 50_000_000 : 7_000;
const FLIPPED = isFull ? 200 : 1;
const PROPERTIES = isFull ? 50_000 : 100;

const figures = { forged: 0, flips: 0, answers: 0, accepted: 0, controls: 0, threw: 0 };
afterAll(() => printFigures("F9", { verifiers: VERIFIERS.length, ...figures }));

const bodyOf = (id: number | string) => JSON.stringify({ id: `evt_${id}`, amount: 2900, note: "Zoë 💶" });

/** `"taken"`, the error's code, or what else was thrown. */
async function outcomeOf({ adapter }: VerifierUnderTest, body: string | Uint8Array, headers: WebhookHeaders) {
  try {
    await adapter.verify({ body, headers }, { nowMs: NOW_SECONDS * 1000 });
    return "taken";
  } catch (error) {
    if (!isRelayError(error)) figures.threw++;
    return isRelayError(error) ? error.code : String(error);
  }
}

async function expectRefused(of: VerifierUnderTest, body: string | Uint8Array, headers: WebhookHeaders): Promise<void> {
  figures.forged++;
  const outcome = await outcomeOf(of, body, headers);
  if (outcome === "signature_invalid") return;
  if (outcome === "taken") figures.accepted++;
  expect.fail(`${of.name}: ${outcome} for ${JSON.stringify({ body: String(body), headers })}`);
}

/** Another value of the signature header: refused, unless it is another spelling of the right one. */
async function expectJudged(of: VerifierUnderTest, body: string, value: string): Promise<void> {
  const right = of.sign(body);
  const header = signatureHeader(of);
  const headers = { ...right, [header]: value };
  if (of.spelling(value) !== of.spelling(right[header] ?? "")) return expectRefused(of, body, headers);
  figures.controls++;
  expect([value, await outcomeOf(of, body, headers)]).toEqual([value, "taken"]);
}

const signatureHeader = (of: VerifierUnderTest) => Object.keys(of.sign("{}"))[0] ?? "";

function* flipsOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      yield text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << bit)) + text.slice(at + 1);
    }
  }
}

/** What can be made of a right value without the secret, and must never be taken. */
function mangled(value: string): (string | readonly string[])[] {
  const swapped = [...value].map((letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  );
  return [
    [value, value],
    `${value}, ${value}`,
    `${value}${value.slice(0, 9)}`,
    `${value}\0`,
    `${value}${" ".repeat(5_000)}`,
    `${value},${"x=y,".repeat(20_000)}`,
    `${value} ${"v1,eA== ".repeat(20_000)}`,
    `${`${value},`.repeat(17)}${value}`,
    `${`${value} `.repeat(17)}${value}`,
    "A".repeat(10_000_000),
    "=".repeat(4_096),
    ",".repeat(4_096),
    " ".repeat(4_096),
    "💶".repeat(64),
    [...value].reverse().join(""),
    swapped.join(""),
    "",
    "undefined",
    "[object Object]",
  ];
}

describe("F9: forged signatures", { timeout: isFull ? 6 * 60 * 60_000 : 60_000 }, () => {
  describe.each(VERIFIERS)("under $name", (of) => {
    const header = signatureHeader(of);
    const body = bodyOf("right");
    const right = of.sign(body);
    const value = right[header] ?? "";

    it("takes the right one, so that a refusal says something", async () => {
      for (const bytes of [body, new TextEncoder().encode(body)])
        expect(await outcomeOf(of, bytes, right)).toBe("taken");
      expect(await outcomeOf(of, body, new Headers(right))).toBe("taken");
      figures.controls += 3;
    });

    it("refuses every bit flip of the headers, and of the body that they cover", async () => {
      for (let round = 0; round < FLIPPED; round++) {
        const text = bodyOf(round);
        const headers = of.sign(text);
        for (const flipped of flipsOf(headers[header] ?? "")) await expectJudged(of, text, flipped);
        for (const other of Object.keys(headers).filter((name) => name !== header)) {
          for (const flipped of flipsOf(headers[other] ?? "")) {
            await expectRefused(of, text, { ...headers, [other]: flipped });
            figures.flips++;
          }
        }
        figures.flips += (headers[header] ?? "").length * 8;
        if (!of.coversBody) continue;
        const bytes = Buffer.from(text);
        for (let bit = 0; bit < bytes.length * 8; bit++) {
          const flipped = Buffer.from(bytes);
          flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          await expectRefused(of, flipped, headers);
          figures.flips++;
        }
      }
    });

    it("refuses what is cut off, doubled, oversized, in other letters or of another scheme", async () => {
      for (let at = 0; at < value.length; at++) {
        for (const part of [value.slice(0, at), value.slice(at + 1)]) await expectJudged(of, body, part);
      }
      for (const forged of [...mangled(value), ...of.forge(body)]) {
        const isText = typeof forged === "string";
        await (isText ? expectJudged(of, body, forged) : expectRefused(of, body, { ...right, [header]: forged }));
      }
      for (const name of Object.keys(right)) {
        const { [name]: _, ...rest } = right;
        await expectRefused(of, body, rest);
        await expectRefused(of, body, { ...rest, [`${name}-`]: right[name] });
      }
      for (const secret of ["another", "hostile-signatures-secre", "hostile-signatures-secret "]) {
        await expectRefused(of, body, of.sign(body, { secret }));
      }
    });

    it("refuses any header that was made up, and any body that another's headers were signed for", async () => {
      const text = fc.oneof(
        fc.string({ unit: "binary", maxLength: 200 }),
        fc.stringMatching(
          /^(t|ts|v1|h1|sha256|Basic |Bearer )?[=,;: ]?[0-9a-f]{0,130}([,; ](v1|h1)[=,][0-9a-f]{0,130}){0,3}$/,
        ),
        fc.base64String({ maxLength: 100 }).map((base64) => `v1,${base64}`),
        fc.mixedCase(fc.constant(value)),
      );
      const names = Object.keys(right);
      await fc.assert(
        fc.asyncProperty(text, fc.constantFrom(...names), async (made, name) => {
          if (name === header) await expectJudged(of, body, made);
          else if (made !== right[name]) await expectRefused(of, body, { ...right, [name]: made });
        }),
        { numRuns: PROPERTIES },
      );
      if (!of.coversBody) return;
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
          fc.pre(Buffer.compare(bytes, Buffer.from(body)) !== 0);
          await expectRefused(of, bytes, right);
        }),
        { numRuns: PROPERTIES },
      );
    });

    it("refuses right ones with a few letters replaced, left out or put in", async () => {
      const random = seededRandom(0xf9);
      const pick = (below: number) => Math.floor(random() * below);
      const letters = `0123456789abcdefABCDEF+/=,;:. tvhs1Z\0\u00e9${value}`;
      for (let run = 0; run < FORGED / VERIFIERS.length; run++) {
        let forged = value;
        for (let edits = 1 + pick(4); edits > 0; edits--) {
          const at = pick(forged.length + 1);
          const letter = letters.charAt(pick(letters.length));
          forged = forged.slice(0, at) + (pick(3) === 0 ? "" : letter) + forged.slice(at + pick(3));
        }
        if (!staysRight(of, value, forged)) await expectRefused(of, body, { ...right, [header]: forged });
      }
    });
  });
});

/** Whether all that was signed is still there: schemes allow further parts, and other signatures beside the right one. */
function staysRight(of: VerifierUnderTest, value: string, forged: string): boolean {
  const there = new Set(of.spelling(forged).split(/[,; ]+/));
  return of
    .spelling(value)
    .split(/[,; ]+/)
    .every((part) => there.has(part));
}

describe("F9: what a forger is told", () => {
  const { logger } = recordingLogger();
  let sent = 0;
  const relays = VERIFIERS.map(({ adapter }) =>
    createRelay({
      ...{ apiKey: "key", logger, adapters: [adapter], clock: () => NOW_SECONDS * 1000 },
      fetch: async () => {
        sent++;
        return new Response("{}");
      },
    }),
  );
  const server = createServer(
    relays.reduce(
      (app, relay, at) => app.use(`/${at}`, createExpressMiddleware(relay)),
      express().disable("x-powered-by"),
    ),
  );
  afterAll(() => server.close());

  const forgeries = VERIFIERS.flatMap((of, at) => {
    const body = bodyOf("right");
    const right = of.sign(body);
    const header = signatureHeader(of);
    const value = right[header] ?? "";
    const lines = [...mangled(value), ...of.forge(body), value.slice(0, -8), `${value}0`]
      .flatMap((forged) => (typeof forged === "string" ? [forged] : []))
      // What Node's parser takes for a header, and does not answer 431 to.
      .filter((forged) => /^[\x20-\x7e]{0,8000}$/.test(forged) && of.spelling(forged.trim()) !== of.spelling(value));
    return [undefined, ...lines].map((forged) => ({ of, at, body, headers: { ...right, [header]: forged } }));
  });

  it("is the same to the byte, whatever was wrong", async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1").setEncoding("latin1");
    const answers = new Set<string>();
    for (const { of, at, body, headers } of forgeries) {
      const lines = Object.entries(headers).flatMap(([name, text]) => (text === undefined ? [] : [`${name}: ${text}`]));
      const head = [`POST /${at}/${of.adapter.name} HTTP/1.1`, "host: x", ...lines];
      socket.write(`${head.join("\r\n")}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
      let answer = "";
      while (!answer.endsWith("}}")) answer += (await once(socket, "data"))[0];
      answers.add(answer.replace(/^Date: .*\r\n/m, ""));
      figures.answers++;
    }
    socket.destroy();
    expect([...answers]).toEqual([
      "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\nConnection: keep-alive\r\n" +
        'Keep-Alive: timeout=5\r\nContent-Length: 38\r\n\r\n{"error":{"code":"signature_invalid"}}',
    ]);
    expect(sent).toBe(0);
  });

  it("is the same through the fetch handler, and a right one gets by", async () => {
    const handlers = relays.map((relay) => createFetchHandler(relay));
    const ask = async (at: number, body: string, headers: Readonly<Record<string, string | undefined>>) => {
      const given = Object.entries(headers).flatMap(([name, text]) =>
        text === undefined ? [] : [[name, text] as const],
      );
      const url = `https://shop.example/${VERIFIERS[at]?.adapter.name}`;
      const request = new Request(url, { method: "POST", body, headers: new Headers(given.map(([...pair]) => pair)) });
      const response = await handlers[at]?.(request);
      return `${response?.status} ${JSON.stringify([...(response?.headers ?? [])])} ${await response?.text()}`;
    };
    const answers = new Set<string>();
    for (const { at, body, headers } of forgeries) answers.add(await ask(at, body, headers));
    expect([...answers]).toEqual(['401 [["content-type","application/json"]] {"error":{"code":"signature_invalid"}}']);
    expect(sent).toBe(0);
    for (const [at, of] of VERIFIERS.entries()) {
      const body = bodyOf("right");
      // Signed, and none of Stripe's or Paddle's events.
      expect(await ask(at, body, of.sign(body))).toMatch(of.adapter.name === "own" ? /^200/ : /^400/);
    }
  });
});
