import type { LaneState } from "./lane.js";

/** States of an entry. Only `pending` is worked on; `dead` waits for a person; the others are done. */
export type EntryState = "pending" | "delivered" | "unmatched" | "dead" | "discarded";

/** One provider object that an entry or a link speaks of, as `type:id`, such as `invoice:in_123`. */
export type Reference = string;

/**
 * No schedule puts anything off for longer: what seems due or leased later was stamped by a clock that was wrong. What
 * seems to be put later than this, a clock stamped that is wrong now, as one is that begins at 1970: an age by it would be
 * years once it is right.
 */
export const MAX_AHEAD_MS = 8 * 24 * 3_600_000;

/** By how much an entry may seem to be put later than now: a claim may wait for its turn while others put. */
export const MIN_AHEAD_MS = 5_000;

/** Whether the first referral that is known of this object stays: a customer is not handed on to the next affiliate. */
export function keepsFirstReferral(reference: Reference): boolean {
  return /^(customer|confirmed):/.test(reference);
}

/** Whether a link relates it to others: customers and subscriptions have many sales, which have nothing in common. */
export function isRelating(reference: Reference): boolean {
  return !/^(customer|confirmed|subscription):/.test(reference);
}

/** Something to deliver, before the store has it. */
export interface NewEntry {
  /** What `payload` is. */
  readonly kind: "event" | "refund";
  /** The adapter's name. */
  readonly source: string;
  /** Unique with `kind`. */
  readonly externalEventId: string;
  /** The sale, trial or refund itself; unique with `kind` and `source` where there is one. */
  readonly businessKey: string | null;
  /** What must be equal in two webhooks of one fact, such as amount and currency; differing ones are a conflict. */
  readonly fingerprint: string;
  /** The relay event or refund as JSON. */
  readonly payload: string;
  /** The provider's objects that it speaks of: links and refunds find it by them. */
  readonly references: readonly Reference[];
  /** Whether it is an event that names no referral: a link that comes later may still give it one. */
  readonly awaitsReferral: boolean;
}

/** These objects belong together and, where it is known, to this referral. */
export interface NewLink {
  /** The adapter's name; objects of another source are others. */
  readonly source: string;
  /** The referral; null where only the objects belong together. */
  readonly referralId: string | null;
  /** The objects. */
  readonly references: readonly Reference[];
}

/** What one webhook brings. It is kept whole or not at all. */
export interface Batch {
  /** What is to be delivered. */
  readonly entries: readonly NewEntry[];
  /** What is to be remembered. */
  readonly links: readonly NewLink[];
}

/** What became of one new entry. `conflict` is a duplicate whose fingerprint differs: the first one stays. */
export interface PutResult {
  /** Whether it is new. */
  readonly status: "queued" | "duplicate" | "conflict";
  /** The entry that is kept: the new one, or the one that was there. */
  readonly id: string;
}

/** Why an entry is not delivered, as far as it is known. Texts are cut to a length that fits a row. */
export interface EntryError {
  /** Our word: `rejected`, `quarantined`, `too_old`, `timeout`, … */
  readonly reason: string;
  /** HTTP status of the endpoint's answer. */
  readonly status?: number | undefined;
  /** The endpoint's code; where it did not answer, the system's, such as `ECONNREFUSED`. */
  readonly code?: string | undefined;
  /** The endpoint's message, or ours where it gave none. */
  readonly message?: string | undefined;
  /** Which field the endpoint refused. */
  readonly field?: string | undefined;
  /** What else the endpoint said. */
  readonly details?: readonly unknown[] | undefined;
}

/** What is kept of an entry that took its workers down with it. */
export const QUARANTINED: EntryError = {
  reason: "quarantined",
  message: "each process that worked on it ended before it was done: see what its payload does to it",
};

/** An entry as it is kept. */
export interface Entry extends NewEntry {
  /** The store's own id of it. */
  readonly id: string;
  /** Where it stands. */
  readonly state: EntryState;
  /** When it was put. */
  readonly createdAtMs: number;
  /** When it may be claimed; of no meaning once it is done. */
  readonly dueAtMs: number;
  /** When it was done; null while it is pending. */
  readonly finishedAtMs: number | null;
  /** Attempts that failed and count; a 429 or a paused lane costs none. */
  readonly attempts: number;
  /** Id of the conversion at the endpoint, once it was delivered. */
  readonly conversionId: string | null;
  /** The latest failure. */
  readonly error: EntryError | null;
}

/** An entry that one worker may work on until its lease ends. */
export interface ClaimedEntry extends Entry {
  /** The fencing token: whoever settles with an older one is too late, and changes nothing. */
  readonly lease: string;
  /** How often it was claimed since it was last settled, this time included. */
  readonly starts: number;
}

/** What a worker asks for. */
export interface ClaimRequest {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** How long the claimed entries are this worker's alone. */
  readonly leaseMs: number;
  /** How many entries at most. */
  readonly max: number;
  /** Entries that were claimed this often and never settled kill their worker: they become `dead`, `quarantined`. */
  readonly maxStarts: number;
  /** Decides, in the claim's own transaction, how many of the due entries may go, and what the lane is then. */
  readonly admit: (lane: LaneState, available: number) => { readonly count: number; readonly lane: LaneState };
}

/** What a worker gets. */
export interface Claim {
  /** What is to be delivered now. */
  readonly entries: readonly ClaimedEntry[];
  /** Entries that became dead by `maxStarts` in this claim. */
  readonly quarantined: readonly Entry[];
  /** The lane after this claim. */
  readonly lane: LaneState;
  /** When the next pending entry is due or its lease ends; null where there is none. May lie in the past. */
  readonly nextDueAtMs: number | null;
}

/** What a worker says of an entry when it is through with it. */
export interface Settlement {
  /** What it is from now on; `pending` is for another try. */
  readonly state: Exclude<EntryState, "discarded">;
  /** For `pending`: when to look at it again. */
  readonly dueAtMs?: number | undefined;
  /** For `pending`: it waits for something else (its link, its sale), and `wake` may end that. @default false */
  readonly held?: boolean | undefined;
  /** Whether this was an attempt that failed and counts. @default false */
  readonly countsAttempt?: boolean | undefined;
  /** Undefined leaves what is known. */
  readonly conversionId?: string | null | undefined;
  /** Undefined leaves what is known. */
  readonly error?: EntryError | null | undefined;
  /** Held entries that speak of any of these are due at once, and unmatched refunds begin anew. */
  readonly wake?: readonly Reference[] | undefined;
  /** What the endpoint has confirmed with it: kept as a link that was put, in the same transaction. */
  readonly link?: NewLink | undefined;
}

/** Which entries a person means. All fields that are given must fit; times are from `createdAfterMs` on, before the other. */
export interface EntryFilter {
  /** Where they stand. */
  readonly state?: EntryState | undefined;
  /** The adapter's name. */
  readonly source?: string | undefined;
  /** The `reason` of their error. */
  readonly reason?: string | undefined;
  /** Those that were put then or later. */
  readonly createdAfterMs?: number | undefined;
  /** Those that were put earlier. */
  readonly createdBeforeMs?: number | undefined;
}

/** Numbers that cost the same whatever the backlog. */
export interface OutboxStats {
  /** How many entries stand where. */
  readonly counts: Readonly<Record<EntryState, number>>;
  /** When the oldest pending entry was put; null where there is none. */
  readonly oldestPendingAtMs: number | null;
  /** Duplicates whose fingerprint differed. */
  readonly conflicts: number;
  /** How the way to the endpoint stands. */
  readonly lane: LaneState;
}

/** Retries, the rate limit, attribution and dead letters: all that goes on behind a store. Only a relay looks into it. */
export interface OutboxEngine {
  /** Called by the relay that the store is given to. */
  readonly createSink: unknown;
}

/**
 * Where webhooks are kept until the endpoint has them: the contract of all stores, judged by one contract suite.
 *
 * Each method is one transaction. What it resolves with is committed. A method that rejects has changed nothing, except
 * that a commit whose outcome is unknown may have happened: putting or settling again is always safe. Those over any number
 * of entries (`wakeRetries`, `replay`, `discard`, `prune`) go in steps that hold nobody up, each one a transaction; after a
 * rejection, calling them again does the rest. Functions that are passed in may be called again for another try.
 */
export interface Outbox {
  /**
   * What works the store off: always `outboxEngine`. It comes with the store, so that a relay without one, on an edge
   * runtime say, carries none of it.
   */
  readonly engine: OutboxEngine;
  /** Whether what is committed survives the process and a power cut. */
  readonly durable: boolean;
  /** Whether several processes may work on it at once. */
  readonly sharedAcrossProcesses: boolean;

  /** Opens the store and brings its tables up to date. Idempotent; the other methods call it where it was not. */
  open(): Promise<void>;
  /**
   * Finishes what was asked for and lets go of the store. Idempotent; `open` may follow. What is asked until then is
   * answered, and leaves nothing open behind it.
   */
  close(): Promise<void>;
  /** The time by the store's clock where it has one, else the caller's, in milliseconds since 1970. */
  now(localNowMs: number): number | Promise<number>;

  /**
   * Keeps what a webhook brings: its links, then its entries, first wins. A referral that is known is overwritten by no
   * empty one; a customer's first referral stays. Held entries that a new link speaks of are due at once, and so are, as
   * new, unmatched events that had no referral, if the link tells a referral of one of their references, other than the
   * customer, that was not known before. Of refunds, and of events that await a referral, the same is true while they are
   * claimed, once they are settled as held or unmatched.
   *
   * @throws RelayError `outbox_unavailable` when it can't be committed, `outbox_full` above the backlog's limit, or on a disk
   * that is nearly full; what is no news (duplicates, links) is taken even then.
   */
  put(batch: Batch, nowMs: number): Promise<readonly PutResult[]>;

  /**
   * Leases entries that are due, oldest due first. Those that nobody has leased and that seem to be put later than `nowMs`,
   * by more than {@link MIN_AHEAD_MS} and not more than {@link MAX_AHEAD_MS}, were put while the clock was ahead: they are
   * taken for put now, and are due.
   */
  claim(request: ClaimRequest): Promise<Claim>;
  /**
   * Records what became of a claimed entry and, in the same transaction, what that means for the lane.
   *
   * @returns The lane before and after; null when the lease was lost, and nothing has changed.
   */
  settle(
    entry: Pick<ClaimedEntry, "id" | "lease">,
    settlement: Settlement,
    nowMs: number,
    lane: (lane: LaneState) => LaneState,
  ): Promise<{ readonly before: LaneState; readonly after: LaneState } | null>;
  /** Gives entries back that were not started on: due at once, their `starts` uncounted. */
  release(entries: readonly Pick<ClaimedEntry, "id" | "lease">[], nowMs: number): Promise<void>;
  /** Makes all entries that wait for a retry (not those held) due at once: the endpoint is back. */
  wakeRetries(nowMs: number): Promise<void>;

  /** The referral of each of these references that has one. */
  referralsOf(source: string, references: readonly Reference[]): Promise<ReadonlyMap<Reference, string>>;
  /** References that a link named together with any of these, without those asked for; see {@link isRelating}. */
  relatedTo(source: string, references: readonly Reference[]): Promise<readonly Reference[]>;
  /** The event with this business key, or with any of these references; the oldest of several. Sales are never forgotten. */
  findEvent(
    source: string,
    by: { readonly businessKey: string } | { readonly references: readonly Reference[] },
  ): Promise<Entry | null>;

  /** Entries that fit, newest first. `after` is the last id of the page before. */
  list(
    filter: EntryFilter,
    page: { readonly limit: number; readonly after?: string | undefined },
  ): Promise<readonly Entry[]>;
  /** Makes dead or unmatched entries pending again, as new: also their age begins again. Answers how many. */
  replay(which: { readonly ids: readonly string[] } | EntryFilter, nowMs: number): Promise<number>;
  /** Gives dead entries up for good. Answers how many. */
  discard(which: { readonly ids: readonly string[] } | EntryFilter, nowMs: number): Promise<number>;
  /**
   * Forgets what is done for longer than `olderThanMs`: it is neither listed nor counted any more. Duplicates are still
   * known, and `findEvent` still finds delivered events that have a conversion id, for their refunds: with their references,
   * and of their payload with `sale` and `paid` alone. Answers how many.
   */
  prune(olderThanMs: number, nowMs: number): Promise<number>;
  /** How the store stands. */
  stats(): Promise<OutboxStats>;
}
