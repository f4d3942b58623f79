import { EndpointClient } from "./endpoint/client.js";
import { BLOCKED_ADVICE, conversionIdOf, type EndpointError, type Outcome } from "./endpoint/outcome.js";
import { toWire } from "./endpoint/wire.js";
import { isRelayError, RelayError } from "./errors.js";
import type { Link, Refund, RelayEvent } from "./event.js";
import { causeFields } from "./logger.js";
import type { RelayHooks, ResolvedOptions } from "./options.js";
import type { RecordResult, Sink } from "./sink.js";

/**
 * Sends records while the provider waits for its answer. Nothing is kept: what the endpoint does not take is thrown, so
 * that the provider keeps its webhook and sends it again.
 */
export class PassThrough implements Sink {
  readonly #client: EndpointClient;
  readonly #on: RelayHooks;
  readonly #options: ResolvedOptions;
  #warnedOfLinks = false;

  constructor(options: ResolvedOptions) {
    this.#client = new EndpointClient(options);
    this.#on = options.on;
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

  #takeOne(record: RelayEvent | Refund | Link, signal: AbortSignal): Promise<RecordResult> {
    switch (record.kind) {
      case "event":
        return this.#send(record, signal);
      case "refund":
        return this.#refund(record);
      case "link":
        return this.#link(record);
    }
  }

  async #send(event: RelayEvent, signal: AbortSignal): Promise<RecordResult> {
    const outcome = await this.#client.post("/events", toWire(event), signal);
    const { externalEventId } = event;
    const result = { kind: "event", externalEventId } as const;
    switch (outcome.kind) {
      case "delivered":
        await this.#tell("delivered", this.#on.delivered, {
          event,
          duplicate: outcome.duplicate,
          conversionId: event.type === "conversion" ? conversionIdOf(outcome) : undefined,
        });
        return { ...result, status: outcome.duplicate ? "duplicate" : "delivered" };
      case "unmatched":
        await this.#tell("unmatched", this.#on.unmatched, event);
        return { ...result, status: "unmatched" };
      case "rejected":
        await this.#bury(event, outcome.error);
        return { ...result, status: "dead_letter" };
      case "blocked":
        throw new RelayError("endpoint_blocked", BLOCKED_ADVICE[outcome.reason] + shown(outcome.error), {
          externalEventId,
        });
      case "throttled":
        throw new RelayError("endpoint_unavailable", "the endpoint's rate limit is reached", {
          retryAfterMs: outcome.retryAfterMs,
          externalEventId,
        });
      case "failed":
        throw new RelayError("endpoint_unavailable", FAILED[outcome.reason] + shown(outcome), { externalEventId });
    }
  }

  /** Without a hook that takes it, a refused event stays with the provider, where somebody will see it fail. */
  async #bury(event: RelayEvent, error: EndpointError): Promise<void> {
    if (this.#on.deadLetter === undefined) {
      throw new RelayError(
        "event_rejected",
        `the endpoint refused the event for good${shown(error)}; set on.deadLetter to keep such events yourself`,
        { externalEventId: event.externalEventId },
      );
    }
    await call("deadLetter", event.externalEventId, () =>
      this.#on.deadLetter?.({ event, error: { reason: "rejected", ...error } }),
    );
  }

  async #refund(refund: Refund): Promise<RecordResult> {
    const { kind, source, externalEventId, businessKey } = refund;
    const hook = this.#on.refund;
    if (hook === undefined) {
      const message = "refund ignored: without an on.refund hook nobody tells the endpoint of it";
      this.#options.logger.warn({ source, externalEventId, businessKey }, message);
      return { kind, status: "ignored", externalEventId, reason: "no on.refund hook" };
    }
    await call("refund", externalEventId, () => hook(refund));
    return { kind, status: "ignored", externalEventId, reason: "given to on.refund" };
  }

  /** There is no store to keep a link in: a hook takes it, or the referral must come with the sale itself. */
  async #link(link: Link): Promise<RecordResult> {
    const { kind, source, references } = link;
    const hook = this.#on.link;
    if (hook === undefined) {
      const level = link.referralId !== undefined && !this.#warnedOfLinks ? "warn" : "debug";
      if (level === "warn") this.#warnedOfLinks = true;
      this.#options.logger[level](
        { source, ...references },
        "link ignored: pass-through keeps nothing, so the referral must be in the metadata of the subscription or the " +
          "payment too, not in the checkout session's alone (said once)",
      );
      return { kind, status: "ignored", reason: "no on.link hook" };
    }
    await call("link", undefined, () => hook(link));
    return { kind, status: "ignored", reason: "given to on.link" };
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

const FAILED: Record<(Outcome & { kind: "failed" })["reason"], string> = {
  timeout: "the endpoint did not answer in time",
  network: "the endpoint can't be reached",
  server_error: "the endpoint has an error of its own",
};

/** Status, code and field only: messages of others may quote what they were sent. */
function shown(error: { status?: number; code?: string | undefined; field?: string | undefined } | undefined): string {
  const parts = [error?.status, error?.code, error?.field && `field ${error.field}`].filter(
    (part) => part !== undefined,
  );
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}

async function call(hook: string, externalEventId: string | undefined, run: () => unknown): Promise<void> {
  try {
    await run();
  } catch (cause) {
    throw new RelayError("hook_failed", `on.${hook} threw; the provider keeps the webhook and sends it again`, {
      cause,
      externalEventId,
    });
  }
}
