import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { RelayEvent } from "../../src/event.js";
import { batchOf } from "../../src/outbox/batch.js";
import type { Entry, Outbox } from "../../src/outbox/outbox.js";
import { sqliteOutbox } from "../../src/outbox/sqlite.js";
import { createSandbox, type Fault, type SandboxRequest } from "../../src/sandbox/index.js";
import { type Bundle, bundle } from "../helpers/bundle.js";
import { Child, killAll } from "./support/processes/child.js";
import { FULL, report } from "./support/processes/scale.js";
import { REFERRAL, SIGNING_SECRET } from "./support/processes/shop.js";

const ROUNDS = FULL ? 500 : 8;
const LEASE_MS = 1_000;
/** Long enough for the signal to have stopped the process before the answer comes. */
const STOPPED_MS = 40;

/** What the endpoint answers the process that is stopped: each would mean something else, if it still had a say. */
const ANSWERS: readonly Fault[] = [
  { delayMs: STOPPED_MS },
  { delayMs: STOPPED_MS, status: 500 },
  { delayMs: STOPPED_MS, status: 400 },
  { delayMs: STOPPED_MS, status: 401 },
  { delayMs: STOPPED_MS, status: 404 },
  { delayMs: STOPPED_MS, status: 429 },
  { delayMs: STOPPED_MS, reset: "before" },
  { delayMs: STOPPED_MS, reset: "after" },
];

const folder = mkdtempSync(join(tmpdir(), "affonso-relay-proof-"));
const path = join(folder, "outbox.db");
const sandbox = createSandbox({
  signing: { secret: SIGNING_SECRET, required: true },
  referrals: [REFERRAL],
  rateLimit: false,
});
let script: Bundle;
let outbox: Outbox;
let workers: Child[];

beforeAll(async () => {
  script = await bundle(new URL("support/processes/worker.ts", import.meta.url));
  const { baseUrl } = await sandbox.start();
  outbox = sqliteOutbox({ path });
  await outbox.open();
  const config = { path, baseUrl, apiKey: sandbox.apiKey, leaseMs: LEASE_MS };
  workers = [new Child(script.file, config), new Child(script.file, config)];
  await Promise.all(workers.map((worker) => worker.port));
}, 30_000);
afterAll(async () => {
  await killAll();
  await outbox.close();
  await sandbox.stop();
  rmSync(folder, { recursive: true, force: true });
  script.remove();
}, 30_000);

it(
  "lets a worker that was stopped past its lease change nothing when it comes back",
  async () => {
    const startedAt = performance.now();
    const outcomes = { tooLate: 0, changedBy: 0, effects: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const answer = ANSWERS[round % ANSWERS.length] ?? {};
      // Each answer in turns: after the other one is done, and while it is at it.
      const isOtherDone = (round + Math.floor(round / ANSWERS.length)) % 2 === 0;
      const { before, after, late } = await comeBackLate(`late_${round}`, answer, isOtherDone);
      outcomes.tooLate += late.took ? 0 : 1;
      outcomes.changedBy += before === after ? 0 : 1;
    }
    outcomes.effects = sandbox.conversions.length;
    report({
      proof: "F12-late",
      rounds: ROUNDS,
      ...outcomes,
      seconds: Math.round((performance.now() - startedAt) / 1000),
    });
    expect(outcomes).toEqual({ tooLate: ROUNDS, changedBy: 0, effects: ROUNDS });
  },
  FULL ? 3_600_000 : 60_000,
);

/**
 * One entry: whoever asks the endpoint first is stopped until the other one has delivered it.
 *
 * @param isOtherDone - Whether the late one comes back after the other one settled, or while it is still at it.
 */
async function comeBackLate(id: string, answer: Fault, isOtherDone: boolean) {
  const { first, second } = twoRequests(answer, isOtherDone);
  await outbox.put(
    batchOf([sale(id)], () => id),
    Date.now(),
  );
  const [stopped, other] = byPid(await first);
  const lateSettled = stopped.nextSettled();
  const otherSettled = other.nextSettled();
  await second;
  if (isOtherDone) await otherSettled;
  const before = await standing(id);
  stopped.signal("SIGCONT");
  const late = await lateSettled;
  const after = await standing(id);
  expect(await otherSettled, stopped.stderr).toEqual({
    kind: "settled",
    externalEventId: id,
    state: "delivered",
    took: true,
  });
  expect(late).toMatchObject({ externalEventId: id, took: false });
  // What the store says at last, whoever was last.
  const { entry, stats } = await view(id);
  expect(entry).toMatchObject({ state: "delivered", attempts: 0, error: null });
  expect(entry?.conversionId).toMatch(/./);
  expect(stats.counts).toMatchObject({ pending: 0, dead: 0, unmatched: 0 });
  expect(stats.lane.paused).toBeUndefined();
  expect(stats.lane.failures ?? 0).toBe(0);
  expect(stats.lane.closedUntilMs ?? 0).toBe(0);
  expect(sandbox.conversions.filter(({ external_event_id }) => external_event_id === id)).toHaveLength(1);
  expect(requestsFor(id)).toHaveLength(2);
  return { before: isOtherDone ? before : "", after: isOtherDone ? after : "", late };
}

/** Stops the first process that asks, before it has its answer. */
function twoRequests(answer: Fault, isOtherDone: boolean) {
  const asked: ((pid: number) => void)[] = [];
  const first = new Promise<number>((resolve) => asked.push(resolve));
  const second = new Promise<number>((resolve) => asked.push(resolve));
  sandbox.faults.always((request: SandboxRequest) => {
    const pid = Number(request.headers["x-pid"]);
    const isFirst = asked.length === 2;
    if (isFirst) process.kill(pid, "SIGSTOP");
    asked.shift()?.(pid);
    if (isFirst) return answer;
    // Still at it while the late one comes back, and within its own lease.
    return isOtherDone ? undefined : { delayMs: LEASE_MS / 3 };
  });
  return { first, second };
}

function byPid(pid: number): readonly [Child, Child] {
  const [one, two] = workers;
  if (one === undefined || two === undefined) throw new Error("there are two workers");
  return one.pid === pid ? [one, two] : [two, one];
}

const requestsFor = (id: string) => sandbox.requests.filter(({ body }) => body.includes(`"${id}"`));

async function view(id: string): Promise<{ entry: Entry | undefined; stats: Awaited<ReturnType<Outbox["stats"]>> }> {
  const entries = await outbox.list({}, { limit: 1_000 });
  return { entry: entries.find(({ externalEventId }) => externalEventId === id), stats: await outbox.stats() };
}

const standing = async (id: string): Promise<string> => JSON.stringify(await view(id));

function sale(id: string): RelayEvent {
  return {
    kind: "event",
    source: "shop",
    name: "sale",
    type: "conversion",
    externalEventId: id,
    businessKey: id,
    identity: { referralId: REFERRAL },
    references: { invoice: id },
    sale: { minorUnits: 2900, currency: "USD" },
  };
}
