import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { FAILURES_TO_PAUSE, PROBE_INTERVAL_MS } from "../../src/outbox/lane.js";
import { memoryOutbox } from "../../src/outbox/memory.js";
import type { Outbox } from "../../src/outbox/outbox.js";
import { sqliteOutbox } from "../../src/outbox/sqlite.js";
import { isFull, printFigures, seededRandom } from "./support/network/figures.js";
import { sale } from "./support/network/sales.js";
import { ScriptedEndpoint, type Trouble } from "./support/network/scripted-endpoint.js";
import { CONCURRENCY, REQUEST_TIMEOUT_MS, VirtualRelay } from "./support/network/virtual-relay.js";
import { VirtualTime } from "./support/network/virtual-time.js";

const HOUR_MS = 3_600_000;
const OUTAGE_MS = 72 * HOUR_MS;
const LIMIT = { perMinute: 300, perSecond: 10 };
const USABLE_PER_MINUTE = 0.95 * LIMIT.perMinute;
const LAST_ANSWERS_MS = 2_000;

/** All that an endpoint which is down may do, in no order. */
function mixed(random: () => number): Trouble {
  const processed = random() < 0.3;
  const seconds = 1 + Math.floor(random() * 60);
  const troubles: readonly Trouble[] = [
    { kind: "server_error", status: 500 + Math.floor(random() * 5), processed },
    { kind: "server_error", status: 503, processed },
    { kind: "silence", processed },
    { kind: "unreachable", code: "ENOTFOUND" },
    { kind: "unreachable", code: "EAI_AGAIN" },
    { kind: "unreachable", code: "ECONNREFUSED" },
    {
      kind: "answer",
      status: 429,
      body: { success: false, error: { code: "RATE_LIMIT_EXCEEDED", message: "busy", retryAfter: seconds } },
      headers: { "retry-after": String(seconds) },
    },
  ];
  const trouble = troubles[Math.floor(random() * troubles.length)] ?? { kind: "unreachable", code: "ENOTFOUND" };
  // 501 is an answer for good, and not one of an outage.
  return trouble.kind === "server_error" && trouble.status === 501 ? { ...trouble, status: 502 } : trouble;
}

/** An outage of three days during which all events come. */
async function liveThroughOutage(outbox: Outbox, events: number) {
  const random = seededRandom(72);
  const time = new VirtualTime();
  const endsAtMs = time.clock() + OUTAGE_MS;
  const endpoint = new ScriptedEndpoint({
    time,
    limit: LIMIT,
    random,
    script: (nowMs) => (nowMs < endsAtMs ? mixed(random) : undefined),
  });
  const relay = new VirtualRelay({ time, outbox, endpoint, random, rateLimit: LIMIT });
  await relay.start();

  let put = 0;
  const putNext = () => {
    void time.during(() => relay.put(sale(String(put++))));
    if (put < events) time.after((OUTAGE_MS / events) * (put + 1) - (time.clock() - (endsAtMs - OUTAGE_MS)), putNext);
  };
  putNext();
  await time.run(() => time.clock() >= endsAtMs - 1_000 && put === events);
  await time.run(() => time.clock() >= endsAtMs);
  const backlog = events - relay.states.delivered - relay.states.dead;
  const attempts = relay.attempts;

  await time.run(() => relay.states.delivered + relay.states.dead + relay.states.unmatched === events, OUTAGE_MS);
  const drainMs = time.clock() - endsAtMs;
  const { counts, lane } = await outbox.stats();
  await relay.stop();
  return { time, endpoint, relay, backlog, attempts, drainMs, counts, lane, endsAtMs };
}

async function prove(outbox: Outbox, store: string, events: number): Promise<void> {
  const startedAt = performance.now();
  const { endpoint, relay, backlog, attempts, drainMs, counts, lane, endsAtMs } = await liveThroughOutage(
    outbox,
    events,
  );
  const duringOutage = endpoint.requestsAtMs.filter((atMs) => atMs < endsAtMs).length;
  const resumedAfterMs = (relay.resumesAtMs[0] ?? Number.NaN) - endsAtMs;
  const idealMs = (backlog / USABLE_PER_MINUTE) * 60_000;
  printFigures("F6", {
    store,
    events,
    outageHours: 72,
    lost: events - endpoint.confirmed,
    dead: counts.dead,
    needless: endpoint.needless.length,
    tooFast: endpoint.tooFastAtMs.length,
    requestsDuringOutage: duringOutage,
    attemptsDuringOutage: attempts,
    backlog,
    resumedAfterSeconds: Math.round(resumedAfterMs / 1000),
    drainSeconds: Math.round((drainMs - resumedAfterMs) / 1000),
    idealDrainSeconds: Math.round(idealMs / 1000),
    realSeconds: Math.round((performance.now() - startedAt) / 1000),
  });

  expect(counts).toEqual({ delivered: events, pending: 0, unmatched: 0, dead: 0, discarded: 0 });
  expect({ effects: endpoint.ledger.size, confirmed: endpoint.confirmed }).toEqual({
    effects: events,
    confirmed: events,
  });
  expect(endpoint.needless).toEqual([]);
  expect(endpoint.tooFastAtMs).toEqual([]);

  // Besides what was under way when it began, one probe a minute.
  const probes = OUTAGE_MS / PROBE_INTERVAL_MS;
  expect(duringOutage).toBeGreaterThan(probes / 4);
  expect(duringOutage).toBeLessThanOrEqual(probes + FAILURES_TO_PAUSE + CONCURRENCY);
  // Probes cost nothing: an event is as good after the outage as before.
  expect(attempts).toBeLessThanOrEqual(FAILURES_TO_PAUSE + CONCURRENCY);

  expect(backlog).toBe(events);
  // The last probe of the outage may hang until its timeout; the next one is a minute later.
  expect(resumedAfterMs).toBeLessThanOrEqual(PROBE_INTERVAL_MS + REQUEST_TIMEOUT_MS);
  expect(drainMs - resumedAfterMs).toBeLessThanOrEqual(idealMs * 1.02 + LAST_ANSWERS_MS);
  expect(drainMs - resumedAfterMs).toBeGreaterThan(idealMs * 0.98);

  expect(relay.pauses.map(({ reason }) => reason)).toEqual(["unavailable"]);
  expect(relay.resumesAtMs).toHaveLength(1);
  expect(lane.paused).toBeUndefined();
  expect(relay.logs.lines.filter(({ level }) => level === "error")).toEqual([]);
}

afterEach(() => void vi.unstubAllGlobals());

// The memory store looks through all it holds at each step, so that its time grows with the square of the events.
it("loses and repeats nothing in an outage of 72 hours, and drains at the full rate", { timeout: 60_000 }, () =>
  prove(memoryOutbox(), "memory", 1_500),
);

if (isFull)
  it("does so from a file", { timeout: 120 * 60_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), "relay-outage-"));
    const outbox = sqliteOutbox({ path: join(folder, "outbox.db") });
    try {
      await prove(outbox, "sqlite", 100_000);
    } finally {
      await outbox.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
