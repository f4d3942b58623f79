import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it, vi } from "vitest";
import { paceOf, type RateLimit } from "../../src/endpoint/rate-limit.js";
import { batchOf } from "../../src/outbox/batch.js";
import { memoryOutbox } from "../../src/outbox/memory.js";
import type { ClaimRequest, Outbox } from "../../src/outbox/outbox.js";
import { sqliteOutbox } from "../../src/outbox/sqlite.js";
import { createSandbox } from "../../src/sandbox/index.js";
import { decideRate, recentTimes } from "../../src/sandbox/rate-limit.js";
import { ADMITTED_HEADER, type DeliveringConfig } from "./support/network/delivering-process.js";
import { isFull, printFigures, seededRandom } from "./support/network/figures.js";
import { sale } from "./support/network/sales.js";
import { ScriptedEndpoint } from "./support/network/scripted-endpoint.js";
import { VirtualRelay } from "./support/network/virtual-relay.js";
import { VirtualTime } from "./support/network/virtual-time.js";

const PROCESSES = isFull ? 4 : 2;
const MINUTE_MS = 60_000;
/** Share of the limits that is to be used, and share of that which is to be reached. */
const USED = 0.95;
const REACHED = 0.97;
/** What the clock's grain makes of a pace, in requests. */
const MILLISECOND = 0.1;

const children: ChildProcess[] = [];
afterEach(async () => {
  vi.unstubAllGlobals();
  await Promise.all(children.splice(0).map((child) => (child.exitCode === null ? killed(child) : undefined)));
});

async function killed(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

// With one worker and this limit, no two requests are under way at once.
it.each([
  [4, 0],
  [1, 0],
  [4, 300],
])(
  "keeps to the limit and uses it up: %i workers, and a file that is busy for %i ms",
  async (workers, busyMs) => {
    const events = isFull ? 3_000 : 900;
    const random = seededRandom(5);
    const time = new VirtualTime();
    const startedAtMs = time.clock();
    const limit = { perMinute: 300, perSecond: 10 };
    const endpoint = new ScriptedEndpoint({ time, limit, random, script: () => undefined });
    const outbox = busy(memoryOutbox(), () => time.sleep(random() * busyMs));
    const relay = new VirtualRelay({ time, outbox, endpoint, random, rateLimit: limit, workers });
    for (let id = 0; id < events; id++) await relay.put(sale(String(id)));
    await relay.start();

    const beforeHalving = Math.floor(events * 0.6);
    await time.run(() => relay.states.delivered >= beforeHalving);
    const firstPhaseMs = time.clock() - startedAtMs;
    const tooFast = endpoint.tooFastAtMs.length;
    const halvedAtMs = time.clock();
    endpoint.limit = { ...limit, perMinute: limit.perMinute / 2 };
    // The window is full of what the old limit allowed: only when that has left, the new one can be used up.
    await time.pass(MINUTE_MS);
    const left = events - relay.states.delivered;
    await time.run(() => relay.states.delivered === events, 60 * MINUTE_MS);
    const leftMs = time.clock() - halvedAtMs - MINUTE_MS;
    await relay.stop();

    const reached = beforeHalving / ((firstPhaseMs / MINUTE_MS) * limit.perMinute * USED);
    const reachedOfHalf = left / ((leftMs / MINUTE_MS) * endpoint.limit.perMinute * USED);
    printFigures("F5", {
      where: "virtual time",
      workers,
      busyMs,
      tooFast,
      reached: round(reached),
      afterHalving: { tooFast: endpoint.tooFastAtMs.length - tooFast, reached: round(reachedOfHalf) },
    });
    expect(tooFast).toBe(0);
    expect(reached).toBeGreaterThanOrEqual(REACHED);
    expect(endpoint.tooFastAtMs.length).toBeLessThanOrEqual(workers);
    // Ten a second are much for 150 a minute: more of them is kept aside for a burst.
    expect(reachedOfHalf).toBeGreaterThanOrEqual(0.94);
    expect(endpoint.confirmed).toBe(events);
    expect(endpoint.needless).toEqual([]);
  },
  600_000,
);

/** A store whose claims wait for what others do, after the worker has looked at the clock. */
function busy(outbox: Outbox, wait: () => Promise<void>): Outbox {
  return new Proxy(outbox, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (name !== "claim") return value.bind(target);
      return async (request: ClaimRequest) => {
        await wait();
        return target.claim(request);
      };
    },
  });
}

/** A request as the sandbox saw it. */
interface Seen {
  readonly arrivedAtMs: number;
  readonly admittedAtMs: number;
  readonly limitPerMinute: number | undefined;
  readonly refused: boolean;
}

it("keeps to the limit with several processes on one file", {
  timeout: isFull ? 60 * MINUTE_MS : MINUTE_MS,
}, async () => {
  const limit = isFull ? { perMinute: 300, perSecond: 10 } : { perMinute: 600, perSecond: 20 };
  const half = { ...limit, perMinute: limit.perMinute / 2 };
  const [beforeHalving, afterHalving] = isFull ? [9_000, 1_000] : [60, 42];

  const seen: Seen[] = [];
  let current: RateLimit = limit;
  let takenAtMs: number[] = [];
  let notice: () => void = () => {};
  const sandbox = createSandbox({ rateLimit: false, referrals: ["ref_ada"] });
  sandbox.faults.always(({ headers, receivedAtMs }) => {
    takenAtMs = recentTimes(takenAtMs, receivedAtMs);
    const rate = decideRate(current, takenAtMs, receivedAtMs);
    if (rate.allowed) takenAtMs.push(receivedAtMs);
    const [admittedAtMs, limitPerMinute] = String(headers[ADMITTED_HEADER]).split(" ");
    seen.push({
      arrivedAtMs: receivedAtMs,
      admittedAtMs: Number(admittedAtMs),
      limitPerMinute: limitPerMinute ? Number(limitPerMinute) : undefined,
      refused: !rate.allowed,
    });
    notice();
    const told = { "x-ratelimit-limit": String(current.perMinute) };
    if (rate.allowed) return { headers: told };
    return { status: 429, headers: { ...told, "retry-after": String(rate.retryAfterSeconds) } };
  });
  const until = (condition: () => boolean) =>
    new Promise<void>((resolve) => {
      notice = () => {
        if (condition()) resolve();
      };
      notice();
    });

  const folder = await mkdtemp(join(tmpdir(), "relay-rate-"));
  const path = join(folder, "outbox.db");
  const outbox = sqliteOutbox({ path });
  try {
    const { baseUrl } = await sandbox.start();
    for (let id = 0; id < beforeHalving + afterHalving + 100; id++) {
      await outbox.put(
        batchOf([sale(String(id))], () => ""),
        Date.now(),
      );
    }
    await outbox.close();
    const config: DeliveringConfig = { path, baseUrl, apiKey: sandbox.apiKey, rateLimit: limit };
    const startedAtMs = Date.now();
    for (let index = 0; index < PROCESSES; index++) children.push(startProcess(config));

    await until(() => seen.length >= beforeHalving);
    const first = [...seen];
    current = half;
    await until(() => seen.filter(({ limitPerMinute }) => limitPerMinute === half.perMinute).length >= afterHalving);
    const second = seen.slice(first.length);
    await Promise.all(children.map(stopped));

    const elapsedMs = (first.at(-1)?.arrivedAtMs ?? 0) - (first[0]?.arrivedAtMs ?? 0);
    const reached = first.length / ((elapsedMs / MINUTE_MS) * limit.perMinute * USED);
    const refusals = { before: refused(first), after: refused(second) };
    const admitted = first.map(({ admittedAtMs }) => admittedAtMs);
    const admittedByHalf = seen
      .filter(({ limitPerMinute }) => limitPerMinute === half.perMinute)
      .map(({ admittedAtMs }) => admittedAtMs);
    printFigures("F5", {
      where: "real time",
      processes: PROCESSES,
      limit,
      requests: first.length,
      seconds: Math.round((Date.now() - startedAtMs) / 1000),
      reached: round(reached),
      tooFast: refusals.before,
      afterHalving: { requests: second.length, tooFast: refusals.after },
      ahead: { before: ahead(admitted, limit), after: ahead(admittedByHalf, half) },
    });

    // What was admitted does not depend on how fast the machine is; what arrives bunched together does.
    expect(ahead(admitted, limit)).toBeLessThanOrEqual(MILLISECOND);
    expect(ahead(admittedByHalf, half)).toBeLessThanOrEqual(MILLISECOND);
    expect(refusals.after).toBeLessThanOrEqual(PROCESSES);
    expect(sandbox.events.length + refusals.before + refusals.after).toBe(seen.length);
    expect(sandbox.replays).toEqual([]);
    if (!isFull) return;
    expect(refusals.before).toBe(0);
    expect(reached).toBeGreaterThanOrEqual(REACHED);
  } finally {
    await outbox.close();
    await sandbox.stop();
    await rm(folder, { recursive: true, force: true });
  }
});

function startProcess(config: DeliveringConfig): ChildProcess {
  return fork(fileURLToPath(new URL("support/network/delivering-process.ts", import.meta.url)), {
    env: { ...process.env, NODE_OPTIONS: "", PROOF_DELIVERING: JSON.stringify(config) },
    execArgv: ["--import", "tsx"],
  });
}

async function stopped(child: ChildProcess): Promise<void> {
  const exit = once(child, "exit");
  child.send("stop");
  expect(await exit).toEqual([0, null]);
}

function refused(requests: readonly Seen[]): number {
  return requests.filter((request) => request.refused).length;
}

/** By how many requests any stretch of time had more than the pace allows; 0 or less where it was kept. */
function ahead(timesMs: readonly number[], limit: RateLimit): number {
  const { intervalMs, burst } = paceOf(limit);
  const sorted = [...timesMs].sort((a, b) => a - b);
  let most = Number.NEGATIVE_INFINITY;
  // With each time's distance from its place in the row, the worst stretch is found in one go.
  let leastSlack = Number.POSITIVE_INFINITY;
  for (const [at, timeMs] of sorted.entries()) {
    leastSlack = Math.min(leastSlack, at - timeMs / intervalMs);
    most = Math.max(most, at + 1 - timeMs / intervalMs - leastSlack - burst);
  }
  return round(most);
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
