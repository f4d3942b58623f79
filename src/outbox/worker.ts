import type { LimitedClient } from "../endpoint/limited-client.js";
import type { Outcome } from "../endpoint/outcome.js";
import { type Pace, paceOf, type RateLimit } from "../endpoint/rate-limit.js";
import type { RetryPolicy } from "../endpoint/retry.js";
import { causeFields, type Logger } from "../logger.js";
import { settlementOfProbe } from "./decide.js";
import type { AttemptedEntry, AttemptResult, Delivery } from "./delivery.js";
import { admit, afterOutcome, type LaneState, reopensAtMs, triesSinceMs, withoutRequest } from "./lane.js";
import type { Claim, ClaimedEntry, Entry, Outbox, Settlement } from "./outbox.js";

/** Timers, so that a test may let days pass. */
export interface Timers {
  /** Runs `callback` once after `ms`; the answer cancels it. */
  after(ms: number, callback: () => void): () => void;
}

const REAL_TIMERS: Timers = {
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(ms, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
};

/** What is told of an entry once its settlement is committed. */
export interface WorkerEvents {
  settled(entry: Entry, settlement: Settlement, duplicate: boolean): Promise<void>;
  paused(lane: NonNullable<LaneState["paused"]>): Promise<void>;
  resumed(): Promise<void>;
}

export interface WorkerOptions {
  readonly outbox: Outbox;
  readonly client: LimitedClient;
  readonly delivery: Delivery;
  readonly events: WorkerEvents;
  readonly logger: Logger;
  readonly clock: () => number;
  readonly random: () => number;
  readonly rateLimit: RateLimit;
  readonly retry: RetryPolicy;
  /** How many requests are under way at once. */
  readonly concurrency: number;
  /** How long an entry is ours; longer than any attempt takes. */
  readonly leaseMs: number;
  /** How often to look for entries that other processes put there. */
  readonly pollMs: number;
  readonly timers?: Timers | undefined;
}

/** An entry that was claimed this often and never settled takes its process down with it. */
const MAX_STARTS = 5;
/** How often it may have been before it goes alone. */
const STARTS_TO_SUSPECT = 2;
/** How long stopping waits for the app's hooks. */
const HOOK_GRACE_MS = 5_000;
/** How long to leave a store alone that does not answer. */
const STORE_PAUSE_MS = 1_000;

/** Delivers what the outbox holds, as fast as the lane allows. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #timers: Timers;
  readonly #underWay = new Set<Promise<void>>();
  readonly #telling = new Set<Promise<void>>();
  readonly #controllers = new Set<AbortController>();
  /** Stopped, and the time for what was under way is over. */
  #isCut = false;
  #running = false;
  #loop: Promise<void> = Promise.resolve();
  #wake: () => void = () => {};
  #woken = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#timers = options.timers ?? REAL_TIMERS;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#isCut = false;
    this.#loop = this.#loop.then(() => this.#run());
  }

  /** Claims no more, waits for what is under way, and aborts what is not done by then. */
  async stop(timeoutMs: number): Promise<void> {
    this.#running = false;
    this.wake();
    const endsAtMs = this.#options.clock() + timeoutMs;
    const cancel = this.#timers.after(timeoutMs, () => this.#cut());
    await this.#loop;
    await Promise.allSettled(this.#underWay);
    cancel();
    await this.#told(Math.max(endsAtMs - this.#options.clock(), 0));
  }

  /** Hooks are the app's: one that hangs holds nothing up but this, and this not for long. */
  async #told(timeoutMs: number): Promise<void> {
    let cancel = () => {};
    const late = new Promise<void>((resolve) => {
      cancel = this.#timers.after(Math.min(timeoutMs, HOOK_GRACE_MS), resolve);
    });
    await Promise.race([Promise.allSettled(this.#telling), late]);
    cancel();
  }

  /** Something new may be due. */
  wake(): void {
    this.#woken = true;
    this.#wake();
  }

  async #run(): Promise<void> {
    while (this.#running) {
      this.#woken = false;
      const waitMs = await this.#round().catch((error) => this.#storeFailed(error));
      if (waitMs > 0) await this.#sleep(waitMs);
    }
  }

  /** Claims what there is room for. Answers how long to wait before the next round. */
  async #round(): Promise<number> {
    const { outbox, clock, concurrency, leaseMs, pollMs } = this.#options;
    const room = concurrency - this.#underWay.size;
    // A request that ends wakes us.
    if (room <= 0) return pollMs;
    const nowMs = await outbox.now(clock());
    const storeIsAheadMs = nowMs - clock();
    const claim = await outbox.claim({
      nowMs,
      leaseMs,
      max: room,
      maxStarts: MAX_STARTS,
      // By the clock as it is under the store's lock: a time from before the wait for it would turn the pace back.
      admit: (lane, available) => admit(lane, available, clock() + storeIsAheadMs, this.#pace(lane)),
    });
    for (const entry of claim.quarantined)
      this.#tell(() => this.#settled(entry, { state: "dead", error: entry.error }));
    await this.#beginAll(claim);
    if (claim.entries.length === room) return 0;
    if (claim.nextDueAtMs === null) return pollMs;
    const reopens = reopensAtMs(claim.lane, nowMs, this.#pace(claim.lane)) ?? 0;
    return Math.min(Math.max(claim.nextDueAtMs - nowMs, Math.ceil(reopens - nowMs), 1), pollMs);
  }

  #pace(lane: LaneState): Pace {
    const { perMinute, perSecond } = this.#options.rateLimit;
    return paceOf({ perMinute: Math.min(perMinute, lane.limitPerMinute ?? perMinute), perSecond });
  }

  /**
   * An entry that was started before and never settled may be what ended its process. It goes alone, so that no neighbour
   * is blamed with it.
   */
  async #beginAll({ entries, lane }: Claim): Promise<void> {
    const suspect = entries.find(({ starts }) => starts > STARTS_TO_SUSPECT);
    if (suspect === undefined) {
      for (const entry of entries) this.#begin(entry, lane);
      return;
    }
    const others = entries.filter((entry) => entry !== suspect);
    if (others.length > 0) await this.#giveBack(others);
    const claimedAtMs = this.#options.clock();
    await Promise.allSettled(this.#underWay);
    // What is left of the lease must be enough for an attempt.
    if (Math.abs(this.#options.clock() - claimedAtMs) > this.#options.leaseMs / 4 || !this.#running) {
      return this.#giveBack([suspect]);
    }
    this.#begin(suspect, lane);
    await Promise.allSettled(this.#underWay);
  }

  #begin(entry: ClaimedEntry, lane: LaneState): void {
    const task = this.#work(entry, lane).finally(() => {
      this.#underWay.delete(task);
      this.wake();
    });
    this.#underWay.add(task);
  }

  async #work(entry: ClaimedEntry, lane: LaneState): Promise<void> {
    try {
      const attempt = await this.#attempt({ ...entry, triesSinceMs: triesSinceMs(lane) });
      const { outcome, payload = entry.payload } = attempt;
      // Stopped in the middle: whether it arrived is unknown, so somebody sends it again, and the endpoint knows its id.
      const isCut = this.#isCut && (outcome === undefined || outcome.kind === "failed");
      if (isCut) return await this.#giveBack([entry]);
      const { clock, outbox } = this.#options;
      const nowMs = await outbox.now(clock());
      const settlement =
        lane.paused === undefined
          ? attempt.settlement
          : settlementOfProbe(attempt.settlement, outcome, lane.paused.reason, nowMs);
      const settled = await this.#settle(entry, settlement, nowMs, outcome);
      // Our lease had ended: another worker has the entry, and tells of it. If it came to another end than ours, sending it
      // again puts that right: the endpoint answers with what it did the first time.
      if (settled === null)
        return void (outcome?.kind === "delivered" && (await outbox.replay({ ids: [entry.id] }, nowMs)));
      const isDuplicate = outcome?.kind === "delivered" && outcome.duplicate;
      await this.#laneChanged(settled).finally(() => {
        this.#tell(() => this.#settled({ ...entry, payload }, settlement, isDuplicate));
      });
    } catch (error) {
      // The lease ends, and the entry is tried again.
      this.#storeFailed(error, entry);
    }
  }

  /** With a signal of its own: one that all attempts listened to would warn of its many listeners. */
  async #attempt(entry: AttemptedEntry): Promise<AttemptResult> {
    const controller = new AbortController();
    if (this.#isCut) controller.abort();
    this.#controllers.add(controller);
    try {
      return await this.#options.delivery.attempt(entry, controller.signal);
    } finally {
      this.#controllers.delete(controller);
    }
  }

  #cut(): void {
    this.#isCut = true;
    for (const controller of this.#controllers) controller.abort();
  }

  /** What the endpoint said must not be lost with one commit that fails: it is tried for as long as the lease lasts. */
  async #settle(entry: ClaimedEntry, settlement: Settlement, nowMs: number, outcome: Outcome | undefined) {
    const { outbox, client, clock, leaseMs } = this.#options;
    const endsAtMs = clock() + leaseMs / 2;
    for (let mayBeDone = false; ; mayBeDone = true) {
      try {
        const settled = await outbox.settle(entry, settlement, nowMs, (lane) => {
          const limited = { ...lane, limitPerMinute: client.limitPerMinute ?? lane.limitPerMinute };
          if (outcome === undefined) return withoutRequest(limited, nowMs, this.#pace(limited));
          return afterOutcome(limited, outcome, nowMs);
        });
        // No lease after a try whose end is unknown: that try has ended it, and what it did to the lane we can't know.
        if (settled === null && mayBeDone) await outbox.wakeRetries(nowMs);
        return settled === null && mayBeDone ? { before: {}, after: {} } : settled;
      } catch (error) {
        if (clock() >= endsAtMs || this.#isCut) throw error;
        await new Promise<void>((resolve) => this.#timers.after(STORE_PAUSE_MS, resolve));
      }
    }
  }

  async #laneChanged({ before, after }: { readonly before: LaneState; readonly after: LaneState }): Promise<void> {
    const { events, outbox, clock } = this.#options;
    const { paused } = after;
    // Told anew where the reason is another: what a person has to do is another, too.
    if (paused !== undefined && paused.reason !== before.paused?.reason) this.#tell(() => events.paused(paused));
    if (before.paused === undefined || paused !== undefined) return;
    await outbox.wakeRetries(await outbox.now(clock()));
    this.#tell(() => events.resumed());
  }

  /** Beside the work, never in its way. */
  #tell(tell: () => Promise<void>): void {
    const telling = tell()
      .catch((error) => void this.#storeFailed(error))
      .finally(() => this.#telling.delete(telling));
    this.#telling.add(telling);
  }

  #settled(entry: Entry, settlement: Settlement, isDuplicate = false): Promise<void> {
    return this.#options.events.settled(entry, settlement, isDuplicate);
  }

  async #giveBack(entries: readonly ClaimedEntry[]): Promise<void> {
    const { outbox, clock } = this.#options;
    await outbox.release(entries, await outbox.now(clock()));
  }

  #storeFailed(error: unknown, entry?: Entry): number {
    const fields = { externalEventId: entry?.externalEventId, ...causeFields(error) };
    this.#options.logger.error(fields, "the outbox failed; what it holds is safe and is tried again");
    return STORE_PAUSE_MS;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        this.#wake = () => {};
        resolve();
      };
      const cancel = this.#timers.after(ms, end);
      this.#wake = end;
      // What happened while we were claiming counts too.
      if (this.#woken || !this.#running) end();
    });
  }
}
