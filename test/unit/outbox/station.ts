import { expect } from "vitest";
import { LimitedClient } from "../../../src/endpoint/limited-client.js";
import { DEFAULT_RETRY } from "../../../src/endpoint/retry.js";
import { fetchTransport } from "../../../src/endpoint/transport.js";
import type { Link, Refund, RelayEvent } from "../../../src/event.js";
import { batchOf } from "../../../src/outbox/batch.js";
import { Delivery } from "../../../src/outbox/delivery.js";
import { memoryOutbox } from "../../../src/outbox/memory.js";
import type { Outbox } from "../../../src/outbox/outbox.js";
import { Worker } from "../../../src/outbox/worker.js";
import { recordingLogger } from "../../helpers/relay.js";
import { sale } from "./support.js";
import { VirtualTime } from "./virtual-time.js";

export const T0 = 1_767_225_600_000;
export const SECOND = 1_000;
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

export interface Sent {
  readonly atMs: number;
  readonly path: string;
  readonly body: Record<string, unknown>;
}
export type Answer = (sent: Sent, count: number) => Response | Promise<Response>;

export const json = (status: number, body: object, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers });
export const error = (status: number, code: string, headers?: Record<string, string>) =>
  json(
    status,
    { success: false, error: { code, message: "no", ...(status === 400 && { field: "sale_amount" }) } },
    headers,
  );
export const created: Answer = (_, count) =>
  json(201, { success: true, data: { id: `conv_${count}`, replayed: false } });

export interface StationOptions {
  readonly concurrency?: number;
  readonly outbox?: Outbox;
  /** Shared by stations that are processes of one app. */
  readonly time?: VirtualTime;
  readonly sent?: Sent[];
  /** Whether it waits by the machine's timers. */
  readonly isReal?: boolean;
  /** Whether its fetch heeds no signal. */
  readonly isDeaf?: boolean;
  /** What the app's hook does, once it was told. */
  readonly hook?: (line: string) => Promise<void>;
}

/** A worker with an outbox and an endpoint that answers as it is told, in virtual time. */
export function station(answer: Answer = created, options: StationOptions = {}) {
  const { concurrency = 8, outbox = memoryOutbox(), time = new VirtualTime(T0), sent = [], isDeaf = false } = options;
  const told: string[] = [];
  const tell = async (line: string) => {
    told.push(line);
    await options.hook?.(line);
  };
  const fetch = async (url: string | URL | Request, init?: RequestInit) => {
    if (!isDeaf) init?.signal?.throwIfAborted();
    const path = String(url).replace("https://endpoint.test", "");
    const one = { atMs: time.nowMs, path, body: JSON.parse(new TextDecoder().decode(init?.body as Uint8Array)) };
    sent.push(one);
    const aborted = new Promise<never>((_, reject) => {
      if (!isDeaf) init?.signal?.addEventListener("abort", () => reject(init.signal?.reason), { once: true });
    });
    return Promise.race([answer(one, sent.length), aborted]);
  };
  const { clock } = time;
  const client = new LimitedClient({
    apiKey: "sk_live_test",
    signingSecret: undefined,
    baseUrl: "https://endpoint.test",
    transport: fetchTransport(fetch),
    clock,
  });
  const shared = { outbox, client, clock, random: () => 0.5, retry: DEFAULT_RETRY };
  const { logger, lines } = recordingLogger();
  const worker = new Worker({
    ...shared,
    delivery: new Delivery({ ...shared, requestTimeoutMs: 15_000, linkWaitMs: MINUTE, saleWaitMs: 24 * HOUR }),
    events: {
      settled: async ({ externalEventId }, { state, held, error: why }, duplicate) => {
        const what = state === "pending" ? (held ? "held" : "again") : duplicate ? "duplicate" : state;
        await tell(`${externalEventId} ${what}${state === "dead" ? ` ${why?.reason}` : ""}`);
      },
      paused: ({ reason }) => tell(`paused ${reason}`),
      resumed: () => tell("resumed"),
    },
    logger,
    rateLimit: { perMinute: 300, perSecond: 10 },
    concurrency,
    leaseMs: MINUTE,
    pollMs: 30 * SECOND,
    timers: options.isReal ? undefined : time,
  });
  let ids = 0;
  return {
    ...{ time, sent, told, outbox, worker, lines },
    /** A webhook comes in. */
    async put(...records: readonly (RelayEvent | Refund | Link)[]) {
      const results = await outbox.put(
        batchOf(records, () => `new_${++ids}`),
        time.nowMs,
      );
      worker.wake();
      return results;
    },
    /** When requests went, in seconds. */
    seconds: () => sent.map(({ atMs }) => (atMs - T0) / SECOND),
    entry: async (externalEventId: string) => {
      const entries = await outbox.list({}, { limit: 10_000 });
      return entries.find((entry) => entry.externalEventId === externalEventId) ?? expect.fail("no such entry");
    },
  };
}

/** An outbox of which some methods are replaced. */
export function withMethods(outbox: Outbox, methods: Partial<Outbox>): Outbox {
  return new Proxy(outbox, {
    get(target, name) {
      const method: unknown = Reflect.get(methods, name) ?? Reflect.get(target, name);
      return typeof method === "function" ? method.bind(target) : method;
    },
  });
}

/** What a process leaves behind that claimed entries and was never heard of again: their leases. */
export async function lostProcess(outbox: Outbox, nowMs: number, max = 1) {
  const admit = (lane: object, count: number) => ({ count, lane });
  const { entries } = await outbox.claim({ nowMs, leaseMs: MINUTE, max, maxStarts: 5, admit });
  return entries.map(({ externalEventId }) => externalEventId);
}

export const never = () => new Promise<never>(() => {});

export const referred = { identity: { referralId: "ref_1", customerId: "cus_1" } };
export const sales = (count: number) =>
  Array.from({ length: count }, (_, at) =>
    sale({ ...referred, externalEventId: `evt_${at}`, businessKey: `invoice:in_${at}`, references: {} }),
  );
export const most = (times: readonly number[], window: number) =>
  Math.max(0, ...times.map((time) => times.filter((other) => other >= time && other < time + window).length));
