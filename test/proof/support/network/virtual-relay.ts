import { vi } from "vitest";
import { LimitedClient } from "../../../../src/endpoint/limited-client.js";
import type { RateLimit } from "../../../../src/endpoint/rate-limit.js";
import { DEFAULT_RETRY } from "../../../../src/endpoint/retry.js";
import { fetchTransport } from "../../../../src/endpoint/transport.js";
import type { RelayEvent } from "../../../../src/event.js";
import { batchOf } from "../../../../src/outbox/batch.js";
import { type AttemptResult, Delivery } from "../../../../src/outbox/delivery.js";
import type { PauseReason } from "../../../../src/outbox/lane.js";
import type { Entry, Outbox, Settlement } from "../../../../src/outbox/outbox.js";
import { Worker, type WorkerEvents } from "../../../../src/outbox/worker.js";
import { recordingLogger } from "../../../helpers/relay.js";
import { API_KEY, type ScriptedEndpoint, SIGNING_SECRET } from "./scripted-endpoint.js";
import type { VirtualTime } from "./virtual-time.js";

export const REQUEST_TIMEOUT_MS = 15_000;
export const CONCURRENCY = 8;

export interface VirtualRelayOptions {
  readonly time: VirtualTime;
  readonly outbox: Outbox;
  readonly endpoint: ScriptedEndpoint;
  readonly random: () => number;
  readonly rateLimit: RateLimit;
  /** @default 1 */
  readonly workers?: number | undefined;
}

/** The worker with its delivery and its client, as the relay puts them together, in virtual time. */
export class VirtualRelay implements WorkerEvents {
  readonly #options: VirtualRelayOptions;
  readonly #outbox: Outbox;
  readonly #workers: readonly Worker[];
  readonly logs = recordingLogger();
  /** What the relay told, with its moment. */
  readonly pauses: { readonly reason: PauseReason; readonly atMs: number }[] = [];
  readonly resumesAtMs: number[] = [];
  readonly states = { delivered: 0, unmatched: 0, dead: 0, pending: 0 };
  /** Failed attempts that count. */
  attempts = 0;

  constructor(options: VirtualRelayOptions) {
    this.#options = options;
    this.#outbox = options.time.counting(options.outbox);
    this.#workers = Array.from({ length: options.workers ?? 1 }, () => this.#worker());
  }

  async put(event: RelayEvent): Promise<void> {
    await this.#outbox.put(
      batchOf([event], () => `relay_${crypto.randomUUID()}`),
      this.#options.time.clock(),
    );
    for (const worker of this.#workers) worker.wake();
  }

  async start(): Promise<void> {
    // A request's own deadline is kept by the global timer.
    vi.stubGlobal("setTimeout", (callback: () => void, ms = 0) => this.#options.time.after(ms, callback));
    vi.stubGlobal("clearTimeout", (cancel: (() => void) | undefined) => cancel?.());
    await this.#outbox.open();
    for (const worker of this.#workers) worker.start();
  }

  async stop(): Promise<void> {
    let isStopped = false;
    const stopping = Promise.all(this.#workers.map((worker) => worker.stop(REQUEST_TIMEOUT_MS)));
    void stopping.then(() => {
      isStopped = true;
    });
    await this.#options.time.run(() => isStopped);
    vi.unstubAllGlobals();
  }

  async settled(_entry: Entry, { state, countsAttempt = false }: Settlement): Promise<void> {
    this.states[state]++;
    if (countsAttempt) this.attempts++;
  }

  async paused({ reason }: { readonly reason: PauseReason }): Promise<void> {
    this.pauses.push({ reason, atMs: this.#options.time.clock() });
  }

  async resumed(): Promise<void> {
    this.resumesAtMs.push(this.#options.time.clock());
  }

  /** Each has its own client, like each process. */
  #worker(): Worker {
    const { time, random, rateLimit, endpoint } = this.#options;
    const { clock } = time;
    const client = new LimitedClient({
      apiKey: API_KEY,
      signingSecret: SIGNING_SECRET,
      baseUrl: "https://api.affonso.test/v1",
      transport: fetchTransport(endpoint.fetch),
      clock,
    });
    const shared = { outbox: this.#outbox, client, clock, random, retry: DEFAULT_RETRY };
    const waits = { requestTimeoutMs: REQUEST_TIMEOUT_MS, linkWaitMs: 60_000, saleWaitMs: 24 * 3_600_000 };
    return new Worker({
      ...shared,
      delivery: new CountedDelivery({ ...shared, ...waits }, time),
      events: this,
      logger: this.logs.logger,
      rateLimit,
      concurrency: CONCURRENCY,
      leaseMs: 60_000,
      pollMs: this.#outbox.sharedAcrossProcesses ? 1_000 : 30_000,
      timers: time,
    });
  }
}

/** Signatures are made on other threads: time must wait for them. */
class CountedDelivery extends Delivery {
  readonly #time: VirtualTime;

  constructor(options: ConstructorParameters<typeof Delivery>[0], time: VirtualTime) {
    super(options);
    this.#time = time;
  }

  override attempt(entry: Entry, signal: AbortSignal): Promise<AttemptResult> {
    return this.#time.during(() => super.attempt(entry, signal));
  }
}
