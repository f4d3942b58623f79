import { headerOf, type IncomingRequest, type WebhookAdapter, type WebhookHeaders } from "./adapter.js";
import { describeType, invalidOption, RelayError, toRelayError } from "./errors.js";
import { hasIdentity, parseEvent, parseRecord, type RelayEvent, type RelayRecord, type Skip } from "./event.js";
import { causeFields } from "./logger.js";
import { mapIds } from "./mapping.js";
import { type RelayOptions, type ResolvedOptions, resolveOptions } from "./options.js";
import { PassThrough, type RecordResult } from "./pass-through.js";

/** What became of a webhook: the weightiest of what became of its records. */
export interface ReceiveResult {
  readonly status: RecordResult["status"];
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
   * Verifies a webhook and forwards it. Resolves only when the endpoint, or a hook, has taken what it said.
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
  /** Takes webhooks (again). A new relay is started already. Idempotent. */
  start(): Promise<void>;
  /**
   * Refuses new webhooks with a 503 and waits for those under way; what is still under way after `timeoutMs` is
   * aborted and answered 503. Idempotent.
   *
   * @param options - `timeoutMs` is 10 000 by default.
   */
  stop(options?: { readonly timeoutMs?: number | undefined }): Promise<void>;
}

/**
 * Makes a relay.
 *
 * @throws RelayError `invalid_options`: which option, what was expected, what came.
 */
export function createRelay<const Adapters extends readonly WebhookAdapter[]>(
  options: RelayOptions<Adapters>,
): Relay<Adapters> {
  return new PassThroughRelay(resolveOptions(options)) as Relay<Adapters>;
}

class PassThroughRelay implements Relay {
  readonly sources: readonly string[];
  readonly #options: ResolvedOptions;
  readonly #passThrough: PassThrough;
  readonly #underWay = new Set<Promise<unknown>>();
  #abort = new AbortController();
  #stopping: Promise<void> | undefined;

  constructor(options: ResolvedOptions) {
    this.#options = options;
    this.#passThrough = new PassThrough(options);
    this.sources = Object.freeze([...options.adapters.keys()]);
  }

  async receive(source: string, request: IncomingRequest): Promise<ReceiveResult> {
    return this.#run(source, async (adapter, signal) => {
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
    return this.#run(source, (adapter, signal) => this.#forward(adapter, payload, headers, signal));
  }

  async start(): Promise<void> {
    if (this.#stopping === undefined) return;
    await this.#stopping;
    this.#stopping = undefined;
    this.#abort = new AbortController();
  }

  stop({ timeoutMs = 10_000 }: { readonly timeoutMs?: number | undefined } = {}): Promise<void> {
    if (!Number.isFinite(timeoutMs) || timeoutMs < 0) {
      throw invalidOption("stop timeoutMs", "a number of milliseconds, 0 or more", timeoutMs);
    }
    this.#stopping ??= this.#drain(timeoutMs);
    return this.#stopping;
  }

  async #drain(timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => this.#abort.abort(), timeoutMs);
    await Promise.allSettled(this.#underWay);
    clearTimeout(timer);
  }

  /** One webhook: looked up, bounded in time, counted as under way, its failure logged once. */
  async #run(
    source: string,
    work: (adapter: WebhookAdapter, signal: AbortSignal) => Promise<ReceiveResult>,
  ): Promise<ReceiveResult> {
    const { adapters, timeoutMs } = this.#options;
    try {
      const adapter = adapters.get(source);
      if (adapter === undefined) {
        throw new RelayError("unknown_source", `no adapter has this name; there are ${this.sources.join(", ")}`);
      }
      if (this.#stopping !== undefined) throw new RelayError("relay_stopped", "the relay is stopping or stopped");
      const running = withDeadline(timeoutMs, this.#abort.signal, (signal) => work(adapter, signal));
      this.#underWay.add(running);
      return await running.finally(() => this.#underWay.delete(running));
    } catch (cause) {
      const error = toRelayError(cause, "internal_error", "this should not happen; please report it");
      this.#logError(source, error);
      throw error;
    }
  }

  async #forward(
    adapter: WebhookAdapter,
    payload: unknown,
    headers: WebhookHeaders,
    signal: AbortSignal,
  ): Promise<ReceiveResult> {
    const source = adapter.name;
    const inputs = await adapter.normalize(payload, { source, header: (name) => headerOf(headers, name) });
    const records = inputs.map((input) => parseRecord(input, source));
    // All are made ready before the first is sent: a mapping that fails then costs no half-sent webhook.
    const ready = await Promise.all(records.map((record) => this.#prepare(record)));
    assertDistinctIds(ready);

    const results: RecordResult[] = [];
    for (const record of ready) {
      // A hook or a mapping may have outlived the deadline: the provider has its 503 and will send all of it again.
      signal.throwIfAborted();
      results.push(record.kind === "skip" ? this.#skipped(record) : await this.#passThrough.take(record, signal));
    }
    const result = Object.freeze({ status: weightiest(results), records: Object.freeze(results) });
    this.#options.logger.debug({ source, ...result }, "received");
    return result;
  }

  /** Maps ids and asks `transform`; an event that nobody is named on becomes a skip, since the endpoint refuses it. */
  async #prepare(record: RelayRecord): Promise<RelayRecord> {
    if (record.kind !== "event") return record;
    const { source, externalEventId } = record;
    const event = await this.#transform(await mapIds(record, this.#options.mappings));
    if (event === null) {
      return { kind: "skip", source, reason: "dropped", externalEventId, message: "transform dropped it" };
    }
    if (hasIdentity(event.identity)) return event;
    const message = "it names no referral, customer, user or click";
    return { kind: "skip", source, reason: "no_identity", externalEventId, message };
  }

  async #transform(event: RelayEvent): Promise<RelayEvent | null> {
    const { transform } = this.#options;
    let transformed: unknown = event;
    try {
      if (transform !== undefined) transformed = await transform(event);
    } catch (cause) {
      throw new RelayError("mapping_failed", "transform threw; the provider keeps the webhook and sends it again", {
        cause,
      });
    }
    if (transformed === null) return null;
    if (typeof transformed === "object") return parseEvent(transformed, event.source);
    const answer = describeType(transformed);
    throw new RelayError("mapping_failed", `transform answered ${answer}; answer the event, or null to drop it`);
  }

  #skipped({ source, reason, message, externalEventId }: Skip): RecordResult {
    const level = reason === "unmapped" ? "debug" : reason === "test_mode" ? "warn" : "info";
    this.#options.logger[level]({ source, externalEventId, reason }, `ignored: ${message ?? reason}`);
    return { kind: "skip", status: "ignored", externalEventId, reason };
  }

  #logError(source: string, error: RelayError): void {
    const level = error.status < 500 ? "warn" : "error";
    const { code, externalEventId, message } = error;
    const fields = { source, code, ...(externalEventId !== undefined && { externalEventId }) };
    this.#options.logger[level]({ ...fields, ...causeFields(error.cause) }, message);
  }
}

const WEIGHT = ["dead_letter", "delivered", "duplicate", "unmatched", "ignored"] as const;

function weightiest(results: readonly RecordResult[]): RecordResult["status"] {
  return WEIGHT.find((status) => results.some((result) => result.status === status)) ?? "ignored";
}

/** The endpoint would answer the second of two events with the first one's result: a sale lost without a word. */
function assertDistinctIds(records: readonly RelayRecord[]): void {
  const seen = new Set<string>();
  for (const record of records) {
    if (record.kind !== "event" || record.externalEventId === undefined) continue;
    if (seen.has(record.externalEventId)) {
      throw new RelayError("invalid_event", `${record.source} made two events of one webhook with one externalEventId`);
    }
    seen.add(record.externalEventId);
  }
}

/** Runs `work` with a signal that fires after `timeoutMs` or with `outer`, and does not wait for it any longer then. */
async function withDeadline<T>(
  timeoutMs: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const { promise: expired, reject } = deferred();
  const end = (error: RelayError) => {
    controller.abort(error);
    reject(error);
  };
  const stop = () => end(new RelayError("relay_stopped", "the relay was stopped before this webhook was done"));
  const timer = setTimeout(() => end(new RelayError("timed_out", `not done within ${timeoutMs} ms`)), timeoutMs);
  outer.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work(controller.signal), expired]);
  } finally {
    clearTimeout(timer);
    outer.removeEventListener("abort", stop);
  }
}

function deferred(): { promise: Promise<never>; reject: (error: unknown) => void } {
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<never>((_, fail) => {
    reject = fail;
  });
  return { promise, reject };
}
