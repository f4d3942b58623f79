import { Agent } from "node:http";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Child } from "./support/processes/child.js";
import { CrashingRelay } from "./support/processes/crashing-relay.js";
import { compare } from "./support/processes/ledger.js";
import { post } from "./support/processes/provider.js";
import { FULL, randomFrom, report, SEED } from "./support/processes/scale.js";
import { webhookOf } from "./support/processes/shop.js";

const PROCESSES = FULL ? 8 : 3;
const EVENTS = FULL ? 10_000 : 150;
const COPIES = FULL ? 20 : 5;
/** Events of which all copies are on their way at the same time. */
const AT_ONCE = 8;
/** Beyond any busy timeout of SQLite, and within the time that the store goes on trying. */
const LONGEST_STOP_MS = 500;

const random = randomFrom(SEED);
const timeout = FULL ? 3_600_000 : 60_000;
let relay: CrashingRelay;
let children: Child[];

beforeEach(async () => {
  relay = await CrashingRelay.start();
  // All at once, so that the tables are made once, too.
  children = Array.from({ length: PROCESSES }, () => relay.spawn());
  await Promise.all(children.map((child) => child.port));
}, 30_000);
afterEach(() => relay.stop(), 30_000);

it(
  "makes one row and one effect of parallel copies at several processes on one file, and answers each 200",
  () => sendsAndCounts("F12"),
  timeout,
);

it(
  "does so while processes stand still at any moment, the one with the write lock among them",
  async () => {
    let isDone = false;
    const sent = sendsAndCounts("F12-stops").finally(() => {
      isDone = true;
    });
    const stops = stopAgainAndAgain(() => isDone);
    await sent;
    expect(await stops).toBeGreaterThan(0);
  },
  timeout,
);

async function sendsAndCounts(proof: string): Promise<void> {
  const startedAt = performance.now();
  const { statuses, slowestMs } = await sendAll();
  const sendingMs = performance.now() - startedAt;
  const stats = await Promise.all(children.map((child) => child.ask("drained")));
  const rows = stats.map(({ counts }) => counts);
  const sales = Array.from({ length: EVENTS }, (_, event) => webhookOf(String(event)).id);
  const { lost, double } = compare(relay.sandbox, sales);
  const effects = relay.sandbox.conversions.length;
  const sentTwice = relay.sandbox.replays.length;
  report({
    ...{ proof, processes: PROCESSES, events: EVENTS, copies: COPIES, rows: rows[0]?.delivered, effects, sentTwice },
    ...{ lost: lost.length, double: double.length, statuses, slowestMs: Math.round(slowestMs) },
    ...{ acksPerSecond: Math.round((EVENTS * COPIES * 1000) / sendingMs), seed: SEED },
  });
  expect(statuses).toEqual({ 200: EVENTS * COPIES });
  const all = { pending: 0, delivered: EVENTS, unmatched: 0, dead: 0, discarded: 0 };
  expect(rows).toEqual(children.map(() => all));
  // Nobody died, so no process may have sent what another one had claimed.
  expect({ lost, double, effects, sentTwice }).toEqual({ lost: [], double: [], effects: EVENTS, sentTwice: 0 });
  expect(stats.map(({ conflicts }) => conflicts)).toEqual(children.map(() => 0));
}

async function sendAll() {
  const ports = await Promise.all(children.map((child) => child.port));
  const agent = new Agent({ keepAlive: true });
  const statuses: Record<number, number> = {};
  let slowestMs = 0;
  let next = 0;
  const sendCopy = async (event: number, copy: number) => {
    // Half of the copies are twins with an id of their own: it is one sale all the same.
    const webhook = webhookOf(String(event), copy % 2 === 0 ? "a" : "b");
    const sentAt = performance.now();
    const status = await post(ports[(copy + event) % PROCESSES] ?? 0, webhook, agent);
    slowestMs = Math.max(slowestMs, performance.now() - sentAt);
    statuses[status] = (statuses[status] ?? 0) + 1;
  };
  const sendEvents = async () => {
    for (let event = next++; event < EVENTS; event = next++) {
      await Promise.all(Array.from({ length: COPIES }, (_, copy) => sendCopy(event, copy)));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sendEvents));
  agent.destroy();
  return { statuses, slowestMs };
}

/** Answers how often. How long a process stands still is the experiment, not a wait for something. */
async function stopAgainAndAgain(isDone: () => boolean): Promise<number> {
  let stops = 0;
  while (!isDone()) {
    const child = children[Math.floor(random() * PROCESSES)];
    child?.signal("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, random() * LONGEST_STOP_MS));
    child?.signal("SIGCONT");
    stops += 1;
  }
  return stops;
}
