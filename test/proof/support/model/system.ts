import { LimitedClient } from "../../../../src/endpoint/limited-client.js";
import { DEFAULT_RETRY } from "../../../../src/endpoint/retry.js";
import { fetchTransport } from "../../../../src/endpoint/transport.js";
import type { Link, RelayEvent } from "../../../../src/event.js";
import { batchOf } from "../../../../src/outbox/batch.js";
import { Delivery } from "../../../../src/outbox/delivery.js";
import { MAX_AHEAD_MS, type Outbox } from "../../../../src/outbox/outbox.js";
import { Worker } from "../../../../src/outbox/worker.js";
import { recordingLogger } from "../../../helpers/relay.js";
import { ModelEndpoint } from "./endpoint.js";
import { VirtualTime } from "./virtual-time.js";

const SOURCE = "model";
const LEASE_MS = 60_000;

/** What a run expects, in the simplest words there are. */
export class Model {
  /** Sales that were acknowledged, by business key, with the id that came first. */
  readonly acked = new Map<string, string>();
  /** The first referral of each customer. */
  readonly referrals = new Map<string, string>();
  /** Whether what is too old may be so because the clock was set. */
  clockWasSet = false;
}

interface Node {
  readonly worker: Worker;
  die(arrived: boolean): void;
}

/** A store, its workers and their endpoint, in virtual time; and whoever watches that promises are kept. */
export class System {
  readonly time = new VirtualTime();
  readonly endpoint = new ModelEndpoint();
  readonly nodes: Node[] = [];
  readonly #store: Outbox;
  readonly #leases = new Map<string, { lease: string; untilMs: number }>();
  readonly #seen = new Map<string, { createdAtMs: number; attempts: number; state: string }>();
  readonly #overtaken = new Set<string>();
  #callsUnderWay = 0;

  constructor(store: Outbox) {
    this.#store = store;
    this.begin();
  }

  /** Another process on the same store. */
  begin(): void {
    const timers = this.time.process();
    const clock = this.time.clock;
    const life = { isOver: false };
    const outbox = this.#watched(life);
    const options = { apiKey: "sk_model", signingSecret: undefined, baseUrl: "https://model.example", clock };
    const client = new LimitedClient({ ...options, transport: fetchTransport(this.endpoint.fetchFor(life)) });
    const shared = { outbox, client, clock, random: () => 0.5, retry: DEFAULT_RETRY };
    const worker = new Worker({
      ...shared,
      delivery: new Delivery({ ...shared, requestTimeoutMs: 60_000, linkWaitMs: 5_000, saleWaitMs: 86_400_000 }),
      events: { settled: async () => {}, paused: async () => {}, resumed: async () => {} },
      logger: recordingLogger().logger,
      ...{ rateLimit: { perMinute: 300, perSecond: 10 }, concurrency: 3, leaseMs: LEASE_MS, pollMs: 600_000, timers },
    });
    worker.start();
    const die = (arrived: boolean) => {
      life.isOver = true;
      timers.end();
      this.endpoint.forsake(life, arrived);
    };
    this.nodes.push({ worker, die });
  }

  /** As `kill -9` does it. */
  crash(at: number, arrived: boolean): void {
    for (const node of this.nodes.splice(at, 1)) node.die(arrived);
  }

  async put(records: readonly (RelayEvent | Link)[]): Promise<void> {
    const batch = batchOf(records, () => "unused");
    await this.#store.put(batch, this.time.clock());
    for (const { worker } of this.nodes) worker.wake();
  }

  /** Until nothing goes on any more without time passing or the endpoint answering. */
  readonly rest = async (): Promise<void> => {
    do await new Promise((resolve) => setImmediate(resolve));
    while (this.#callsUnderWay > 0);
  };

  async pass(ms: number): Promise<void> {
    await this.time.pass(ms, this.rest);
  }

  async stop(at: number): Promise<void> {
    const node = this.nodes[at];
    if (node === undefined) return;
    const stopped = node.worker.stop(1_000);
    await this.rest();
    await this.pass(1_000);
    await stopped;
    node.worker.start();
  }

  async pending(): Promise<number> {
    return (await this.#store.stats()).counts.pending;
  }

  async dead(): Promise<number> {
    return (await this.#store.stats()).counts.dead;
  }

  /** What must be true at any time. Throws what is not. */
  async verify({ acked, referrals, clockWasSet }: Model): Promise<void> {
    const effects = [...this.endpoint.effects.keys()].map((id) => keyOf(id));
    assert(new Set(effects).size === effects.length, `two effects of one sale: ${effects}`);
    for (const [businessKey, externalEventId] of acked) {
      const entry = await this.#store.findEvent(SOURCE, { businessKey });
      assert(entry !== null, `${businessKey} was acknowledged, and is gone`);
      assert(entry.externalEventId === externalEventId, `${businessKey}: the first webhook does not stay`);
      const { state, attempts, createdAtMs, error } = entry;
      const before = this.#seen.get(businessKey);
      if (before?.createdAtMs === createdAtMs) {
        assert(attempts >= before.attempts, `${businessKey}: attempts fell from ${before.attempts} to ${attempts}`);
      }
      assert(before?.state !== "delivered" || state === "delivered", `${businessKey} was delivered, and is ${state}`);
      this.#seen.set(businessKey, { createdAtMs, attempts, state });
      const failures = this.endpoint.failures.get(externalEventId) ?? 0;
      assert(attempts <= failures, `${businessKey}: ${attempts} attempts counted, ${failures} failed`);
      const effect = this.endpoint.effects.get(externalEventId);
      if (state === "delivered") assert(effect !== undefined, `${businessKey} says delivered, and had no effect`);
      if (state === "unmatched") {
        assert(this.endpoint.unmatched.has(externalEventId), `${businessKey} is unmatched, and nobody said so`);
        // A process that slept past its lease may send it after all, when the link has come: nobody takes its word.
        const isOvertaken = this.#overtaken.has(entry.id);
        assert(effect === undefined || isOvertaken, `${businessKey} is unmatched, and had an effect`);
      }
      if (state === "dead") {
        const reason = error?.reason ?? "none";
        const may =
          reason === "rejected" ? failures > 0 : reason === "too_old" ? clockWasSet : reason === "quarantined";
        assert(may, `${businessKey} is dead without a reason: ${reason}`);
      }
      assert(state !== "discarded", `${businessKey} was discarded by nobody`);
      if (effect !== undefined) {
        assert(effect.referral === referrals.get(customerOf(businessKey)), `${businessKey} went to ${effect.referral}`);
      }
    }
  }

  /** The store as one process sees it: once that is dead, nothing answers any more. */
  #watched(life: { isOver: boolean }): Outbox {
    return new Proxy(this.#store, {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== "function") return method;
        return (...args: unknown[]) => {
          if (life.isOver) return new Promise(() => {});
          const result: unknown = Reflect.apply(method, target, args);
          if (!(result instanceof Promise)) return result;
          this.#callsUnderWay += 1;
          return result
            .finally(() => {
              this.#callsUnderWay -= 1;
            })
            .then((value) => {
              this.#watch(String(name), args, value);
              return life.isOver ? new Promise(() => {}) : value;
            });
        };
      },
    });
  }

  #watch(name: string, [first]: readonly unknown[], result: unknown): void {
    if (name === "claim") {
      const { nowMs } = first as { nowMs: number };
      const { entries, quarantined } = result as Awaited<ReturnType<Outbox["claim"]>>;
      for (const { id, lease } of entries) {
        const live = this.#leases.get(id);
        const isLive = live !== undefined && live.untilMs > nowMs && live.untilMs <= nowMs + MAX_AHEAD_MS;
        if (isLive) this.violation = `two leases of ${id} live at once`;
        if (live !== undefined) this.#overtaken.add(id);
        this.#leases.set(id, { lease, untilMs: nowMs + LEASE_MS });
      }
      for (const { id } of quarantined) this.#leases.delete(id);
    }
    if (name === "settle") {
      const { id, lease } = first as { id: string; lease: string };
      const holds = this.#leases.get(id)?.lease === lease;
      if (result !== null && !holds) this.violation = `${id} was settled with a lease that was lost`;
      if (result === null && holds) this.violation = `${id} was not settled, though its lease was held`;
      if (holds) this.#leases.delete(id);
    }
    if (name !== "release") return;
    for (const { id, lease } of first as { id: string; lease: string }[]) {
      if (this.#leases.get(id)?.lease === lease) this.#leases.delete(id);
    }
  }

  /** What a worker did that it must not; kept, since throwing into it would only be logged there. */
  violation: string | undefined;
}

export const businessKeyOf = (sale: number): string => `sale:${sale}`;
const keyOf = (externalEventId: string): string => externalEventId.replace(/#\d+$/, "");
/** Two sales a customer. */
const customerOf = (businessKey: string): string => `cus_${Number(businessKey.slice(5)) >> 1}`;

export function saleEvent(sale: number, twin: number, minorUnits: number): RelayEvent {
  const businessKey = businessKeyOf(sale);
  const customer = customerOf(businessKey);
  return {
    ...{ kind: "event", source: SOURCE, name: "paid", type: "conversion", businessKey },
    externalEventId: `${businessKey}#${twin}`,
    identity: { customerId: customer },
    references: { customer },
    sale: { minorUnits, currency: "USD" },
  };
}

export function referralLink(customer: number, referralId: string): Link {
  return { kind: "link", source: SOURCE, referralId, references: { customer: `cus_${customer}` } };
}

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}
