import fc from "fast-check";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { defineAdapter } from "../../../src/adapter.js";
import { isRelayError, type RelayErrorCode } from "../../../src/errors.js";
import type { RelayOptions } from "../../../src/options.js";
import { memoryOutbox } from "../../../src/outbox/memory.js";
import { createRelay } from "../../../src/relay-node.js";
import { listen } from "../../helpers/listen.js";
import { optionsOf, refund, sale } from "../core/support.js";

/** What a request consists of beside its body, and which no value may change. */
interface Head {
  readonly line: string;
  readonly names: readonly string[];
}

const SPLITTERS = ["\r\n", "\n", "\r", "\0", "\u2028", "\u0085", "\u010a\u010d", "%0d%0a", "\t", " ", ":", "ä", "嘊嘍"];
const INJECTED = ["x-injected:1", "x-injected: 1", "GET /admin HTTP/1.1\r\nhost: x"];
const hostile = fc
  .tuple(fc.string(), fc.constantFrom("", ...SPLITTERS), fc.constantFrom("", ...INJECTED))
  .map((parts) => parts.join(""));

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A real endpoint that keeps the head of each request. */
async function endpoint(data: object = { id: "conv_1" }) {
  const heads: Head[] = [];
  const second = withResolvers<void>();
  const { url, close } = await listen((request, response) => {
    heads.push({
      line: `${request.method} ${request.url} HTTP/${request.httpVersion}`,
      names: request.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()),
    });
    if (heads.length === 2) second.resolve();
    request.resume().on("end", () => response.writeHead(201).end(JSON.stringify({ success: true, data })));
  }, "/v1");
  closing.push(close);
  return { baseUrl: url, heads, second: second.promise };
}

/** Whether it was sent, or refused with one of these codes. */
async function isSent(codes: readonly RelayErrorCode[], send: () => Promise<unknown>): Promise<boolean> {
  try {
    await send();
    return true;
  } catch (error) {
    if (isRelayError(error) && codes.includes(error.code)) return false;
    throw error;
  }
}

/** The headers of a request that nobody tampers with, as this Node makes it. */
let names: readonly string[] = [];
beforeAll(async () => {
  const { baseUrl, heads } = await endpoint();
  await createRelay(optionsOf({ baseUrl, signingSecret: "team secret" })).receiveVerified("billing", {
    records: [sale()],
  });
  names = heads[0]?.names ?? [];
  expect(names).toContain("x-affonso-signature");
});

const expectClean = (head: Head) => expect(head).toEqual({ line: "POST /v1/events HTTP/1.1", names });

describe("no value of the configuration adds a header or breaks the request line", () => {
  const settings = { signingSecret: "team secret" };
  const send = async (changes: Partial<RelayOptions>) =>
    createRelay(optionsOf({ ...settings, ...changes })).receiveVerified("billing", { records: [sale()] });

  it.each<[string, (value: string, baseUrl: string) => Promise<unknown>]>([
    ["apiKey", (apiKey, baseUrl) => send({ baseUrl, apiKey })],
    ["apiKey, behind a good one", (value, baseUrl) => send({ baseUrl, apiKey: `sk_live_test${value}` })],
    ["signingSecret", (signingSecret, baseUrl) => send({ baseUrl, signingSecret })],
    ["mappings", (id, baseUrl) => send({ baseUrl, mappings: { customers: () => `user${id}` } })],
    ["transform", (name, baseUrl) => send({ baseUrl, transform: (event) => ({ ...event, name }) })],
    [
      "an adapter's name",
      async (name, baseUrl) => {
        const adapter = defineAdapter({ name, verify() {}, schema: z.any(), normalize: () => [sale()] as never });
        await createRelay({ ...optionsOf(settings), baseUrl, adapters: [adapter] }).receiveVerified(name, {});
      },
    ],
  ])("%s", async (_, sendWith) => {
    const { baseUrl, heads } = await endpoint();
    await fc.assert(
      fc.asyncProperty(hostile, async (value) => {
        const before = heads.length;
        // Refused, or sent as the one request that was meant.
        const sent = await isSent(["invalid_options", "invalid_event", "mapping_failed"], () =>
          sendWith(value, baseUrl),
        );
        expect(heads.length).toBe(before + (sent ? 1 : 0));
        for (const head of heads.slice(before)) expectClean(head);
      }),
    );
  });

  it("baseUrl, whose path stays one", async () => {
    const { baseUrl, heads } = await endpoint();
    await fc.assert(
      fc.asyncProperty(hostile, async (value) => {
        const before = heads.length;
        const sent = await isSent(["invalid_options"], () => send({ baseUrl: `${baseUrl}/${value}` }));
        expect(heads.length).toBe(before + (sent ? 1 : 0));
        for (const head of heads.slice(before)) {
          expect(head).toEqual({ line: expect.stringMatching(/^POST \/[\x21-\x7e]*\/events HTTP\/1\.1$/), names });
        }
      }),
    );
  });
});

describe("no value that is received adds a header or breaks the request line", () => {
  it("of a webhook", async () => {
    const { baseUrl, heads } = await endpoint();
    const relay = createRelay(optionsOf({ baseUrl, signingSecret: "team secret" }));
    const text = fc.oneof(hostile, fc.string({ unit: "binary", minLength: 1 }));
    const record = fc.record({
      name: fc.oneof(fc.constant("sale"), text),
      externalEventId: fc.oneof(fc.constant("evt_1"), text),
      identity: fc.record({ customerId: text.map((id) => `cus${id}`), referralId: text }),
      metadata: fc.dictionary(text, text),
    });
    await fc.assert(
      fc.asyncProperty(record, async (changes) => {
        const before = heads.length;
        const records = [sale(changes)];
        const sent = await isSent(["invalid_event"], () => relay.receiveVerified("billing", { records }));
        expect(heads.length).toBe(before + (sent ? 1 : 0));
        for (const head of heads.slice(before)) expectClean(head);
      }),
    );
  });

  it.each([
    ["of the endpoint's own ids", "conv_1", "/v1/conversions/conv_1/refund"],
    ["with a slash", "a/../../b?c#d", "/v1/conversions/a%2F..%2F..%2Fb%3Fc%23d/refund"],
    ["with a scheme", "https://evil.example", "/v1/conversions/https%3A%2F%2Fevil.example/refund"],
    ["with other letters", "ü 1", "/v1/conversions/%C3%BC%201/refund"],
  ])("of an answer: an id %s stays one part of a refund's path", async (_, id, path) => {
    const { baseUrl, heads, second } = await endpoint({ id });
    const { delivered, told } = deliveries();
    const relay = createRelay({ ...optionsOf(), baseUrl, outbox: memoryOutbox(), on: { delivered } });
    closing.push(() => relay.stop());
    await relay.receiveVerified("billing", { records: [sale({ businessKey: "invoice_1" })] });
    expect(await told).toMatchObject({ conversionId: id });
    await relay.receiveVerified("billing", { records: [refund()] });
    await second;
    expect(heads.map(({ line }) => line)).toEqual(["POST /v1/events HTTP/1.1", `POST ${path} HTTP/1.1`]);
  });

  it.each([[".."], ["."], ["\ud800"], ["conv\r\nx-injected: 1"], ["conv\0"], [""], [42], ["x".repeat(256)]])(
    "of an answer: what is no id makes no path (%#)",
    async (id) => {
      const { baseUrl, heads } = await endpoint({ id });
      const { delivered, told } = deliveries();
      const { promise: buried, resolve: deadLetter } = withResolvers<unknown>();
      const relay = createRelay({ ...optionsOf(), baseUrl, outbox: memoryOutbox(), on: { delivered, deadLetter } });
      closing.push(() => relay.stop());
      await relay.receiveVerified("billing", { records: [sale({ businessKey: "invoice_1" })] });
      expect(await told).toMatchObject({ conversionId: undefined });
      await relay.receiveVerified("billing", { records: [refund()] });
      expect(await buried).toMatchObject({ error: { reason: "no_conversion_id" } });
      expect(heads.map(({ line }) => line)).toEqual(["POST /v1/events HTTP/1.1"]);
    },
  );
});

function deliveries() {
  const { promise: told, resolve: delivered } = withResolvers<unknown>();
  return { told, delivered };
}

function withResolvers<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}
