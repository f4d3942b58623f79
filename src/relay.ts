import { headerOf, type IncomingRequest, type WebhookAdapter, type WebhookHeaders } from "./adapter.js";
import type { DeadLetters } from "./dead-letters.js";
import { within } from "./deadline.js";
import type { Transport, TransportTarget } from "./endpoint/transport.js";
import { invalidOption, RelayError, toRelayError } from "./errors.js";
import type { EventFromCode, RelayRecord, Skip } from "./event.js";
import { parseEventFromCode, parseRecord } from "./event-schema.js";
import { causeFields } from "./logger.js";
import { type RelayOptions, type ResolvedOptions, resolveOptions } from "./options.js";
import { PassThrough } from "./pass-through.js";
import { prepareRecords } from "./prepare.js";
import type { RecordResult, Sink } from "./sink.js";
import type { RelayStats } from "./stats.js";

/** What became of a webhook: the weightiest of what became of its records. */
export interface ReceiveResult {
  /** The weightiest: a dead letter before queued, delivered, duplicate, unmatched and ignored. */
  readonly status: RecordResult["status"];
  /** What became of each record; empty where the webhook had nothing to send. */
  readonly records: readonly RecordResult[];
}

type SourceOf<Adapters extends readonly WebhookAdapter[]> = Adapters[number]["name"];
type PayloadOf<Adapters extends readonly WebhookAdapter[], Source> =
  Extract<Adapters[number], { readonly name: Source }> extends WebhookAdapter<string, infer Payload> ? Payload : never;

/** Takes webhooks and forwards what they mean. Made by {@link createRelay}. */
export interface Relay<Adapters extends readonly WebhookAdapter[] = readonly WebhookAdapter[]> {
  /** The adapters' names. */
  readonly sources: readonly SourceOf<Adapters>[];
  /**
   * Verifies a webhook and forwards it. Resolves only when the outbox, the endpoint or a hook has taken what it said.
   *
   * @throws RelayError whose `status` is the one to answer the provider with.
   */
  receive(source: string, request: IncomingRequest): Promise<ReceiveResult>;
  /**
   * Forwards a webhook which your own code has verified already. The payload is trusted: never pass what was not.
   *
   * @param options - `headers` of the request, where a custom adapter reads any.
   * @throws RelayError whose `status` is the one to answer the provider with.
   */
  receiveVerified<Source extends SourceOf<Adapters>>(
    source: Source,
    payload: PayloadOf<Adapters, Source>,
    options?: { readonly headers?: WebhookHeaders | undefined },
  ): Promise<ReceiveResult>;
  /**
   * Forwards an event of your own code: a signup, a lead, a trial, a milestone, or a sale that no webhook tells of. It
   * goes the way of a webhook's events (outbox, retries, `transform`, hooks), but its ids are yours already, so nothing is
   * mapped. Its `source` is `"relay.send"`.
   *
   * Give it an `externalEventId` whenever the same thing may be sent twice: a second one with that id is a duplicate.
   * Conversions need one. What goes wrong is logged as well as thrown.
   *
   * @throws RelayError `send_refused` when it breaks the contract or, with an outbox, another event has its id; otherwise
   * as {@link Relay.receive}: the event was not taken, as far as is known, and may be sent again with the same
   * `externalEventId`.
   */
  send(event: EventFromCode): Promise<ReceiveResult>;
  /**
   * Takes webhooks (again) and delivers what the outbox holds. The first webhook starts a new relay by itself; call it
   * when the app starts, so that what the last run left is delivered at once. Idempotent.
   */
  start(): Promise<void>;
  /**
   * Refuses new webhooks with a 503 and waits for the webhooks and deliveries under way; what is still under way after
   * `timeoutMs` is aborted: a webhook is answered 503, a delivery stays in the outbox. Idempotent.
   *
   * @param options - `timeoutMs` is 10 000 by default.
   */
  stop(options?: { readonly timeoutMs?: number | undefined }): Promise<void>;
  /** How the outbox stands. @throws RelayError `no_outbox` on a relay without one. */
  stats(): Promise<RelayStats>;
  /** What waits for a person. Its methods throw `no_outbox` on a relay without an outbox. */
  readonly deadLetters: DeadLetters;
}

/**
 * Makes a relay. It verifies webhooks, turns them into events, and sends these to Affonso's events endpoint, signed, and
 * so that each counts once. Without an `outbox` the provider waits for the endpoint; with one it is answered as soon as
 * the event is kept, and the relay delivers it, however long the endpoint is away.
 *
 * The options are checked at once, and that is all: no request is made and no outbox is opened before the first webhook,
 * `send` or `start()`.
 *
 * @example
 * const relay = createRelay({
 *   apiKey: process.env.AFFONSO_API_KEY,
 *   adapters: [stripe({ webhookSecret: process.env.STRIPE_WEBHOOK_SECRET })],
 *   outbox: sqliteOutbox({ path: "affonso.db" }),
 * });
 * app.use("/webhooks", createExpressMiddleware(relay));
 *
 * @throws RelayError `invalid_options`: which option, what was expected, what came.
 * @see https://docs.affonso.io/api/endpoint/events/create
 */
export function createRelay<const Adapters extends readonly WebhookAdapter[]>(
  options: RelayOptions<Adapters>,
): Relay<Adapters> {
  return new WebhookRelay(resolveOptions(options)) as Relay<Adapters>;
}

/** As {@link createRelay}, but where no `fetch` is given it sends by another transport than the runtime's fetch. */
export function createRelayOver<const Adapters extends readonly WebhookAdapter[]>(
  transportTo: (target: TransportTarget) => Transport,
  options: RelayOptions<Adapters>,
): Relay<Adapters> {
  return new WebhookRelay(resolveOptions(options, transportTo)) as Relay<Adapters>;
}

class WebhookRelay implements Relay {
  readonly sources: readonly string[];
  readonly #options: ResolvedOptions;
  readonly #sink: Sink;
  readonly deadLetters: DeadLetters;
  /** What is under way, and what cuts it short. */
  readonly #underWay = new Map<AbortController, Promise<unknown>>();
  #accepts = true;
  /** Starting and stopping, one after the other, in the order they were asked for. */
  #transitions = Promise.resolve();

  constructor(options: ResolvedOptions) {
    this.#options = options;
    const { outbox } = options;
    this.#sink = outbox?.engine.createSink(outbox, options) ?? new PassThrough(options);
    this.deadLetters = this.#sink.deadLetters;
    this.sources = Object.freeze([...options.adapters.keys()]);
  }

  async receive(source: string, request: IncomingRequest): Promise<ReceiveResult> {
    return this.#run(source, async (signal) => {
      const adapter = this.#adapterOf(source);
      const { headers } = request;
      const body = typeof request.body === "function" ? await request.body() : request.body;
      const payload = await adapter.verify({ body, headers }, { nowMs: this.#options.clock() });
      return this.#forward(adapter, payload, headers, signal);
    });
  }

  async receiveVerified(
    source: string,
    payload: unknown,
    { headers = {} }: { readonly headers?: WebhookHeaders | undefined } = {},
  ): Promise<ReceiveResult> {
    return this.#run(source, (signal) => this.#forward(this.#adapterOf(source), payload, headers, signal));
  }

  async send(event: EventFromCode): Promise<ReceiveResult> {
    return this.#run(SEND_SOURCE, async (signal) => {
      const record = parseEventFromCode(event, SEND_SOURCE);
      // Ids of the app's own are not the provider's: a mapping would not know them.
      const result = await this.#take(SEND_SOURCE, [record], { ...this.#options, mappings: {} }, signal);
      // A provider could do nothing about it; here somebody is there to be told.
      if (!result.records.some(({ reason }) => reason === "conflict")) return result;
      throw new RelayError("send_refused", "another event has this externalEventId");
    });
  }

  start(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#sink.start();
      this.#accepts = true;
    });
  }

  async stop({ timeoutMs = 10_000 }: { readonly timeoutMs?: number | undefined } = {}): Promise<void> {
    if (!Number.isFinite(timeoutMs) || timeoutMs < 0) {
      throw invalidOption("stop timeoutMs", "0 or more milliseconds", timeoutMs);
    }
    this.#accepts = false;
    return this.#inTurn(async () => {
      // Again, since a start may have come between.
      this.#accepts = false;
      const cut = () => {
        for (const controller of this.#underWay.keys()) controller.abort(stopped());
      };
      // A longer timer would fire at once.
      const timer = setTimeout(cut, Math.min(timeoutMs, 2 ** 31 - 1));
      const endsAt = performance.now() + timeoutMs;
      await Promise.allSettled(this.#underWay.values());
      clearTimeout(timer);
      await this.#sink.stop(Math.max(endsAt - performance.now(), 0));
    });
  }

  async stats(): Promise<RelayStats> {
    return this.#sink.stats();
  }

  /** One that failed keeps none from being tried after it. */
  #inTurn(transition: () => Promise<void>): Promise<void> {
    const done = this.#transitions.then(transition);
    this.#transitions = done.catch(() => {});
    return done;
  }

  /** One webhook, bounded in time, its failure logged once, and counted as under way until its caller has the answer. */
  #run(source: string, work: Work): Promise<ReceiveResult> {
    const { timeoutMs } = this.#options;
    // Of its own: one that all webhooks listened to would warn of its many listeners.
    const controller = new AbortController();
    if (!this.#accepts) controller.abort(stopped());
    const late = () => new RelayError("timed_out", `not done within ${timeoutMs} ms`);
    const running = within(controller, timeoutMs, work, late)
      .catch((cause: unknown) => {
        throw this.#logged(source, toRelayError(cause, "internal_error", "please report it"));
      })
      .finally(() => this.#underWay.delete(controller));
    this.#underWay.set(controller, running);
    return running;
  }

  #adapterOf(source: string): WebhookAdapter {
    const adapter = this.#options.adapters.get(source);
    if (adapter !== undefined) return adapter;
    throw new RelayError("unknown_source", `no adapter has this name; there are ${this.sources.join(", ")}`);
  }

  async #forward(
    adapter: WebhookAdapter,
    payload: unknown,
    headers: WebhookHeaders,
    signal: AbortSignal,
  ): Promise<ReceiveResult> {
    const source = adapter.name;
    const inputs = await adapter.normalize(payload, { source, header: (name) => headerOf(headers, name) });
    // One that was made without defineAdapter may answer a record alone.
    const records = [inputs].flat().map((input) => parseRecord(input, source));
    return this.#take(source, records, this.#options, signal);
  }

  async #take(
    source: string,
    records: readonly RelayRecord[],
    options: Pick<ResolvedOptions, "mappings" | "transform">,
    signal: AbortSignal,
  ): Promise<ReceiveResult> {
    // All are made ready before the first is sent: a mapping that fails then costs no half-sent webhook.
    const { findsIdentity } = this.#sink;
    const ready = await prepareRecords(records, { ...options, findsIdentity });

    const skipped = ready.filter((record) => record.kind === "skip").map((skip) => this.#skipped(skip));
    const taken = await this.#sink.take(
      ready.filter((record) => record.kind !== "skip"),
      signal,
    );
    const results = [...taken, ...skipped];
    const result = Object.freeze({ status: weightiest(results), records: Object.freeze(results) });
    this.#options.logger.debug({ source, ...result }, "received");
    return result;
  }

  #skipped({ source, reason, message, externalEventId }: Skip): RecordResult {
    const level = reason === "unmapped" ? "debug" : reason === "test_mode" ? "warn" : "info";
    this.#options.logger[level]({ source, externalEventId, reason }, `ignored: ${message ?? reason}`);
    return { kind: "skip", status: "ignored", externalEventId, reason };
  }

  #logged(source: string, error: RelayError): RelayError {
    const level = error.status < 500 ? "warn" : "error";
    const { code, externalEventId, message } = error;
    const fields = { source, code, ...(externalEventId && { externalEventId }), ...causeFields(error.cause) };
    this.#options.logger[level](fields, message);
    return error;
  }
}

function stopped(): RelayError {
  return new RelayError("relay_stopped", "the relay was stopped");
}

/** No adapter's name, since those have no dot. */
const SEND_SOURCE = "relay.send";

type Work = (signal: AbortSignal) => Promise<ReceiveResult>;

const WEIGHT = ["dead_letter", "queued", "delivered", "duplicate", "unmatched", "ignored"] as const;

function weightiest(results: readonly RecordResult[]): RecordResult["status"] {
  return WEIGHT.find((status) => results.some((result) => result.status === status)) ?? "ignored";
}
