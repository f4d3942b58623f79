import { afterAll, beforeAll, expect, it } from "vitest";
import * as z from "zod/mini";
import { defineAdapter } from "../../src/adapter.js";
import { memoryOutbox } from "../../src/outbox/memory.js";
import { createRelay } from "../../src/relay-node.js";
import { createSandbox } from "../../src/sandbox/index.js";
import { recordingLogger } from "../helpers/relay.js";
import { CuttingProxy, ENDINGS, type Harm } from "./support/network/cutting-proxy.js";
import { isFull, printFigures } from "./support/network/figures.js";
import { sale } from "./support/network/sales.js";

const AT_ONCE = isFull ? 16 : 8;
/** How many bytes are tried at CI size, of request and response together. */
const SPREAD = 60;
const REQUEST_TIMEOUT_MS = 500;

const billing = defineAdapter({
  name: "billing",
  verify: () => undefined,
  schema: z.object({ id: z.string() }),
  normalize: ({ id }) => {
    const { source: _, ...event } = sale(id);
    return event;
  },
});

const sandbox = createSandbox({ rateLimit: false, referrals: ["ref_ada"], signing: { secret: "signing" } });
let port = 0;
beforeAll(async () => {
  port = (await sandbox.start()).port;
});
afterAll(() => sandbox.stop());

/** One sale through one proxy, until the relay says that it was delivered. */
async function deliver(id: string, harm?: Harm) {
  const proxy = new CuttingProxy(port, harm);
  const told = { conversionId: "", delivered: 0, dead: 0, paused: 0 };
  let done: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    done = resolve;
  });
  const relay = createRelay({
    apiKey: sandbox.apiKey,
    signingSecret: "signing",
    baseUrl: `http://127.0.0.1:${await proxy.start()}/v1`,
    adapters: [billing],
    outbox: memoryOutbox(),
    rateLimit: { perMinute: 60_000, perSecond: 1_000 },
    retry: { delaysMs: [10], jitter: 0 },
    timeoutMs: REQUEST_TIMEOUT_MS,
    logger: recordingLogger().logger,
    on: {
      delivered: ({ conversionId = "" }) => {
        told.conversionId = conversionId;
        told.delivered++;
        done();
      },
      deadLetter: () => {
        told.dead++;
        done();
      },
      paused: () => {
        told.paused++;
        done();
      },
    },
  });
  try {
    await relay.receiveVerified("billing", { id });
    await ended;
    const { counts } = await relay.stats();
    return {
      ...told,
      counts,
      harm,
      bytes: { ...proxy.bytes },
      isHarmed: proxy.isHarmed,
      connections: proxy.connections,
    };
  } finally {
    await relay.stop();
    await proxy.stop();
  }
}

it("takes a sale once, wherever its connection ends, and however", {
  timeout: isFull ? 30 * 60_000 : 60_000,
}, async () => {
  const idOf = (index: number) => String(index).padStart(6, "0");
  const whole = await deliver(idOf(0));
  const points = [
    ...Array.from({ length: whole.bytes.request + 1 }, (_, after) => ({ direction: "request" as const, after })),
    ...Array.from({ length: whole.bytes.response + 1 }, (_, after) => ({ direction: "response" as const, after })),
  ];
  const step = isFull ? 1 : (points.length - 1) / (SPREAD - 1);
  const chosen = points.filter((_, at) => isFull || Math.floor(at / step) !== Math.floor((at - 1) / step));
  const harms = chosen.flatMap((point) => ENDINGS.map((ending): Harm => ({ ...point, ending })));

  const results: Awaited<ReturnType<typeof deliver>>[] = [whole];
  const ids = [idOf(0)];
  let next = 0;
  const take = async () => {
    for (let at = next++; at < harms.length; at = next++) {
      const id = idOf(at + 1);
      results.push(await deliver(id, harms[at]));
      ids.push(id);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, take));

  const effects = new Map<string, string[]>();
  for (const { external_event_id = "", id } of sandbox.conversions) {
    effects.set(external_event_id ?? "", [...(effects.get(external_event_id ?? "") ?? []), id]);
  }
  const repeated = results.filter(({ connections }) => connections > 1).length;
  printFigures("F8", {
    bytes: whole.bytes,
    points: chosen.length,
    runs: harms.length,
    effects: sandbox.conversions.length,
    answersLost: sandbox.replays.length,
    repeated,
    dead: results.reduce((sum, { dead }) => sum + dead, 0),
    paused: results.reduce((sum, { paused }) => sum + paused, 0),
  });

  expect(harms.length).toBeGreaterThanOrEqual(ENDINGS.length * (SPREAD - 1));
  expect(results.filter(({ harm, isHarmed }) => harm !== undefined && !isHarmed)).toEqual([]);
  const asItShouldBe = { pending: 0, delivered: 1, unmatched: 0, dead: 0, discarded: 0 };
  for (const [at, { harm, counts, conversionId, delivered, dead, paused }] of results.entries()) {
    const what = { harm, counts, delivered, dead, paused, conversionIds: effects.get(`evt_${ids[at]}`) };
    const conversionIds = [conversionId];
    expect(what).toEqual({ harm, counts: asItShouldBe, delivered: 1, dead: 0, paused: 0, conversionIds });
  }
  expect(sandbox.conversions).toHaveLength(harms.length + 1);
  // A harm before the answer's last byte must have cost a second connection, and some of them a second delivery.
  expect(repeated).toBeGreaterThan(harms.length * 0.9);
  expect(sandbox.replays.length).toBeGreaterThan(0);
});
