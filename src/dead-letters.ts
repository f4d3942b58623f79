import { assertKnownKeys, invalidOption } from "./errors.js";
import type { Refund, RelayEvent } from "./event.js";
import type { Entry, EntryError, EntryFilter, Outbox } from "./outbox/outbox.js";

/** An event or a refund that the endpoint refused for good, that was too old, or that took its process down. */
export interface DeadLetterEntry {
  /** What `replay` and `discard` take. */
  readonly id: string;
  /** The adapter's name. */
  readonly source: string;
  /** The upstream webhook's id. */
  readonly externalEventId: string;
  /** What was to be delivered. */
  readonly record: RelayEvent | Refund;
  /** Why it was not. */
  readonly reason: EntryError;
  /** How many attempts failed. */
  readonly attempts: number;
  /** When the outbox took it, in ISO 8601 and UTC. */
  readonly createdAt: string;
  /** When it was given up, in ISO 8601 and UTC. */
  readonly diedAt: string | undefined;
}

/** Which dead letters are meant; all fields that are given must fit. */
export interface DeadLetterFilter {
  /** The adapter's name. */
  readonly source?: string | undefined;
  /** Such as `"rejected"`, `"too_old"`, `"quarantined"`. */
  readonly reason?: string | undefined;
  /** Those that the outbox took then or later. */
  readonly createdAfter?: Date | undefined;
  /** Those that the outbox took earlier. */
  readonly createdBefore?: Date | undefined;
}

/** What waits for a person. */
export interface DeadLetters {
  /** The newest first. @param page - `limit` is 100 by default; `after` is the id of the last one of the page before. */
  list(
    filter?: DeadLetterFilter,
    page?: { readonly limit?: number | undefined; readonly after?: string | undefined },
  ): Promise<DeadLetterEntry[]>;
  /** Sends them again, as if they were new: by id, by filter, or all with `{}`. Answers how many. */
  replay(which: string | DeadLetterFilter): Promise<number>;
  /** Gives them up for good. Answers how many. */
  discard(which: string | DeadLetterFilter): Promise<number>;
}

/** @param changed - Called when there is something to deliver again. */
export function createDeadLetters(outbox: Outbox, nowMs: () => number, changed: () => void): DeadLetters {
  return Object.freeze({
    async list(
      filter: DeadLetterFilter = {},
      { limit = 100, after }: { limit?: number | undefined; after?: string | undefined } = {},
    ) {
      return (await outbox.list(entryFilter(filter), { limit, after })).map(deadLetterOf);
    },
    async replay(which: string | DeadLetterFilter) {
      const count = await outbox.replay(selection(which), await outbox.now(nowMs()));
      changed();
      return count;
    },
    async discard(which: string | DeadLetterFilter) {
      return outbox.discard(selection(which), await outbox.now(nowMs()));
    },
  });
}

function selection(which: string | DeadLetterFilter): { ids: string[] } | EntryFilter {
  return typeof which === "string" ? { ids: [which] } : entryFilter(which);
}

function entryFilter(filter: DeadLetterFilter): EntryFilter {
  // A misspelt field would mean all of them.
  assertKnownKeys("a filter of deadLetters", filter, ["source", "reason", "createdAfter", "createdBefore"]);
  const { source, reason, createdAfter, createdBefore } = filter;
  for (const date of [createdAfter, createdBefore]) {
    if (date !== undefined && !(date instanceof Date && Number.isFinite(date.getTime()))) {
      throw invalidOption("createdAfter and createdBefore", "a Date", date);
    }
  }
  return {
    state: "dead",
    source,
    reason,
    createdAfterMs: createdAfter?.getTime(),
    createdBeforeMs: createdBefore?.getTime(),
  };
}

function deadLetterOf({
  id,
  source,
  externalEventId,
  payload,
  error,
  attempts,
  createdAtMs,
  finishedAtMs,
}: Entry): DeadLetterEntry {
  return {
    id,
    source,
    externalEventId,
    record: JSON.parse(payload),
    reason: error ?? { reason: "unknown" },
    attempts,
    createdAt: new Date(createdAtMs).toISOString(),
    diedAt: finishedAtMs === null ? undefined : new Date(finishedAtMs).toISOString(),
  };
}
