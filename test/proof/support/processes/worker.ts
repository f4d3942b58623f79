import { LimitedClient } from "../../../../src/endpoint/limited-client.js";
import { nodeTransport } from "../../../../src/endpoint/node-transport.js";
import { DEFAULT_RETRY } from "../../../../src/endpoint/retry.js";
import { Delivery } from "../../../../src/outbox/delivery.js";
import type { ClaimedEntry, Outbox, Settlement } from "../../../../src/outbox/outbox.js";
import { sqliteOutbox } from "../../../../src/outbox/sqlite.js";
import { Worker } from "../../../../src/outbox/worker.js";
import { inProcess, stderrLogger, type WorkerConfig } from "./messages.js";
import { SIGNING_SECRET } from "./shop.js";

// A process of its own: the worker alone, with a lease that is short enough to be outlived in a test.
const { config, tell } = inProcess<WorkerConfig>();
const { path, baseUrl, apiKey, leaseMs } = config;

const clock = Date.now;
const random = Math.random;
const retry = DEFAULT_RETRY;
const outbox = tellingOfSettlements(sqliteOutbox({ path }));
const send = nodeTransport({ baseUrl, allowPrivateNetwork: false });
const client = new LimitedClient({
  apiKey,
  signingSecret: SIGNING_SECRET,
  baseUrl,
  clock,
  // The endpoint is to know who asks.
  transport: (url, { headers, ...request }) =>
    send(url, { ...request, headers: { ...headers, "x-pid": String(process.pid) } }),
});
const shared = { outbox, client, clock, random, retry };
const nothing = async () => {};
const worker = new Worker({
  ...shared,
  delivery: new Delivery({ ...shared, requestTimeoutMs: 60_000, linkWaitMs: 0, saleWaitMs: 0 }),
  leaseMs,
  events: { settled: nothing, paused: nothing, resumed: nothing },
  logger: stderrLogger,
  rateLimit: { perMinute: 1_000_000, perSecond: 100_000 },
  concurrency: 1,
  pollMs: 10,
});
await outbox.open();
worker.start();
tell({ kind: "up", port: 0 });

/** The store as it is, and the test hears what became of each settlement. */
function tellingOfSettlements(store: Outbox): Outbox {
  const settle: Outbox["settle"] = async (entry, settlement, nowMs, lane) => {
    const settled = await store.settle(entry, settlement, nowMs, lane);
    report(entry as ClaimedEntry, settlement, settled !== null);
    return settled;
  };
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name === "settle") return settle;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function report({ externalEventId }: ClaimedEntry, { state }: Settlement, took: boolean): void {
  tell({ kind: "settled", externalEventId, state, took });
}
