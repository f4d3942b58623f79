import { describe, expect, it } from "vitest";
import { batchOf } from "../../src/outbox/batch.js";
import { Bench, STORES, until } from "../proof/support/model/bench.js";
import { invoicePaid, lead } from "../proof/support/model/webhooks.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const REFUSAL = {
  status: 400,
  body: {
    success: false,
    error: {
      code: "VALIDATION_ERROR",
      message: "sale_amount is not a valid amount",
      field: "sale_amount",
      details: [{ field: "sale_amount", message: "must be more than 0" }],
    },
  },
};

describe.each(STORES)("dead letters with $store", ({ openStore }) => {
  const sale = (id: string) => invoicePaid(id, { referral: "ref_ada" });

  /** A relay with dead letters of these ids, an hour between them. */
  async function withDeadLetters(...ids: readonly string[]) {
    const bench = await Bench.open(openStore);
    const bed = bench.relay();
    const { deliver, settled, pass, relay } = bed;
    for (const id of ids) {
      bench.sandbox.faults.next(REFUSAL);
      await deliver(id.startsWith("lead") ? lead("user", { id, referral: "ref_ada" }) : sale(id));
      await settled();
      await pass(HOUR);
    }
    const letters = await relay.deadLetters.list();
    const idOf = (externalEventId: string) => {
      const letter = letters.find((one) => one.externalEventId === externalEventId);
      return letter?.id ?? expect.fail(`no dead letter of ${externalEventId}`);
    };
    return { bench, ...bed, letters, idOf };
  }

  it("keeps an event that was refused, at once, with the endpoint's code, field and details", async () => {
    const { bench, letters, relay } = await withDeadLetters("1");
    expect(letters).toEqual([
      {
        id: expect.any(String),
        source: "stripe",
        externalEventId: "evt_in_1",
        record: expect.objectContaining({ kind: "event", businessKey: "invoice:in_1" }),
        reason: { reason: "rejected", status: 400, ...REFUSAL.body.error },
        attempts: 1,
        createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
        diedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      },
    ]);
    expect(bench.sandbox.requests).toHaveLength(1);
    expect((await relay.stats()).counts).toMatchObject({ dead: 1, pending: 0 });
  });

  it("lists the newest first, page by page", async () => {
    const { relay, letters } = await withDeadLetters("1", "2", "3");
    expect(letters.map((letter) => letter.externalEventId)).toEqual(["evt_in_3", "evt_in_2", "evt_in_1"]);
    const first = await relay.deadLetters.list({}, { limit: 2 });
    const second = await relay.deadLetters.list({}, { limit: 2, after: first.at(-1)?.id });
    expect([first.length, second.length]).toEqual([2, 1]);
    expect([...first, ...second]).toEqual(letters);
  });

  it("filters by source, reason and time", async () => {
    const { relay, bench, letters } = await withDeadLetters("1", "lead_1", "2");
    const ids = async (filter: Parameters<typeof relay.deadLetters.list>[0]) =>
      (await relay.deadLetters.list(filter)).map((letter) => letter.externalEventId);
    expect(await ids({ source: "app" })).toEqual(["lead_1"]);
    expect(await ids({ source: "paddle" })).toEqual([]);
    expect(await ids({ reason: "rejected" })).toHaveLength(3);
    expect(await ids({ reason: "too_old" })).toEqual([]);
    const createdAfter = new Date(bench.clock() - 1.5 * HOUR);
    expect(await ids({ createdAfter })).toEqual(["evt_in_2"]);
    expect(await ids({ createdBefore: createdAfter })).toEqual(["lead_1", "evt_in_1"]);
    expect(await ids({ source: "stripe", createdBefore: createdAfter })).toEqual(["evt_in_1"]);
    // From the one on, before the other.
    const at = new Date(letters[1]?.createdAt ?? 0);
    expect(await ids({ createdAfter: at, createdBefore: new Date(at.getTime() + 1) })).toEqual(["lead_1"]);
  });

  it("replays one, as if it were new", async () => {
    const { relay, bench, settled, idOf } = await withDeadLetters("1", "2");
    expect(await relay.deadLetters.replay(idOf("evt_in_1"))).toBe(1);
    await settled();
    expect(bench.sandbox.events.map((event) => event.external_event_id)).toEqual(["evt_in_1"]);
    expect((await relay.stats()).counts).toMatchObject({ delivered: 1, dead: 1 });
    // It is no dead letter any more.
    expect(await relay.deadLetters.replay(idOf("evt_in_1"))).toBe(0);
    expect(bench.sandbox.events).toHaveLength(1);
  });

  it("replays by filter, and all", async () => {
    const { relay, bench, settled } = await withDeadLetters("1", "lead_1", "2");
    expect(await relay.deadLetters.replay({ source: "app" })).toBe(1);
    await settled();
    expect(bench.sandbox.events.map((event) => event.external_event_id)).toEqual(["lead_1"]);
    expect(await relay.deadLetters.replay({})).toBe(2);
    await settled();
    expect(bench.sandbox.events).toHaveLength(3);
    expect(await relay.deadLetters.list()).toEqual([]);
  });

  it("buries again what is refused again", async () => {
    const { relay, bench, settled } = await withDeadLetters("1");
    bench.sandbox.faults.next(REFUSAL);
    expect(await relay.deadLetters.replay({})).toBe(1);
    await settled();
    expect(await relay.deadLetters.list()).toMatchObject([{ externalEventId: "evt_in_1", attempts: 1 }]);
  });

  it("discards for good: it is neither listed nor replayed, and its webhook stays known", async () => {
    const { relay, bench, deliver, settled, idOf } = await withDeadLetters("1", "2", "3");
    expect(await relay.deadLetters.discard(idOf("evt_in_2"))).toBe(1);
    expect(await relay.deadLetters.discard(idOf("evt_in_2"))).toBe(0);
    expect(await relay.deadLetters.replay(idOf("evt_in_2"))).toBe(0);
    expect((await relay.deadLetters.list()).map((letter) => letter.externalEventId)).toEqual(["evt_in_3", "evt_in_1"]);
    expect(await relay.deadLetters.discard({})).toBe(2);
    expect((await relay.stats()).counts).toMatchObject({ dead: 0, discarded: 3, pending: 0 });
    expect(await deliver(sale("2"))).toEqual(["duplicate"]);
    await settled();
    expect(bench.sandbox.events).toEqual([]);
  });

  it("touches nothing that is alive", async () => {
    const { relay, bench, deliver, pass, settled, retried } = await withDeadLetters("1");
    await deliver(sale("2"));
    await settled();
    bench.sandbox.faults.next({ status: 503 });
    await deliver(sale("3"));
    await retried(1);
    expect(await relay.deadLetters.discard({})).toBe(1);
    expect(await relay.deadLetters.replay({})).toBe(0);
    expect((await relay.stats()).counts).toMatchObject({ delivered: 1, pending: 1, discarded: 1 });
    await pass(MINUTE);
    await settled();
    expect(bench.sandbox.events).toHaveLength(2);
  });

  it("gives up after a week of failures, and says that it was too old", async () => {
    const bench = await Bench.open(openStore);
    bench.sandbox.faults.always({ status: 503 });
    const { deliver, settled, retried, pass, relay, told } = bench.relay();
    await deliver(sale("1"));
    await retried(1);
    await pass(7 * 24 * HOUR);
    await settled();
    expect(await relay.deadLetters.list()).toMatchObject([
      { externalEventId: "evt_in_1", reason: { reason: "too_old", status: 503 }, attempts: 2 },
    ]);
    await until(() => expect(told.map(({ hook }) => hook)).toEqual(["deadLetter"]));
  });

  it("pauses after 20 refusals in a row, so that the backlog is not buried, and resumes", async () => {
    const bench = await Bench.open(openStore);
    bench.sandbox.faults.always({ status: 400 });
    const { deliver, settled, relay, told, pass } = bench.relay({ concurrency: 1 });
    await deliver(...Array.from({ length: 30 }, (_, at) => sale(String(at))));
    await until(async () => expect((await relay.stats()).lane).toMatchObject({ state: "paused", reason: "rejecting" }));
    expect((await relay.stats()).counts).toMatchObject({ dead: 20, pending: 10 });
    await until(() => expect(told.filter(({ hook }) => hook === "paused")).toHaveLength(1));
    await relay.deadLetters.replay("wake");
    expect(bench.sandbox.requests).toHaveLength(20);

    bench.sandbox.faults.clear();
    await pass(MINUTE);
    await settled();
    expect((await relay.stats()).counts).toMatchObject({ dead: 20, delivered: 10 });
    expect(await relay.deadLetters.replay({ reason: "rejected" })).toBe(20);
    await settled();
    expect(bench.sandbox.events).toHaveLength(30);
  });

  it("does not pause when one in twenty is taken", async () => {
    const bench = await Bench.open(openStore);
    const { deliver, settled, relay, told } = bench.relay({ concurrency: 1 });
    bench.sandbox.faults.next({ status: 400, times: 19 });
    await deliver(...Array.from({ length: 20 }, (_, at) => sale(`a${at}`)));
    await settled();
    bench.sandbox.faults.next({ status: 400, times: 19 });
    await deliver(...Array.from({ length: 20 }, (_, at) => sale(`b${at}`)));
    await settled();
    expect((await relay.stats()).counts).toMatchObject({ dead: 38, delivered: 2 });
    expect(told.map(({ hook }) => hook)).not.toContain("paused");
  });

  it("quarantines what was begun five times and never finished, while the others flow", async () => {
    const bench = await Bench.open(openStore);
    const { outbox } = bench.store;
    // What five processes leave behind that the same entry took down: its lease and nothing else.
    const poison = { kind: "event", source: "stripe", name: "invoice_paid", type: "conversion" } as const;
    await outbox.open();
    await outbox.put(
      batchOf(
        [
          {
            ...poison,
            ...{ externalEventId: "evt_poison", businessKey: "invoice:in_poison", identity: { referralId: "ref_ada" } },
            ...{ references: { invoice: "in_poison" }, sale: { minorUnits: 100, currency: "USD" } },
          },
        ],
        () => "unused",
      ),
      bench.clock(),
    );
    for (let crash = 0; crash < 5; crash++) {
      const claimed = await outbox.claim({
        ...{ nowMs: bench.clock(), leaseMs: MINUTE, max: 1, maxStarts: 5 },
        admit: (lane, count) => ({ count, lane }),
      });
      expect(claimed.entries.map((entry) => entry.externalEventId)).toEqual(["evt_poison"]);
      bench.advance(MINUTE + 1_000);
    }

    const { deliver, settled, relay, told } = bench.relay();
    await deliver(sale("1"), sale("2"));
    await settled();
    expect(bench.sandbox.events.map((event) => event.external_event_id).sort()).toEqual(["evt_in_1", "evt_in_2"]);
    expect(await relay.deadLetters.list({ reason: "quarantined" })).toMatchObject([
      { externalEventId: "evt_poison", reason: { reason: "quarantined" } },
    ]);
    await until(() => expect(told.filter(({ hook }) => hook === "deadLetter")).toHaveLength(1));

    // A person who has mended what broke it may send it.
    expect(await relay.deadLetters.replay({ reason: "quarantined" })).toBe(1);
    await settled();
    expect(bench.sandbox.events).toHaveLength(3);
  });
});
