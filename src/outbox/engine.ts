import { createDeadLetters, type DeadLetters } from "../dead-letters.js";
import { LimitedClient } from "../endpoint/limited-client.js";
import { BLOCKED_ADVICE } from "../endpoint/outcome.js";
import { SEND_AGAIN, toRelayError } from "../errors.js";
import type { Link, Refund, RelayEvent } from "../event.js";
import { causeFields } from "../logger.js";
import type { RelayHooks, ResolvedOptions } from "../options.js";
import type { RecordResult, Sink, SinkFactory } from "../sink.js";
import { type RelayStats, relayStats } from "../stats.js";
import { batchOf } from "./batch.js";
import { Delivery } from "./delivery.js";
import type { LaneState, PauseReason } from "./lane.js";
import { type DurableOptions, durableOptions } from "./options.js";
import type { Batch, Entry, Outbox, OutboxEngine, PutResult, Settlement } from "./outbox.js";
import { Worker, type WorkerEvents } from "./worker.js";

/** The {@link OutboxEngine} of all stores. */
export const outboxEngine: OutboxEngine = Object.freeze({
  createSink: (outbox, options) => new Durable(outbox, options),
} satisfies SinkFactory);

/** Keeps records in the outbox before the provider gets its answer, and delivers them afterwards. */
export class Durable implements Sink, WorkerEvents {
  readonly deadLetters: DeadLetters;
  readonly findsIdentity = true;
  readonly #options: ResolvedOptions;
  readonly #durable: DurableOptions;
  readonly #outbox: Outbox;
  readonly #worker: Worker;
  #isOpen: Promise<void> | undefined;
  #pruning: ReturnType<typeof setInterval> | undefined;

  constructor(outbox: Outbox, options: ResolvedOptions) {
    const durable = durableOptions(options.outboxOptions);
    const { linkWaitMs, saleWaitMs, recheckUnmatchedMs, concurrency, rateLimit, retry, requestTimeoutMs } = durable;
    const { clock, logger } = options;
    const client = new LimitedClient(options);
    const shared = { outbox, client, clock, random: Math.random, retry };
    const delivery = new Delivery({ ...shared, requestTimeoutMs, linkWaitMs, saleWaitMs, recheckUnmatchedMs });
    this.#options = options;
    this.#durable = durable;
    this.#outbox = outbox;
    this.deadLetters = createDeadLetters(outbox, clock, () => this.#worker.wake());
    this.#worker = new Worker({
      ...shared,
      delivery,
      logger,
      rateLimit,
      concurrency,
      events: this,
      // Beyond the longest attempt, of three requests, with room for the store to answer.
      leaseMs: Math.max(60_000, requestTimeoutMs * 4),
      pollMs: outbox.sharedAcrossProcesses ? 1_000 : 30_000,
    });
  }

  async take(records: readonly (RelayEvent | Refund | Link)[], signal: AbortSignal): Promise<RecordResult[]> {
    if (records.length === 0) return [];
    // A mapping may have outlived its webhook, and the relay: the provider was told 503 by then.
    signal.throwIfAborted();
    const batch = batchOf(records, () => `relay_${crypto.randomUUID()}`);
    const put = await this.#put(batch);
    this.#worker.wake();
    const results = batch.entries.map(({ kind, source, externalEventId, businessKey }, at): RecordResult => {
      const status = put[at]?.status;
      if (status === "conflict") {
        const fields = { source, externalEventId, businessKey };
        this.#options.logger.error(
          fields,
          "another event with this id or of this sale says something else: the first one stays",
        );
      }
      if (status === "queued") return { kind, externalEventId, status };
      return { kind, externalEventId, status: "duplicate", ...(status === "conflict" && { reason: status }) };
    });
    const links = records.filter((record) => record.kind === "link");
    return [...results, ...links.map((): RecordResult => ({ kind: "link", status: "queued" }))];
  }

  /** Whatever a store throws: the provider keeps its webhook. */
  async #put(batch: Batch): Promise<readonly PutResult[]> {
    try {
      await this.start();
      return await this.#outbox.put(batch, await this.#nowMs());
    } catch (cause) {
      throw toRelayError(cause, "outbox_unavailable", `the outbox could not commit: ${SEND_AGAIN}`);
    }
  }

  async stats(): Promise<RelayStats> {
    return relayStats(await this.#outbox.stats(), this.#durable.rateLimit, await this.#nowMs());
  }

  async start(): Promise<void> {
    this.#isOpen ??= this.#open();
    await this.#isOpen;
  }

  async #open(): Promise<void> {
    try {
      await this.#outbox.open();
    } catch (error) {
      this.#isOpen = undefined;
      throw error;
    }
    this.#worker.start();
    void this.#prune();
    this.#pruning = setInterval(() => void this.#prune(), 60 * 60_000);
    // Tidying up is no reason for a process to live on.
    if (typeof this.#pruning === "object") this.#pruning.unref();
  }

  async stop(timeoutMs: number): Promise<void> {
    await this.#isOpen?.catch(() => {});
    this.#isOpen = undefined;
    clearInterval(this.#pruning);
    await this.#worker.stop(timeoutMs);
    await this.#outbox.close();
  }

  async settled(entry: Entry, settlement: Settlement, duplicate: boolean): Promise<void> {
    const { logger, on } = this.#options;
    const { source, kind, externalEventId } = entry;
    const fields = { source, kind, externalEventId, ...reasonOf(settlement) };
    if (settlement.state === "pending") {
      // Said at once and not once the lane is paused: with few events, that takes hours.
      const isFirstFailure = settlement.countsAttempt === true && entry.attempts === 0;
      logger[isFirstFailure ? "warn" : "debug"](
        fields,
        settlement.held ? "held" : "not delivered; will be tried again",
      );
      return;
    }
    if (settlement.state === "dead") {
      logger.error(fields, "dead letter: see relay.deadLetters");
      const error = settlement.error ?? { reason: "unknown" };
      return this.#tell("deadLetter", on.deadLetter, { event: JSON.parse(entry.payload), error });
    }
    const isLostRefund = kind === "refund" && settlement.state === "unmatched";
    logger[isLostRefund ? "warn" : "debug"](
      fields,
      isLostRefund ? "refund of a sale that is not known" : settlement.state,
    );
    if (kind === "refund") return;
    const event: RelayEvent = JSON.parse(entry.payload);
    if (settlement.state === "unmatched") return this.#tell("unmatched", on.unmatched, event);
    const conversionId = event.type === "conversion" ? (settlement.conversionId ?? undefined) : undefined;
    await this.#tell("delivered", on.delivered, { event, duplicate, conversionId });
  }

  async paused({ reason, sinceMs }: NonNullable<LaneState["paused"]>): Promise<void> {
    this.#options.logger.error({ reason }, `paused, probing once a minute: ${PAUSED[reason]}`);
    await this.#tell("paused", this.#options.on.paused, { reason, since: new Date(sinceMs).toISOString() });
  }

  async resumed(): Promise<void> {
    this.#options.logger.warn({}, "the endpoint takes events again");
    await this.#tell("resumed", this.#options.on.resumed, undefined);
  }

  /** The outbox has the last word by now: a hook that fails changes nothing. */
  async #tell<T>(name: keyof RelayHooks, hook: ((value: T) => unknown) | undefined, value: T): Promise<void> {
    try {
      await hook?.(value);
    } catch (error) {
      this.#options.logger.error({ hook: name, ...causeFields(error) }, `on.${name} threw; nothing else depends on it`);
    }
  }

  async #prune(): Promise<void> {
    try {
      await this.#outbox.prune(this.#durable.keepMs, await this.#nowMs());
    } catch (error) {
      this.#options.logger.warn(causeFields(error), "the outbox could not be tidied up; it is tried again in an hour");
    }
  }

  async #nowMs(): Promise<number> {
    return this.#outbox.now(this.#options.clock());
  }
}

const PAUSED: Readonly<Record<PauseReason, string>> = {
  ...BLOCKED_ADVICE,
  unavailable: "the endpoint is down",
  rejecting: "the endpoint refused many events in a row: see relay.deadLetters for its words",
};

function reasonOf({ error }: Settlement): object {
  if (error === null || error === undefined) return {};
  const { reason, status, code, field } = error;
  return { reason, status, code, field };
}
