import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LaneState } from "../../src/outbox/lane.js";
import { memoryOutbox } from "../../src/outbox/memory.js";
import { type EntryState, MAX_AHEAD_MS, MIN_AHEAD_MS, type NewEntry, type Outbox } from "../../src/outbox/outbox.js";
import {
  claim,
  claimOne,
  DAY,
  done,
  idsOf,
  link,
  MINUTE,
  NOW,
  put,
  putLink,
  refund,
  sale,
  settle,
} from "../helpers/outbox/entries.js";
import { commands, runCommands } from "../helpers/outbox/random-commands.js";

export interface OutboxUnderTest {
  readonly outbox: Outbox;
  /** A new outbox over what the first one has kept, where it keeps anything. */
  reopen?(): Promise<Outbox>;
}

export interface OutboxMaker {
  make(options?: { readonly maxBacklog?: number }): Promise<OutboxUnderTest>;
}

/** What every store does: the contract of `src/outbox/outbox.ts`, sentence by sentence. */
export function describeOutbox(name: string, { make }: OutboxMaker): void {
  let outbox: Outbox;
  let made: Outbox[] = [];

  async function fresh(options?: { readonly maxBacklog?: number }): Promise<OutboxUnderTest> {
    const under = await make(options);
    made.push(under.outbox);
    return under;
  }

  beforeEach(async () => {
    ({ outbox } = await fresh());
  });

  afterEach(async () => {
    for (const one of made) await one.close();
    made = [];
  });

  const listed = async (filter = {}) => outbox.list(filter, { limit: 1_000 });
  const entryOf = async (id: string) => (await listed()).find((entry) => entry.id === id);
  const stateOf = async (id: string) => (await entryOf(id))?.state;

  describe(`${name}: putting`, () => {
    it("keeps an entry whole, pending and due at once", async () => {
      const { status, id } = await put(outbox, sale(1));
      expect(status).toBe("queued");
      expect(await listed()).toEqual([
        {
          ...sale(1),
          ...{ id, state: "pending", createdAtMs: NOW, dueAtMs: NOW, finishedAtMs: null, attempts: 0 },
          ...{ conversionId: null, error: null },
        },
      ]);
    });

    it("answers in the order of the batch, and gives later entries greater ids", async () => {
      const entries = [sale(1), sale(2), sale(3)];
      const results = await outbox.put({ entries, links: [] }, NOW);
      const ids = results.map(({ id }) => id);
      expect([...ids].sort()).toEqual(ids);
      expect(idsOf((await listed()).toReversed())).toEqual(["evt_1", "evt_2", "evt_3"]);
    });

    it("answers nothing for a batch of links alone, or an empty one", async () => {
      expect(await outbox.put({ entries: [], links: [link(["invoice:in_1"], "ref_ada")] }, NOW)).toEqual([]);
      expect(await outbox.put({ entries: [], links: [] }, NOW)).toEqual([]);
    });

    it("keeps texts as they are, whatever characters are in them", async () => {
      const odd = `O'Hare "\\" %_ \u{1F4B8} \u2028 '); DROP TABLE relay_entries; --`;
      const references = [`customer:${odd}`];
      const entry = sale(1, { ...{ externalEventId: odd, businessKey: odd, source: odd }, payload: odd, references });
      const { id } = await put(outbox, entry);
      await putLink(outbox, link(references, odd, odd));
      expect(await entryOf(id)).toMatchObject(entry);
      expect(await outbox.referralsOf(odd, references)).toEqual(new Map([[`customer:${odd}`, odd]]));
      expect(await outbox.findEvent(odd, { businessKey: odd })).toMatchObject({ id });
      expect(await outbox.findEvent(odd, { references })).toMatchObject({ id });
      expect(idsOf(await listed({ source: odd }))).toEqual([odd]);
    });

    it("knows the same webhook again, and changes nothing", async () => {
      const first = await put(outbox, sale(1));
      const again = await put(outbox, sale(1, { payload: "other", references: ["invoice:other"] }), NOW + 5);
      expect(again).toEqual({ status: "duplicate", id: first.id });
      expect(await listed()).toHaveLength(1);
      expect(await entryOf(first.id)).toMatchObject({ payload: sale(1).payload, createdAtMs: NOW });
    });

    it("knows the same sale in another webhook by its business key", async () => {
      const { id } = await put(outbox, sale(1));
      expect(await put(outbox, sale(2, { businessKey: "in_1" }))).toEqual({ status: "duplicate", id });
      expect(await listed()).toHaveLength(1);
    });

    it("does not take entries without a business key for one another", async () => {
      await put(outbox, sale(1, { businessKey: null }));
      expect(await put(outbox, sale(2, { businessKey: null }))).toMatchObject({ status: "queued" });
    });

    it("tells apart business keys of other sources and of refunds, and external ids of refunds", async () => {
      await put(outbox, sale(1));
      expect(await put(outbox, sale(2, { businessKey: "in_1", source: "paddle" }))).toMatchObject({ status: "queued" });
      const sameKeys = refund(1, { externalEventId: "evt_1", businessKey: "in_1" });
      expect(await put(outbox, sameKeys)).toMatchObject({ status: "queued" });
    });

    it("knows an external id again whatever its source", async () => {
      const { id } = await put(outbox, sale(1));
      expect(await put(outbox, sale(1, { source: "paddle" }))).toEqual({ status: "duplicate", id });
    });

    it.each([
      ["external id", { businessKey: "in_other" }],
      ["business key", { externalEventId: "evt_other" }],
    ])("keeps the first of two amounts with one %s, and counts the conflict once", async (_, other) => {
      const { id } = await put(outbox, sale(1));
      const conflicting = sale(1, { ...other, fingerprint: "3900 USD" });
      expect(await put(outbox, conflicting)).toEqual({ status: "conflict", id });
      expect(await put(outbox, conflicting)).toEqual({ status: "conflict", id });
      expect(await listed()).toHaveLength(1);
      expect((await entryOf(id))?.fingerprint).toBe("2900 USD");
      expect((await outbox.stats()).conflicts).toBe(1);
    });

    it("knows duplicates within one batch", async () => {
      const results = await outbox.put({ entries: [sale(1), sale(2, { businessKey: "in_1" })], links: [] }, NOW);
      expect(results.map(({ status }) => status)).toEqual(["queued", "duplicate"]);
      expect(new Set(results.map(({ id }) => id)).size).toBe(1);
    });

    it("makes one row and one effect of 200 copies that come at once", async () => {
      const copies = Array.from({ length: 200 }, (_, at) => put(outbox, sale(1, { externalEventId: `evt_${at % 4}` })));
      const results = await Promise.all(copies);
      expect(results.filter(({ status }) => status === "queued")).toHaveLength(1);
      expect(new Set(results.map(({ id }) => id)).size).toBe(1);
      expect((await claim(outbox)).entries).toHaveLength(1);
    });

    it("refuses what is new above the backlog's limit, and takes duplicates, links and, later, the rest", async () => {
      ({ outbox } = await fresh({ maxBacklog: 2 }));
      await outbox.put({ entries: [sale(1), sale(2)], links: [] }, NOW);
      const batch = { entries: [sale(1), sale(3)], links: [link(["invoice:in_3"], "ref_ada")] };
      await expect(outbox.put(batch, NOW)).rejects.toMatchObject({ code: "outbox_full", status: 503, retryable: true });
      expect(await outbox.referralsOf("stripe", ["invoice:in_3"])).toEqual(new Map());
      expect(await put(outbox, sale(2))).toMatchObject({ status: "duplicate" });
      await putLink(outbox, link(["invoice:in_9"], "ref_ada"));

      const { entries } = await claim(outbox);
      for (const entry of entries) await settle(outbox, entry, { state: "delivered" });
      expect((await outbox.put(batch, NOW)).map(({ status }) => status)).toEqual(["duplicate", "queued"]);
      expect(await outbox.referralsOf("stripe", ["invoice:in_3"])).toEqual(new Map([["invoice:in_3", "ref_ada"]]));
    });
  });

  describe(`${name}: claiming`, () => {
    it("gives the oldest due first, and the first put of those due at once", async () => {
      await put(outbox, sale(1), NOW + 2);
      await put(outbox, sale(2), NOW + 1);
      await put(outbox, sale(3), NOW + 1);
      const first = await claim(outbox, NOW + 2, { max: 2 });
      expect(idsOf(first.entries)).toEqual(["evt_2", "evt_3"]);
      expect(idsOf((await claim(outbox, NOW + 2)).entries)).toEqual(["evt_1"]);
    });

    it("gives the whole entry with a lease", async () => {
      const { id } = await put(outbox, sale(1));
      const entry = await claimOne(outbox);
      expect(entry).toEqual({ ...(await entryOf(id)), lease: expect.any(String), starts: 1 });
      expect(entry).toMatchObject(sale(1));
    });

    it("gives nothing that is not due yet, and says when it will be", async () => {
      await done(outbox, sale(1), { state: "pending", dueAtMs: NOW + 10 });
      expect(await claim(outbox, NOW + 9)).toMatchObject({ entries: [], nextDueAtMs: NOW + 10 });
      expect((await claim(outbox, NOW + 10)).entries).toHaveLength(1);
    });

    it("names the end of the lease as the next due time, and null when nothing is pending", async () => {
      expect((await claim(outbox)).nextDueAtMs).toBeNull();
      await put(outbox, sale(1));
      expect((await claim(outbox)).nextDueAtMs).toBe(NOW + MINUTE);
      await done(outbox, sale(2), { state: "pending", dueAtMs: NOW + 5 });
      const { entries } = await claim(outbox, NOW + 4);
      expect(entries).toEqual([]);
      expect((await claim(outbox, NOW + 4)).nextDueAtMs).toBe(NOW + 5);
    });

    it("may name a next due time in the past, when not all that is due may go", async () => {
      await outbox.put({ entries: [sale(1), sale(2)], links: [] }, NOW);
      expect((await claim(outbox, NOW + 7, { max: 1 })).nextDueAtMs).toBe(NOW);
    });

    it("gives an entry to one claimer only until its lease ends, and then again, in its old place", async () => {
      await put(outbox, sale(1));
      const claims = await Promise.all([claim(outbox), claim(outbox), claim(outbox)]);
      expect(claims.flatMap(({ entries }) => entries)).toHaveLength(1);
      await put(outbox, sale(2), NOW + 5);
      expect(idsOf((await claim(outbox, NOW + MINUTE - 1, { max: 1 })).entries)).toEqual(["evt_2"]);
      expect(idsOf((await claim(outbox, NOW + MINUTE, { max: 1 })).entries)).toEqual(["evt_1"]);
    });

    it("asks admit once with the lane and how many could go, and lets go what it says", async () => {
      await outbox.put({ entries: [sale(1), sale(2), sale(3)], links: [] }, NOW);
      const asked: [LaneState, number][] = [];
      const admit = (lane: LaneState, available: number) => {
        asked.push([lane, available]);
        return { count: 1, lane: { arrivalMs: NOW + 5 } };
      };
      const first = await claim(outbox, NOW, { max: 2, admit });
      expect(idsOf(first.entries)).toEqual(["evt_1"]);
      expect(first.lane).toEqual({ arrivalMs: NOW + 5 });
      await claim(outbox, NOW, { admit });
      expect(asked).toEqual([
        [{}, 2],
        [{ arrivalMs: NOW + 5 }, 2],
      ]);
      expect((await outbox.stats()).lane).toEqual({ arrivalMs: NOW + 5 });
    });

    it("asks admit also when nothing is due, and lets go no more than there is", async () => {
      const available: number[] = [];
      const admit = (lane: LaneState, count: number) => {
        available.push(count);
        return { count: count + 10, lane };
      };
      expect((await claim(outbox, NOW, { admit })).entries).toEqual([]);
      await put(outbox, sale(1));
      expect((await claim(outbox, NOW, { admit })).entries).toHaveLength(1);
      expect(available).toEqual([0, 1]);
      expect((await claim(outbox, NOW, { admit: (lane) => ({ count: -1, lane }) })).entries).toEqual([]);
    });

    it("changes nothing when admit throws", async () => {
      await put(outbox, sale(1));
      const admit = () => {
        throw new Error("no");
      };
      await expect(claim(outbox, NOW, { admit })).rejects.toThrow();
      expect(await claim(outbox)).toMatchObject({ entries: [{ externalEventId: "evt_1" }], lane: {} });
    });

    it("quarantines what was claimed maxStarts times and never settled, and lets the others flow", async () => {
      const { id } = await put(outbox, sale("poison"));
      let nowMs = NOW;
      for (let start = 0; start < 3; start++) {
        expect(idsOf((await claim(outbox, nowMs, { maxStarts: 3 })).entries)).toEqual(["evt_poison"]);
        nowMs += MINUTE;
      }
      await put(outbox, sale(1), nowMs);
      const last = await claim(outbox, nowMs, { maxStarts: 3 });
      expect(idsOf(last.entries)).toEqual(["evt_1"]);
      expect(last.quarantined).toEqual([await entryOf(id)]);
      expect(last.quarantined).toMatchObject([
        { state: "dead", error: { reason: "quarantined" }, finishedAtMs: nowMs },
      ]);
      expect((await claim(outbox, nowMs + DAY, { maxStarts: 3 })).quarantined).toEqual([]);
    });

    it("leaves what is leased alone, however often it was started", async () => {
      await put(outbox, sale(1));
      const entry = await claimOne(outbox);
      expect(await claim(outbox, NOW + 1, { maxStarts: 1 })).toMatchObject({ entries: [], quarantined: [] });
      expect(await settle(outbox, entry, { state: "delivered" })).not.toBeNull();
    });

    it("begins to count starts anew when an entry was settled", async () => {
      await put(outbox, sale(1));
      for (let round = 0; round < 6; round++) {
        const { entries } = await claim(outbox, NOW, { maxStarts: 2 });
        const [entry] = entries;
        if (entry === undefined) expect.fail("quarantined");
        await settle(outbox, entry, { state: "pending", dueAtMs: NOW });
      }
    });

    it("does not wait for years for what a wrong clock put off", async () => {
      await done(outbox, sale(2), { state: "pending", dueAtMs: NOW + MAX_AHEAD_MS });
      const { id } = await put(outbox, sale(1), NOW + 10 * 365 * DAY);
      const { entries } = await claim(outbox, NOW);
      expect(entries.map((entry) => [entry.id, entry.dueAtMs])).toEqual([[id, NOW]]);
    });

    it("takes what was put while the clock was ahead for put now, once the clock was set right", async () => {
      await done(outbox, sale("held"), { state: "pending", dueAtMs: NOW + 2 * DAY, held: true }, NOW + DAY);
      await done(outbox, sale("retry"), { state: "pending", dueAtMs: NOW + 2 * DAY }, NOW + DAY);
      await put(outbox, sale("new"), NOW + DAY);
      const { entries } = await claim(outbox, NOW);
      expect(idsOf(entries)).toEqual(["evt_held", "evt_retry", "evt_new"]);
      for (const entry of entries) expect(entry).toMatchObject({ createdAtMs: NOW, dueAtMs: NOW });
      // That it is put off now, a clock says that is right.
      for (const entry of entries) await settle(outbox, entry, { state: "pending", dueAtMs: NOW + 2 * DAY });
      expect(await claim(outbox, NOW + 1)).toMatchObject({ entries: [], nextDueAtMs: NOW + 2 * DAY });
    });

    it("leaves as it is what others put while a claim waited for its turn", async () => {
      const { id } = await put(outbox, sale(1), NOW + MIN_AHEAD_MS);
      expect(await claim(outbox, NOW)).toMatchObject({ entries: [], nextDueAtMs: NOW + MIN_AHEAD_MS });
      expect(await claimOne(outbox, NOW + MIN_AHEAD_MS)).toMatchObject({ id, createdAtMs: NOW + MIN_AHEAD_MS });
    });

    it("leaves to its claimer what was put and claimed while the clock was ahead", async () => {
      const { id } = await put(outbox, sale(1), NOW + DAY);
      const entry = await claimOne(outbox, NOW + DAY);
      expect((await claim(outbox, NOW)).entries).toEqual([]);
      expect(await settle(outbox, entry, { state: "delivered" })).not.toBeNull();
      expect(await stateOf(id)).toBe("delivered");
    });

    it("does not wait for years for the end of a lease that a wrong clock gave", async () => {
      await put(outbox, sale(1));
      const late = await claimOne(outbox, NOW + 10 * 365 * DAY);
      const early = await claimOne(outbox, NOW);
      expect(await settle(outbox, late, { state: "delivered" })).toBeNull();
      expect(await settle(outbox, early, { state: "delivered" })).not.toBeNull();
    });
  });

  describe(`${name}: settling`, () => {
    it.each(["delivered", "unmatched", "dead"] satisfies EntryState[])("ends an entry as %s", async (state) => {
      const { id } = await put(outbox, sale(1, { awaitsReferral: false }));
      const entry = await claimOne(outbox);
      const error = { reason: "rejected", status: 400, code: "VALIDATION_ERROR", field: "a", details: [{ b: 1 }] };
      const settlement = { state, conversionId: "conv_1", error, countsAttempt: true };
      expect(await settle(outbox, entry, settlement, NOW + 9)).toEqual({ before: {}, after: {} });
      const kept = { state, conversionId: "conv_1", error, attempts: 1, finishedAtMs: NOW + 9 };
      expect(await entryOf(id)).toMatchObject(kept);
      expect(await claim(outbox, NOW + DAY)).toMatchObject({ entries: [], nextDueAtMs: null });
    });

    it("puts an entry off until it is due again, and counts the attempts that count", async () => {
      const { id } = await put(outbox, sale(1));
      const retry = {
        state: "pending",
        dueAtMs: NOW + 100,
        countsAttempt: true,
        error: { reason: "timeout" },
      } as const;
      await settle(outbox, await claimOne(outbox), retry);
      expect((await claim(outbox, NOW + 99)).entries).toEqual([]);
      await settle(outbox, await claimOne(outbox, NOW + 100), { state: "pending", dueAtMs: NOW + 200 });
      expect(await entryOf(id)).toMatchObject({ attempts: 1, dueAtMs: NOW + 200, error: { reason: "timeout" } });
    });

    it("leaves a conversion id and an error that it is told nothing of, and forgets them at null", async () => {
      const { id } = await put(outbox, sale(1));
      const known = { state: "pending", conversionId: "conv_1", error: { reason: "timeout" } } as const;
      await settle(outbox, await claimOne(outbox), known);
      await settle(outbox, await claimOne(outbox), { state: "pending" });
      expect(await entryOf(id)).toMatchObject({ conversionId: "conv_1", error: { reason: "timeout" } });
      await settle(outbox, await claimOne(outbox), { state: "delivered", conversionId: null, error: null });
      expect(await entryOf(id)).toMatchObject({ conversionId: null, error: null });
    });

    it("changes the lane in the same transaction, and answers it before and after", async () => {
      await put(outbox, sale(1));
      const entry = await claimOne(outbox);
      const paused = { reason: "unavailable", sinceMs: NOW, nextProbeAtMs: NOW + 1 } as const;
      const answer = await outbox.settle(entry, { state: "pending" }, NOW, (lane) => ({
        ...lane,
        failures: 3,
        paused,
      }));
      expect(answer).toEqual({ before: {}, after: { failures: 3, paused } });
      expect((await claim(outbox)).lane).toEqual({ failures: 3, paused });
      expect((await outbox.stats()).lane).toEqual({ failures: 3, paused });
    });

    it("forgets fields of the lane that are undefined", async () => {
      await put(outbox, sale(1));
      const entry = await claimOne(outbox);
      await outbox.settle(entry, { state: "delivered" }, NOW, () => ({ failures: 0, paused: undefined }));
      expect(Object.keys((await outbox.stats()).lane)).toEqual(["failures"]);
    });

    it("changes nothing when the lane's function throws", async () => {
      const { id } = await put(outbox, sale(1));
      const entry = await claimOne(outbox);
      const broken = outbox.settle(entry, { state: "delivered" }, NOW, () => {
        throw new Error("no");
      });
      await expect(broken).rejects.toThrow();
      expect(await stateOf(id)).toBe("pending");
      expect(await settle(outbox, entry, { state: "delivered" })).not.toBeNull();
    });

    it("lets one who is too late change nothing: neither entry, nor lane, nor others", async () => {
      const { id } = await put(outbox, sale(1));
      await done(outbox, refund(1), { state: "pending", dueAtMs: NOW + DAY, held: true }, NOW - 1);
      const late = await claimOne(outbox);
      const next = await claimOne(outbox, NOW + MINUTE);
      const settlement = { state: "dead", wake: ["payment:pi_1"] } as const;
      expect(await outbox.settle(late, settlement, NOW, () => ({ failures: 9 }))).toBeNull();
      await outbox.release([late], NOW);
      expect(await stateOf(id)).toBe("pending");
      expect(await claim(outbox, NOW + MINUTE)).toMatchObject({ entries: [], lane: {} });
      expect(await settle(outbox, next, { state: "delivered" })).not.toBeNull();
      expect(await stateOf(id)).toBe("delivered");
    });

    it("takes a settlement once", async () => {
      const { id } = await put(outbox, sale(1));
      const entry = await claimOne(outbox);
      await settle(outbox, entry, { state: "pending", dueAtMs: NOW + 5 });
      expect(await settle(outbox, entry, { state: "delivered" })).toBeNull();
      expect(await stateOf(id)).toBe("pending");
    });

    it.each([
      ["an id that no row has", { id: "9".repeat(16) }],
      ["an id that is none", { id: "1 OR 1=1" }],
      ["another lease", { lease: "x" }],
    ])("takes %s for a lost lease", async (_, wrong) => {
      await put(outbox, sale(1));
      const entry = await claimOne(outbox);
      expect(await settle(outbox, { ...entry, ...wrong }, { state: "delivered" })).toBeNull();
      expect((await outbox.stats()).counts.pending).toBe(1);
    });

    it("takes the settlement of a lease that has ended while nobody else has the entry", async () => {
      const { id } = await put(outbox, sale(1));
      const entry = await claimOne(outbox);
      expect(await settle(outbox, entry, { state: "delivered" }, NOW + DAY)).not.toBeNull();
      expect(await stateOf(id)).toBe("delivered");
    });

    it("gives back what was not started on: due at once, and not counted as a start", async () => {
      await outbox.put({ entries: [sale(1), sale(2)], links: [] }, NOW);
      for (let round = 0; round < 5; round++) {
        const { entries } = await claim(outbox, NOW + round, { maxStarts: 2 });
        expect(idsOf(entries)).toEqual(["evt_1", "evt_2"]);
        await outbox.release(entries, NOW + round);
        expect(await settle(outbox, entries[0] ?? expect.fail(), { state: "dead" })).toBeNull();
      }
    });

    it("settles many at once, each for itself", async () => {
      await outbox.put({ entries: Array.from({ length: 20 }, (_, at) => sale(at)), links: [] }, NOW);
      const { entries } = await claim(outbox);
      const answers = entries.map((entry, at) =>
        outbox.settle(entry, { state: at % 2 === 0 ? "delivered" : "dead" }, NOW, (lane) => ({
          failures: (lane.failures ?? 0) + 1,
        })),
      );
      await Promise.all(answers);
      expect((await outbox.stats()).counts).toMatchObject({ delivered: 10, dead: 10 });
      expect((await outbox.stats()).lane).toEqual({ failures: 20 });
    });
  });

  describe(`${name}: waiting`, () => {
    const held = { state: "pending", dueAtMs: NOW + DAY, held: true } as const;

    it("makes held entries due at once when a link names one of their references", async () => {
      const id = await done(outbox, sale(1), held);
      await putLink(outbox, link(["invoice:in_2", "payment:pi_9"], "ref_ada"), NOW + 5);
      expect((await claim(outbox, NOW + 6)).entries).toEqual([]);
      await putLink(outbox, link(["invoice:in_1"]), NOW + 7);
      expect((await entryOf(id))?.dueAtMs).toBe(NOW + 7);
      expect((await claimOne(outbox, NOW + 7)).id).toBe(id);
    });

    it("makes held entries due at once when an entry that is settled says so", async () => {
      const id = await done(outbox, refund(1), held);
      await done(outbox, sale(1), { state: "delivered", wake: ["payment:pi_1", "invoice:in_1"] }, NOW + 5);
      expect(await claimOne(outbox, NOW + 5)).toMatchObject({ id, dueAtMs: NOW + 5 });
    });

    it("keeps the link that comes with a settlement, and wakes what waited for it, unless the lease was lost", async () => {
      const waiting = await done(outbox, sale(2, { references: ["customer:cus_1"] }), held);
      await put(outbox, sale(1));
      const entry = await claimOne(outbox);
      const told = link(["customer:cus_1"], "ref_ada");
      const settlement = { state: "delivered", link: told } as const;
      expect(await settle(outbox, { ...entry, lease: "x" }, settlement)).toBeNull();
      expect(await outbox.referralsOf("stripe", ["customer:cus_1"])).toEqual(new Map());
      expect(await settle(outbox, entry, settlement, NOW + 5)).not.toBeNull();
      expect(await outbox.referralsOf("stripe", ["customer:cus_1"])).toEqual(new Map([["customer:cus_1", "ref_ada"]]));
      expect(await claimOne(outbox, NOW + 5)).toMatchObject({ id: waiting });
    });

    it("lets held entries of other sources sleep", async () => {
      await done(outbox, sale(1), held);
      await putLink(outbox, link(["invoice:in_1"], "ref_ada", "paddle"));
      await done(outbox, sale(2, { source: "paddle" }), { state: "delivered", wake: ["invoice:in_1"] });
      expect((await claim(outbox)).entries).toEqual([]);
    });

    it("makes a held entry due by itself when its time has come, and not later by any link", async () => {
      const id = await done(outbox, sale(1), { ...held, dueAtMs: NOW + 5 });
      await putLink(outbox, link(["invoice:in_1"]), NOW + 9);
      expect((await entryOf(id))?.dueAtMs).toBe(NOW + 5);
    });

    it("lets an entry that only waits for a retry wait, whatever links come", async () => {
      await done(outbox, sale(1), { state: "pending", dueAtMs: NOW + DAY });
      await putLink(outbox, link(["invoice:in_1"], "ref_ada"));
      expect((await claim(outbox)).entries).toEqual([]);
    });

    it("is held once: the next settlement decides anew", async () => {
      await done(outbox, sale(1), held);
      await putLink(outbox, link(["invoice:in_1"]));
      await settle(outbox, await claimOne(outbox), { state: "pending", dueAtMs: NOW + DAY });
      await putLink(outbox, link(["invoice:in_1"]));
      expect((await claim(outbox)).entries).toEqual([]);
    });

    it("misses no link that comes between a worker's look and its settlement", async () => {
      await put(outbox, sale(1));
      const entry = await claimOne(outbox);
      await putLink(outbox, link(["invoice:in_1"]), NOW + 1);
      await settle(outbox, entry, held, NOW + 2);
      expect(await claimOne(outbox, NOW + 2)).toMatchObject({ id: entry.id, dueAtMs: NOW + 2 });
      await settle(outbox, { ...entry, lease: "x" }, held);
    });

    it("misses no sale that is settled between a refund's look and its settlement", async () => {
      await outbox.put({ entries: [sale(1), refund(1)], links: [] }, NOW);
      const { entries } = await claim(outbox);
      const [ofSale = expect.fail(), ofRefund = expect.fail()] = entries;
      await settle(outbox, ofSale, { state: "delivered", wake: ["payment:pi_1"] });
      await settle(outbox, ofRefund, held);
      expect(await claimOne(outbox)).toMatchObject({ id: ofRefund.id });
    });

    it("remembers such a thing for this one settlement only", async () => {
      await put(outbox, sale(1));
      const first = await claimOne(outbox);
      await putLink(outbox, link(["invoice:in_1"]));
      await settle(outbox, first, { state: "pending", dueAtMs: NOW });
      await settle(outbox, await claimOne(outbox), held);
      expect((await claim(outbox)).entries).toEqual([]);
    });

    it("makes all that wait for a retry due, but not what is held, leased or done", async () => {
      await done(outbox, sale("held"), held);
      await done(outbox, sale("retry"), { state: "pending", dueAtMs: NOW + DAY });
      await done(outbox, sale("done"), { state: "delivered" });
      await put(outbox, sale("leased"));
      const leased = await claimOne(outbox);
      await outbox.wakeRetries(NOW + 1);
      expect(idsOf((await claim(outbox, NOW + 1)).entries)).toEqual(["evt_retry"]);
      expect(await settle(outbox, leased, { state: "delivered" })).not.toBeNull();
    });

    it("wakes more of them than fit one step, those that were due before in their order", async () => {
      await outbox.put({ entries: Array.from({ length: 1_203 }, (_, at) => sale(at)), links: [] }, NOW);
      const { entries } = await claim(outbox, NOW, { max: 1_200 });
      await Promise.all(entries.map((entry) => settle(outbox, entry, { state: "pending", dueAtMs: NOW + DAY })));
      await outbox.wakeRetries(NOW + 1);
      const due = await claim(outbox, NOW + 1, { max: 2_000 });
      expect(idsOf(due.entries).slice(0, 4)).toEqual(["evt_1200", "evt_1201", "evt_1202", "evt_0"]);
      expect(due.entries).toHaveLength(1_203);
    });

    it("begins unmatched events that had no referral anew when a link tells one of theirs", async () => {
      const error = { reason: "not_found" };
      const id = await done(outbox, sale(1), { state: "unmatched", countsAttempt: true, error });
      await putLink(outbox, link(["customer:cus_1"]), NOW + 5);
      expect(await stateOf(id)).toBe("unmatched");
      // What a customer bought before somebody referred them stays what it was.
      await putLink(outbox, link(["customer:cus_1", "session:cs_1"], "ref_ada"), NOW + 6);
      expect(await stateOf(id)).toBe("unmatched");
      await putLink(outbox, link(["invoice:in_1", "session:cs_1"], "ref_ada"), NOW + 6);
      expect(await entryOf(id)).toMatchObject({
        ...{ state: "pending", createdAtMs: NOW + 6, dueAtMs: NOW + 6, finishedAtMs: null, attempts: 0, error: null },
      });
      expect((await claimOne(outbox, NOW + 6)).id).toBe(id);
    });

    it("leaves unmatched what named its referral itself, and what is of another source", async () => {
      const named = await done(outbox, sale(1, { awaitsReferral: false }), { state: "unmatched" });
      const references = sale(1).references;
      const other = await done(outbox, sale(2, { source: "paddle", references }), { state: "unmatched" });
      await putLink(outbox, link(references, "ref_ada"));
      for (const id of [named, other]) expect(await stateOf(id)).toBe("unmatched");
    });

    it("begins an unmatched refund anew when its sale is settled, also while it is being settled itself", async () => {
      const references = ["invoice:in_1"];
      const id = await done(outbox, refund(1, { references }), { state: "unmatched" });
      await put(outbox, refund(2, { references }));
      const late = await claimOne(outbox);
      await done(outbox, sale(1), { state: "delivered", wake: references });
      await settle(outbox, late, { state: "unmatched" });
      expect([await stateOf(id), await stateOf(late.id)]).toEqual(["pending", "pending"]);
    });

    it("leaves unmatched what has no reference whose referral is news", async () => {
      await putLink(outbox, link(["customer:cus_1"], "ref_ada"));
      const id = await done(outbox, sale(1), { state: "unmatched" });
      await putLink(outbox, link(["customer:cus_1", "invoice:in_2"], "ref_ada"));
      await putLink(outbox, link(["customer:cus_1", "invoice:in_3"], "ref_grace"));
      expect(await stateOf(id)).toBe("unmatched");
      await putLink(outbox, link(["invoice:in_1"], "ref_ada"));
      expect(await stateOf(id)).toBe("pending");
    });

    it("begins an event anew that is settled as unmatched after its referral came", async () => {
      await put(outbox, sale(1));
      const entry = await claimOne(outbox);
      await putLink(outbox, link(["invoice:in_1"], "ref_ada"), NOW + 1);
      await putLink(outbox, link(["invoice:in_1"]), NOW + 1);
      await settle(outbox, entry, { state: "unmatched", countsAttempt: true, error: { reason: "not_found" } }, NOW + 2);
      expect(await claimOne(outbox, NOW + 2)).toMatchObject({ id: entry.id, attempts: 0, error: null });
      expect((await outbox.stats()).counts).toMatchObject({ pending: 1, unmatched: 0 });
    });
  });

  describe(`${name}: links`, () => {
    const referralOf = async (reference: string, source = "stripe") =>
      (await outbox.referralsOf(source, [reference])).get(reference);

    it("knows the referral of each object that a link named, of its source alone", async () => {
      await putLink(outbox, link(["customer:cus_1", "subscription:sub_1", "invoice:in_1"], "ref_ada"));
      const asked = ["invoice:in_1", "customer:cus_1", "customer:cus_2"];
      expect(await outbox.referralsOf("stripe", asked)).toEqual(
        new Map([
          ["invoice:in_1", "ref_ada"],
          ["customer:cus_1", "ref_ada"],
        ]),
      );
      expect(await outbox.referralsOf("paddle", asked)).toEqual(new Map());
      expect(await outbox.referralsOf("stripe", [])).toEqual(new Map());
    });

    it("never overwrites a referral that is known by an empty one", async () => {
      await putLink(outbox, link(["customer:cus_1", "invoice:in_1"], "ref_ada"));
      await putLink(outbox, link(["customer:cus_1", "invoice:in_1"]));
      expect(await referralOf("customer:cus_1")).toBe("ref_ada");
      expect(await referralOf("invoice:in_1")).toBe("ref_ada");
    });

    it("keeps a customer's first referral, and the latest of anything else", async () => {
      await putLink(outbox, link(["customer:cus_1", "subscription:sub_1", "invoice:in_1"], "ref_ada"));
      await putLink(outbox, link(["customer:cus_1", "subscription:sub_1", "invoice:in_1"], "ref_grace"));
      expect(await referralOf("customer:cus_1")).toBe("ref_ada");
      expect(await referralOf("subscription:sub_1")).toBe("ref_grace");
      expect(await referralOf("invoice:in_1")).toBe("ref_grace");
    });

    it("learns a referral after a link without one", async () => {
      await putLink(outbox, link(["customer:cus_1"]));
      expect(await referralOf("customer:cus_1")).toBeUndefined();
      await putLink(outbox, link(["customer:cus_1"], "ref_ada"));
      expect(await referralOf("customer:cus_1")).toBe("ref_ada");
    });

    it("relates what was named together, both ways, whether or not there was a referral", async () => {
      await putLink(outbox, link(["invoice:in_1", "payment:pi_1", "charge:ch_1"]));
      await putLink(outbox, link(["payment:pi_1", "session:cs_1"], "ref_ada"));
      expect([...(await outbox.relatedTo("stripe", ["payment:pi_1"]))].sort()).toEqual([
        "charge:ch_1",
        "invoice:in_1",
        "session:cs_1",
      ]);
      expect([...(await outbox.relatedTo("stripe", ["session:cs_1"]))]).toEqual(["payment:pi_1"]);
      expect([...(await outbox.relatedTo("stripe", ["invoice:in_1", "charge:ch_1"]))]).toEqual(["payment:pi_1"]);
      expect(await outbox.relatedTo("paddle", ["payment:pi_1"])).toEqual([]);
      expect(await outbox.relatedTo("stripe", ["payment:pi_2"])).toEqual([]);
    });

    it("relates nothing by a customer or a subscription", async () => {
      await putLink(outbox, link(["customer:cus_1", "subscription:sub_1", "invoice:in_1"], "ref_ada"));
      for (const reference of ["customer:cus_1", "subscription:sub_1", "invoice:in_1"]) {
        expect(await outbox.relatedTo("stripe", [reference])).toEqual([]);
      }
    });

    it("keeps links of a batch whose entries it has already", async () => {
      await put(outbox, sale(1));
      await outbox.put({ entries: [sale(1)], links: [link(["invoice:in_1"], "ref_ada")] }, NOW);
      expect(await referralOf("invoice:in_1")).toBe("ref_ada");
    });

    it("outlives the entries", async () => {
      await putLink(outbox, link(["customer:cus_1", "invoice:in_1", "payment:pi_1"], "ref_ada"));
      await done(outbox, sale(1), { state: "delivered" });
      expect(await outbox.prune(0, NOW + 1)).toBe(1);
      expect(await referralOf("customer:cus_1")).toBe("ref_ada");
      expect(await outbox.relatedTo("stripe", ["invoice:in_1"])).toEqual(["payment:pi_1"]);
    });
  });

  describe(`${name}: finding events`, () => {
    it("finds an event by its business key, of its source alone, and no refund", async () => {
      const { id } = await put(outbox, sale(1));
      await put(outbox, refund(1));
      expect(await outbox.findEvent("stripe", { businessKey: "in_1" })).toEqual(await entryOf(id));
      expect(await outbox.findEvent("paddle", { businessKey: "in_1" })).toBeNull();
      expect(await outbox.findEvent("stripe", { businessKey: "re_1" })).toBeNull();
    });

    it("finds the oldest event with any of the references, and no refund", async () => {
      await put(outbox, refund(0, { references: ["customer:cus_1", "payment:pi_1"] }));
      const first = await put(outbox, sale(1, { references: ["customer:cus_1"] }));
      await put(outbox, sale(2, { references: ["customer:cus_1", "payment:pi_1"] }));
      const references = ["payment:pi_1", "customer:cus_1", "session:cs_1"];
      expect(await outbox.findEvent("stripe", { references })).toMatchObject({ id: first.id });
      expect(await outbox.findEvent("stripe", { references: ["payment:pi_1"] })).toMatchObject({ businessKey: "in_2" });
      expect(await outbox.findEvent("stripe", { references: ["session:cs_1"] })).toBeNull();
      expect(await outbox.findEvent("stripe", { references: [] })).toBeNull();
      expect(await outbox.findEvent("paddle", { references })).toBeNull();
    });

    it.each(["delivered", "unmatched", "dead"] satisfies EntryState[])("finds one that is %s", async (state) => {
      const id = await done(outbox, sale(1), { state, conversionId: "conv_1" });
      expect(await outbox.findEvent("stripe", { businessKey: "in_1" })).toMatchObject({ id, state });
    });
  });

  describe(`${name}: what a person does`, () => {
    async function fill(): Promise<void> {
      const dead = (reason: string) => ({ state: "dead", error: { reason } }) as const;
      await done(outbox, sale(1), dead("rejected"), NOW + 1);
      await done(outbox, sale(2, { source: "paddle" }), dead("too_old"), NOW + 2);
      await done(outbox, sale(3), dead("too_old"), NOW + 3);
      await done(outbox, sale(4), { state: "unmatched", error: { reason: "not_found" } }, NOW + 4);
      await done(outbox, sale(5), { state: "delivered" }, NOW + 5);
      await put(outbox, sale(6), NOW + 6);
    }

    it.each<[string, object, string[]]>([
      ["all", {}, ["evt_6", "evt_5", "evt_4", "evt_3", "evt_2", "evt_1"]],
      ["those in a state", { state: "dead" }, ["evt_3", "evt_2", "evt_1"]],
      ["those of a source", { source: "paddle" }, ["evt_2"]],
      ["those with a reason", { reason: "too_old" }, ["evt_3", "evt_2"]],
      ["those from a time on", { createdAfterMs: NOW + 5 }, ["evt_6", "evt_5"]],
      ["those before a time", { createdBeforeMs: NOW + 3 }, ["evt_2", "evt_1"]],
      ["those that fit all of several", { state: "dead", reason: "too_old", createdAfterMs: NOW + 3 }, ["evt_3"]],
      ["all where fields are undefined", { state: undefined, source: "paddle", reason: undefined }, ["evt_2"]],
      ["none", { state: "discarded" }, []],
    ])("lists %s, the newest first", async (_, filter, expected) => {
      await fill();
      expect(idsOf(await outbox.list(filter, { limit: 100 }))).toEqual(expected);
    });

    it("lists page by page", async () => {
      await fill();
      const pages: string[][] = [];
      for (let after: string | undefined; ; ) {
        const page = await outbox.list({}, { limit: 4, after });
        if (page.length === 0) break;
        pages.push(idsOf(page));
        after = page.at(-1)?.id;
      }
      expect(pages).toEqual([
        ["evt_6", "evt_5", "evt_4", "evt_3"],
        ["evt_2", "evt_1"],
      ]);
    });

    it("replays dead and unmatched entries as if they were new, and no others", async () => {
      await fill();
      expect(await outbox.replay({}, NOW + DAY)).toBe(4);
      expect(await outbox.replay({}, NOW + DAY)).toBe(0);
      expect((await outbox.stats()).counts).toMatchObject({ pending: 5, dead: 0, unmatched: 0, delivered: 1 });
      const [entry] = await outbox.list({ source: "paddle" }, { limit: 1 });
      const times = { createdAtMs: NOW + DAY, dueAtMs: NOW + DAY, finishedAtMs: null };
      expect(entry).toMatchObject({ state: "pending", ...times, attempts: 0, error: null });
      expect((await claim(outbox, NOW + DAY)).entries).toHaveLength(5);
    });

    it("replays what a filter says", async () => {
      await fill();
      expect(await outbox.replay({ state: "dead", reason: "too_old" }, NOW + DAY)).toBe(2);
      expect(idsOf(await listed({ state: "dead" }))).toEqual(["evt_1"]);
      expect(await outbox.replay({ state: "delivered" }, NOW + DAY)).toBe(0);
    });

    it("replays and discards by id, and passes over ids that are unknown, twice there, or in another state", async () => {
      await fill();
      const id = async (reason: string) => (await listed({ reason }))[0]?.id ?? expect.fail();
      const [rejected, unmatched] = [await id("rejected"), await id("not_found")];
      const [delivered = expect.fail()] = await listed({ state: "delivered" });
      const ids = [rejected, unmatched, unmatched, delivered.id, "9".repeat(16), "nonsense"];
      expect(await outbox.discard({ ids }, NOW + 9)).toBe(1);
      expect(await entryOf(rejected)).toMatchObject({ state: "discarded", finishedAtMs: NOW + 9 });
      expect(await outbox.replay({ ids }, NOW + 9)).toBe(1);
      expect(await stateOf(unmatched)).toBe("pending");
      expect(await outbox.replay({ ids: [] }, NOW + 9)).toBe(0);
    });

    it("discards dead entries that fit, and no others", async () => {
      await fill();
      expect(await outbox.discard({ source: "stripe" }, NOW + DAY)).toBe(2);
      expect((await outbox.stats()).counts).toEqual({ pending: 1, delivered: 1, unmatched: 1, dead: 1, discarded: 2 });
      expect(await outbox.replay({ state: "discarded" }, NOW + DAY)).toBe(0);
    });

    it("does all of it over more entries than fit one step", async () => {
      await outbox.put({ entries: Array.from({ length: 1_201 }, (_, at) => sale(at)), links: [] }, NOW);
      const { entries } = await claim(outbox, NOW, { max: 2_000 });
      await Promise.all(entries.map((entry) => settle(outbox, entry, { state: "dead" })));
      expect(await outbox.replay({}, NOW)).toBe(1_201);
      const again = await claim(outbox, NOW, { max: 2_000 });
      await Promise.all(again.entries.map((entry) => settle(outbox, entry, { state: "dead" })));
      expect(await outbox.discard({}, NOW)).toBe(1_201);
      expect(await outbox.prune(0, NOW + 1)).toBe(1_201);
      expect(await listed()).toEqual([]);
    });

    it("lets a replayed entry start anew: its old starts do not quarantine it", async () => {
      const { id } = await put(outbox, sale(1));
      await claim(outbox, NOW, { maxStarts: 1 });
      expect((await claim(outbox, NOW + MINUTE, { maxStarts: 1 })).quarantined).toHaveLength(1);
      expect(await outbox.replay({ ids: [id] }, NOW + MINUTE)).toBe(1);
      expect((await claim(outbox, NOW + MINUTE, { maxStarts: 1 })).entries).toHaveLength(1);
    });
  });

  describe(`${name}: forgetting`, () => {
    it("forgets what was done for longer than it should be kept, and neither the dead nor the pending", async () => {
      for (const [at, state] of (["delivered", "unmatched", "dead", "pending"] as const).entries()) {
        await done(outbox, sale(at), { state, dueAtMs: NOW + 99 * DAY }, NOW);
      }
      await done(outbox, sale(9), { state: "delivered" }, NOW + 1);
      expect(await outbox.prune(DAY, NOW + DAY)).toBe(0);
      expect(await outbox.prune(DAY, NOW + DAY + 1)).toBe(2);
      expect(idsOf(await listed())).toEqual(["evt_9", "evt_3", "evt_2"]);
      expect((await outbox.stats()).counts).toEqual({ pending: 1, delivered: 1, unmatched: 0, dead: 1, discarded: 0 });
      expect(await outbox.prune(DAY, NOW + DAY + 1)).toBe(0);
    });

    it("knows duplicates and conflicts of what it has forgotten", async () => {
      const id = await done(outbox, sale(1), { state: "unmatched" });
      await outbox.prune(0, NOW + 1);
      expect(await put(outbox, sale(1))).toEqual({ status: "duplicate", id });
      expect(await put(outbox, sale(2, { businessKey: "in_1", fingerprint: "1 USD" }))).toEqual({
        status: "conflict",
        id,
      });
      expect((await outbox.stats()).conflicts).toBe(1);
    });

    it("still finds a sale for its refunds, with its conversion id and amounts, and nothing else of its payload", async () => {
      const amounts = { sale: { minorUnits: 2_900, currency: "USD" }, paid: { minorUnits: 3_451, currency: "USD" } };
      const whole = { kind: "event", type: "conversion", identity: { externalUserId: "ada@example.com" }, ...amounts };
      const entry = sale(1, { payload: JSON.stringify({ ...whole, metadata: { name: "Ada" } }) });
      const id = await done(outbox, entry, { state: "delivered", conversionId: "conv_1" });
      expect(await outbox.findEvent("stripe", { businessKey: "in_1" })).toMatchObject({ payload: entry.payload });
      await outbox.prune(0, NOW + 1);
      expect(await listed()).toEqual([]);
      const kept = { ...entry, payload: JSON.stringify(amounts), id, state: "delivered", conversionId: "conv_1" };
      expect(await outbox.findEvent("stripe", { businessKey: "in_1" })).toMatchObject(kept);
      expect(await outbox.findEvent("stripe", { references: ["invoice:in_1"] })).toMatchObject(kept);
    });

    it("finds nothing else that it has forgotten, and wakes, replays and discards none of it", async () => {
      await done(outbox, sale(1), { state: "unmatched" });
      await done(outbox, sale(2), { state: "delivered", conversionId: null });
      await outbox.prune(0, NOW + 1);
      for (const number of [1, 2]) {
        expect(await outbox.findEvent("stripe", { businessKey: `in_${number}` })).toBeNull();
        expect(await outbox.findEvent("stripe", { references: [`invoice:in_${number}`] })).toBeNull();
      }
      await putLink(outbox, link(["invoice:in_1"], "ref_ada"));
      expect(await outbox.replay({}, NOW + 2)).toBe(0);
      expect(await outbox.discard({}, NOW + 2)).toBe(0);
      expect((await claim(outbox, NOW + 2)).entries).toEqual([]);
    });

    it("gives no id a second time", async () => {
      const id = await done(outbox, sale(1), { state: "delivered" });
      await outbox.prune(0, NOW + 1);
      expect((await put(outbox, sale(2))).id > id).toBe(true);
    });
  });

  describe(`${name}: as a whole`, () => {
    it("counts nothing at first", async () => {
      const counts = { pending: 0, delivered: 0, unmatched: 0, dead: 0, discarded: 0 };
      expect(await outbox.stats()).toEqual({ counts, oldestPendingAtMs: null, conflicts: 0, lane: {} });
    });

    it("knows the age of the oldest that is pending", async () => {
      await put(outbox, sale(1), NOW + 1);
      await put(outbox, sale(2), NOW + 2);
      expect((await outbox.stats()).oldestPendingAtMs).toBe(NOW + 1);
      const { entries } = await claim(outbox, NOW + 2, { max: 1 });
      for (const entry of entries) await settle(outbox, entry, { state: "delivered" });
      expect((await outbox.stats()).oldestPendingAtMs).toBe(NOW + 2);
    });

    it("tells the time that it is told, where it has no clock of its own", async () => {
      expect(await outbox.now(NOW)).toBe(NOW);
    });

    it("opens by itself, may be opened and closed again and again, and goes on after it was closed", async () => {
      await Promise.all([outbox.open(), outbox.open()]);
      await outbox.open();
      const { id } = await put(outbox, sale(1));
      await Promise.all([outbox.close(), outbox.close()]);
      await outbox.close();
      expect(await put(outbox, sale(1))).toEqual({ status: "duplicate", id });
    });

    it("answers after it was closed as before", async () => {
      await put(outbox, sale(1));
      await outbox.close();
      expect((await outbox.stats()).counts.pending).toBe(1);
      const { entries } = await claim(outbox);
      await Promise.all([outbox.release(entries, NOW), outbox.stats(), put(outbox, sale(2))]);
      expect(idsOf(await listed())).toEqual(["evt_2", "evt_1"]);
    });

    it("finishes what was asked for before it closes", async () => {
      await outbox.open();
      const asked = Array.from({ length: 20 }, (_, at) => put(outbox, sale(at)));
      await Promise.resolve();
      await outbox.close();
      expect((await Promise.all(asked)).every(({ status }) => status === "queued")).toBe(true);
      expect((await outbox.stats()).counts.pending).toBe(20);
    });

    it("gives out copies: what is done to them changes nothing", async () => {
      const entry: NewEntry = { ...sale(1), references: ["invoice:in_1"] };
      const { id } = await put(outbox, entry);
      Reflect.set(entry.references, 0, "invoice:changed");
      const claimed = await claimOne(outbox);
      Reflect.set(claimed.references, 0, "invoice:changed");
      Reflect.set(claimed, "payload", "changed");
      expect(await entryOf(id)).toMatchObject({ payload: sale(1).payload, references: ["invoice:in_1"] });
    });

    it("keeps all that it keeps over a restart, where it is durable", async () => {
      const { outbox: first, reopen } = await fresh();
      expect(reopen !== undefined).toBe(first.durable);
      if (reopen === undefined) return;
      const held = { state: "pending", dueAtMs: NOW + DAY, held: true } as const;
      await putLink(first, link(["customer:cus_9", "invoice:in_9", "payment:pi_9"], "ref_ada"));
      await done(first, sale(1), held);
      await done(first, sale(2), { state: "dead", error: { reason: "rejected" } });
      await put(first, sale(3));
      await first.claim({
        ...{ nowMs: NOW, leaseMs: MINUTE, max: 9, maxStarts: 5 },
        admit: (_, count) => ({ count, lane: { failures: 4 } }),
      });
      const [stats, list] = [await first.stats(), await first.list({}, { limit: 9 })];
      await first.close();

      const second = await reopen();
      made.push(second);
      expect(await second.stats()).toEqual(stats);
      expect(await second.list({}, { limit: 9 })).toEqual(list);
      expect(await second.referralsOf("stripe", ["invoice:in_9"])).toEqual(new Map([["invoice:in_9", "ref_ada"]]));
      expect((await claim(second)).entries).toEqual([]);
      await putLink(second, link(["invoice:in_1"]), NOW + MINUTE);
      expect(idsOf((await claim(second, NOW + MINUTE)).entries)).toEqual(["evt_3", "evt_1"]);
    });

    it("counts what it lists, and answers as the simplest store does, whatever is asked in whatever order", async () => {
      const property = fc.asyncProperty(commands, async (list) => {
        const { outbox: tested } = await make();
        try {
          await runCommands([tested, memoryOutbox()], list);
        } finally {
          await tested.close();
        }
      });
      await fc.assert(property, { numRuns: 40 });
    }, 60_000);
  });
}
