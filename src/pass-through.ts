import type { DeadLetters } from "./dead-letters.js";
import { EndpointClient } from "./endpoint/client.js";
import { BLOCKED_ADVICE, conversionIdOf, type Outcome } from "./endpoint/outcome.js";
import { postEvent } from "./endpoint/post-event.js";
import { blame, isRelayError, RelayError, type RelayErrorCode } from "./errors.js";
import type { Link, Refund, RelayEvent } from "./event.js";
import { causeFields } from "./logger.js";
import type { ResolvedOptions } from "./options.js";
import type { RecordResult, Sink } from "./sink.js";

/**
 * Sends records while the provider waits for its answer. Nothing is kept: what the endpoint does not take is thrown, so
 * that the provider keeps its webhook and sends it again.
 */
export class PassThrough implements Sink {
  readonly deadLetters: DeadLetters = Object.freeze({
    list: keepsNothing,
    replay: keepsNothing,
    discard: keepsNothing,
  });
  readonly findsIdentity = false;
  readonly #client: EndpointClient;
  readonly #options: ResolvedOptions;
  #warnedOfLinks = false;

  constructor(options: ResolvedOptions) {
    this.#client = new EndpointClient(options);
    this.#options = options;
  }

  /** One record that is refused must not keep its siblings back: all are taken, then the first error is thrown. */
  async take(records: readonly (RelayEvent | Refund | Link)[], signal: AbortSignal): Promise<RecordResult[]> {
    const results: RecordResult[] = [];
    const errors: unknown[] = [];
    for (const record of records) {
      // A hook or a mapping may have outlived the deadline: the provider has its 503 and will send all of it again.
      signal.throwIfAborted();
      try {
        results.push(await this.#takeOne(record, signal));
      } catch (error) {
        errors.push(error);
        // What closed the way for this one has closed it for the others.
        if (isRelayError(error) && error.code.startsWith("endpoint_")) break;
      }
    }
    if (errors.length > 0) throw errors[0];
    return results;
  }

  /** There is nothing to begin or to end: each webhook is done when it is answered. */
  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  readonly stats = keepsNothing;

  #takeOne(record: RelayEvent | Refund | Link, signal: AbortSignal): Promise<RecordResult> {
    switch (record.kind) {
      case "event":
        return this.#send(record, signal);
      case "refund":
        return this.#handOver(record, record.externalEventId, this.#options.on.refund);
      case "link":
        return this.#handOver(record, undefined, this.#options.on.link);
    }
  }

  async #send(record: RelayEvent, signal: AbortSignal): Promise<RecordResult> {
    const posted = await postEvent(record, false, (payload) => this.#client.post("/events", payload, signal));
    const { outcome, event } = posted;
    const { delivered, unmatched, deadLetter } = this.#options.on;
    const { externalEventId } = event;
    const result = { kind: "event", externalEventId } as const;
    const failure = (code: RelayErrorCode, message: string, retryAfterMs?: number) =>
      new RelayError(code, message, { externalEventId, retryAfterMs });
    switch (outcome.kind) {
      case "delivered":
        await this.#tell("delivered", delivered, {
          event,
          duplicate: outcome.duplicate,
          conversionId: event.type === "conversion" ? conversionIdOf(outcome) : undefined,
        });
        return { ...result, status: outcome.duplicate ? "duplicate" : "delivered" };
      case "unmatched":
        await this.#tell("unmatched", unmatched, event);
        return { ...result, status: "unmatched" };
      case "rejected":
        // Without a hook that takes it, it stays with the provider, where somebody will see it fail.
        if (deadLetter === undefined) {
          const refusal = `the endpoint refused the event for good${shown(outcome.error)}`;
          throw failure("event_rejected", `${refusal}; set on.deadLetter to keep such events`);
        }
        await blame(
          "hook_failed",
          "on.deadLetter",
          () => deadLetter({ event, error: { reason: "rejected", ...outcome.error } }),
          externalEventId,
        );
        return { ...result, status: "dead_letter" };
      case "blocked":
        throw failure("endpoint_blocked", BLOCKED_ADVICE[outcome.reason] + shown(outcome.error));
      case "throttled":
        throw failure("endpoint_unavailable", "the endpoint's rate limit is reached", outcome.retryAfterMs);
      case "failed":
        throw failure("endpoint_unavailable", FAILED[outcome.reason] + shown(outcome));
    }
  }

  /** There is no store to keep it in: a hook takes it, or nobody does. */
  async #handOver<Kept extends Refund | Link>(
    record: Kept,
    externalEventId: string | undefined,
    hook: ((record: Kept) => unknown) | undefined,
  ): Promise<RecordResult> {
    const { kind } = record;
    if (hook === undefined) this.#warnOf(record);
    else await blame("hook_failed", `on.${kind}`, () => hook(record), externalEventId);
    const reason = hook === undefined ? `no on.${kind} hook` : `given to on.${kind}`;
    return { kind, status: "ignored", externalEventId, reason };
  }

  #warnOf(record: Refund | Link): void {
    const { logger } = this.#options;
    if (record.kind === "refund") {
      const { source, externalEventId, businessKey } = record;
      logger.warn(
        { source, externalEventId, businessKey },
        "refund ignored: without on.refund nobody tells the endpoint",
      );
      return;
    }
    const level = record.referralId === undefined || this.#warnedOfLinks ? "debug" : "warn";
    this.#warnedOfLinks ||= level === "warn";
    logger[level](
      { source: record.source, ...record.references },
      "link ignored: without an outbox or on.link, the referral must be in the metadata of the subscription or payment too",
    );
  }

  /** The endpoint has the event by now: a hook that fails must not make the provider send it again. */
  async #tell<T>(name: string, hook: ((value: T) => unknown) | undefined, value: T): Promise<void> {
    try {
      await hook?.(value);
    } catch (error) {
      this.#options.logger.error(
        { hook: name, ...causeFields(error) },
        `on.${name} threw; the event was sent all the same`,
      );
    }
  }
}

async function keepsNothing(): Promise<never> {
  throw new RelayError("no_outbox", "this relay keeps nothing; give createRelay an outbox");
}

const FAILED: Record<(Outcome & { kind: "failed" })["reason"], string> = {
  timeout: "the endpoint did not answer in time",
  network: "the endpoint can't be reached",
  server_error: "the endpoint has an error of its own",
};

interface Refusal {
  readonly status?: number | undefined;
  readonly code?: string | undefined;
  readonly field?: string | undefined;
}

/** Status, code and field only: messages of others may quote what they were sent. */
function shown({ status, code, field }: Refusal = {}): string {
  const parts = [status, code, field && `field ${field}`].filter(Boolean);
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}
