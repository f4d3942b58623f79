import { Agent } from "node:http";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { SandboxRequest } from "../../src/sandbox/index.js";
import type { Child } from "./support/processes/child.js";
import { CrashingRelay } from "./support/processes/crashing-relay.js";
import { compare } from "./support/processes/ledger.js";
import { post } from "./support/processes/provider.js";
import { FULL, report } from "./support/processes/scale.js";
import { type ShopWebhook, webhookOf } from "./support/processes/shop.js";

const REPEATS = FULL ? 50 : 1;
/** Turns of the event loop between what is seen and the kill: the answer is written, read, settled meanwhile. */
const TURNS = [0, 1, 2, 4, 8, 16, 32, 64];

let relay: CrashingRelay;
let sales = 0;
const kills: Record<string, number> = {};
const total = { lost: 0, double: 0 };

beforeAll(async () => {
  relay = await CrashingRelay.start();
}, 30_000);
beforeEach(() => relay.sandbox.reset());
afterAll(async () => {
  report({ proof: "F1-points", kills, ...total });
  await relay.stop();
}, 30_000);

const timeout = FULL ? 3_600_000 : 60_000;

it(
  "delivers what was acknowledged a moment before the kill, though nobody sends it again",
  () =>
    forEach([0], async () => {
      const child = relay.spawn();
      const webhooks = Array.from({ length: 20 }, newSale);
      const agent = new Agent({ keepAlive: true });
      const port = await child.port;
      const acknowledged: string[] = [];
      const answers = webhooks.map(async (webhook) => {
        if ((await post(port, webhook, agent)) !== 200) return;
        // Within the same turn in which the 200 was read.
        child.kill();
        acknowledged.push(webhook.id);
      });
      await Promise.allSettled(answers);
      agent.destroy();
      await child.ended;
      count("after the 200");
      expect(acknowledged.length).toBeGreaterThan(0);
      await restartAndDrain();
      expectIntact(acknowledged);
    }),
  timeout,
);

it(
  "counts once what the provider sends again, when it was killed between the request and its answer",
  () =>
    forEach(TURNS, async (turns) => {
      const child = relay.spawn();
      const webhook = newSale();
      const agent = new Agent();
      const sent = post(await child.port, webhook, agent, () => afterTurns(turns, () => child.kill()));
      await sent.catch(() => undefined);
      await child.ended;
      agent.destroy();
      count("after the webhook was sent");
      await restartAndDrain(webhook);
      expectIntact([webhook.id]);
    }),
  timeout,
);

it(
  "sends again what the endpoint took while the relay was killed before it read the answer",
  () =>
    forEach([0], async () => {
      const webhook = newSale();
      const child = relay.spawn();
      // The endpoint counts the sale, and finds nobody to tell.
      const gotRequest = killOnRequest(child, 0, { delayMs: 60_000 });
      await acknowledge(child, webhook);
      await gotRequest;
      await child.ended;
      count("after the endpoint took it");
      expect(relay.sandbox.conversions).toHaveLength(1);
      await restartAndDrain();
      expect(relay.sandbox.replays).toMatchObject([{ external_event_id: webhook.id }]);
      expectIntact([webhook.id]);
    }),
  timeout,
);

it(
  "sends again what the endpoint did not take, when the relay was killed in the middle of the request",
  () =>
    forEach([0], async () => {
      const webhook = newSale();
      const child = relay.spawn();
      const gotRequest = killOnRequest(child, 0, { reset: "before" });
      await acknowledge(child, webhook);
      await gotRequest;
      await child.ended;
      count("before the endpoint took it");
      expect(relay.sandbox.conversions).toHaveLength(0);
      await restartAndDrain();
      expectIntact([webhook.id]);
    }),
  timeout,
);

it(
  "counts once what was killed while the endpoint's answer was read and settled",
  () =>
    forEach(TURNS, async (turns) => {
      const webhooks = Array.from({ length: 4 }, newSale);
      const child = relay.spawn();
      const gotRequest = killOnRequest(child, turns, {});
      const port = await child.port;
      const agent = new Agent({ keepAlive: true });
      const sent = webhooks.map(async (webhook) =>
        (await post(port, webhook, agent)) === 200 ? webhook.id : undefined,
      );
      const answers = await Promise.allSettled(sent);
      const acknowledged = answers.flatMap((answer) => (answer.status === "fulfilled" ? (answer.value ?? []) : []));
      await gotRequest;
      await child.ended;
      agent.destroy();
      count("around the endpoint's answer");
      expect(acknowledged.length).toBeGreaterThan(0);
      await restartAndDrain();
      expectIntact(acknowledged);
    }),
  timeout,
);

const newSale = (): ShopWebhook => webhookOf(`point_${++sales}`);

const count = (point: string): void => {
  kills[point] = (kills[point] ?? 0) + 1;
};

function expectIntact(acknowledged: readonly string[]): void {
  const { lost, double } = compare(relay.sandbox, acknowledged);
  total.lost += lost.length;
  total.double += double.length;
  expect({ lost, double }).toEqual({ lost: [], double: [] });
}

async function forEach(turns: readonly number[], run: (turns: number) => Promise<void>): Promise<void> {
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    for (const some of turns) {
      relay.sandbox.reset();
      await run(some);
    }
  }
}

async function acknowledge(child: Child, webhook: ShopWebhook): Promise<void> {
  const agent = new Agent();
  expect(await post(await child.port, webhook, agent)).toBe(200);
  agent.destroy();
}

/** Kills when the endpoint got a request, some turns of the event loop later. Resolves then. */
function killOnRequest(child: Child, turns: number, fault: { delayMs?: number; reset?: "before" }): Promise<void> {
  return new Promise((resolve) => {
    let isFirst = true;
    relay.sandbox.faults.always((_request: SandboxRequest) => {
      if (!isFirst) return fault;
      isFirst = false;
      afterTurns(turns, () => {
        child.kill();
        resolve();
      });
      return fault;
    });
  });
}

/** A new process a minute later, to which the provider may send what it has no 200 for, works off what there is. */
async function restartAndDrain(...again: ShopWebhook[]): Promise<void> {
  relay.sandbox.faults.clear();
  relay.aMinuteLater();
  const child = relay.spawn();
  for (const webhook of again) await acknowledge(child, webhook);
  await child.port;
  const { counts } = await child.ask("drained");
  expect(counts, child.stderr).toMatchObject({ pending: 0, dead: 0, unmatched: 0 });
  await child.kill();
}

function afterTurns(turns: number, run: () => void): void {
  if (turns === 0) run();
  else setImmediate(() => afterTurns(turns - 1, run));
}
