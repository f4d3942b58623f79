import type { DeadLetters } from "./dead-letters.js";
import type { Link, Refund, RelayEvent } from "./event.js";
import type { ResolvedOptions } from "./options.js";
import type { Outbox } from "./outbox/outbox.js";
import type { RelayStats } from "./stats.js";

/** What became of one record of a webhook. */
export interface RecordResult {
  /** What the record is. A skip has nothing to send. */
  readonly kind: "event" | "refund" | "link" | "skip";
  /** What became of it; a link that was kept is `"queued"`. */
  readonly status: "queued" | "delivered" | "duplicate" | "unmatched" | "dead_letter" | "ignored";
  /** The record's id, where it has one. */
  readonly externalEventId?: string | undefined;
  /** Why it was ignored; `conflict` for a duplicate that says something else than the first one. */
  readonly reason?: string | undefined;
}

/** Where the records of a webhook go: through to the endpoint, or into an outbox. */
export interface Sink {
  /** What waits for a person. */
  readonly deadLetters: DeadLetters;
  /** Whether it finds out later who an event belongs to, by the objects that the event speaks of. */
  readonly findsIdentity: boolean;
  /** @throws RelayError with a 503 status unless all records were taken; then the provider sends the webhook again. */
  take(records: readonly (RelayEvent | Refund | Link)[], signal: AbortSignal): Promise<RecordResult[]>;
  /** Begins, or goes on. Idempotent. */
  start(): Promise<void>;
  /** Lets what is under way end, for at most `timeoutMs`. Idempotent. */
  stop(timeoutMs: number): Promise<void>;
  /** How it stands. */
  stats(): Promise<RelayStats>;
}

/** What an outbox's engine is inside. */
export interface SinkFactory {
  /**
   * What takes a relay's records for this store, and works it off.
   *
   * @throws RelayError `invalid_options` when one of the relay's options for outboxes is wrong.
   */
  createSink(outbox: Outbox, options: ResolvedOptions): Sink;
}
