import { describe, expect, it, vi } from "vitest";
import type { Refund, RelayEvent } from "../../../src/event.js";
import { Durable } from "../../../src/outbox/engine.js";
import { memoryOutbox } from "../../../src/outbox/memory.js";
import type { Settlement } from "../../../src/outbox/outbox.js";
import { memoryLogger, NOW_MS, optionsOf, resolveOnNode } from "../core/support.js";
import { MINUTE } from "./station.js";
import { sale } from "./support.js";

const never = new AbortController().signal;
const referred = { identity: { referralId: "ref_1", customerId: "cus_1" } };

/** What a relay with an outbox is made of. Its endpoint never answers: what becomes of an entry, the test says. */
function durable() {
  const outbox = memoryOutbox();
  const told: [string, unknown][] = [];
  const hook = (name: string) => (value: unknown) => void told.push([name, value]);
  const { logger, lines } = memoryLogger();
  const options = resolveOnNode(
    optionsOf({
      outbox,
      logger,
      fetch: () => new Promise(() => {}),
      on: { delivered: hook("delivered"), unmatched: hook("unmatched"), deadLetter: hook("deadLetter") },
    }),
  );
  const sink = new Durable(outbox, options);
  const referralsOf = async (...references: string[]) => [...(await outbox.referralsOf("stripe", references))];
  return {
    ...{ outbox, sink, told, lines, referralsOf },
    /** A webhook comes in, and this becomes of it. */
    async becomes(record: RelayEvent | Refund, settlement: Settlement, isDuplicate = false) {
      await sink.take([record], never);
      await sink.stop(0);
      const [entry] = await outbox.list({}, { limit: 1 });
      await sink.settled(entry ?? expect.fail("there is no entry"), settlement, isDuplicate);
    },
  };
}

describe("a webhook whose time is over", () => {
  it("is not taken: the provider was told so, and sends it again", async () => {
    const { sink, outbox } = durable();
    const reason = new Error("relay_stopped");
    await expect(sink.take([sale(referred)], AbortSignal.abort(reason))).rejects.toBe(reason);
    expect((await outbox.stats()).counts.pending).toBe(0);
    expect(await sink.take([sale(referred)], never)).toMatchObject([{ status: "queued" }]);
    await sink.stop(0);
  });

  it("starts no worker again that was stopped", async () => {
    const { sink, outbox } = durable();
    let opened = 0;
    const { open } = outbox;
    outbox.open = async () => {
      opened++;
      await open.call(outbox);
    };
    await expect(sink.take([sale()], AbortSignal.abort())).rejects.toThrow();
    expect(opened).toBe(0);
  });
});

describe("an event's own referral", () => {
  it("is known of its subscription and its invoice at once, and of its customer not before the endpoint has it", async () => {
    const { sink, referralsOf } = durable();
    await sink.take([sale(referred)], never);
    await sink.stop(0);
    expect(await referralsOf("invoice:in_1", "subscription:sub_1", "customer:cus_1", "confirmed:cus_1")).toEqual([
      ["invoice:in_1", "ref_1"],
      ["subscription:sub_1", "ref_1"],
    ]);
  });
});

describe("on.delivered", () => {
  it("is told the conversion's id, which is unknown of a sale that the endpoint had already", async () => {
    const one = durable();
    await one.becomes(sale(referred), { state: "delivered", conversionId: "conv_1" });
    expect(one.told).toMatchObject([["delivered", { duplicate: false, conversionId: "conv_1" }]]);
    const other = durable();
    await other.becomes(sale(referred), { state: "delivered", conversionId: undefined, error: null }, true);
    const [[, delivery] = []] = other.told;
    expect(delivery).toMatchObject({ duplicate: true });
    expect(Reflect.get(delivery as object, "conversionId")).toBeUndefined();
  });
});

describe("a second webhook with the id of a first one", () => {
  it("is a conflict where it is another source's or of another sale, and says so", async () => {
    const { sink, outbox, lines } = durable();
    await sink.take([sale(referred)], never);
    expect(await sink.take([sale(referred)], never)).toMatchObject([{ status: "duplicate" }]);
    expect((await outbox.stats()).conflicts).toBe(0);
    await sink.take([{ ...sale(referred), source: "paddle" }], never);
    await sink.take([sale({ ...referred, businessKey: "invoice:in_2" })], never);
    expect((await outbox.stats()).conflicts).toBe(2);
    expect(lines.filter(({ level }) => level === "error").map(({ fields }) => fields)).toMatchObject([
      { source: "paddle", externalEventId: "evt_1", businessKey: "invoice:in_1" },
      { source: "stripe", externalEventId: "evt_1", businessKey: "invoice:in_2" },
    ]);
    await sink.stop(0);
  });
});

describe("an attempt that failed", () => {
  const failed = { state: "pending", countsAttempt: true, error: { reason: "network", code: "ECONNREFUSED" } } as const;

  it("is a warning that says what happened, at an event's first attempt", async () => {
    const { becomes, lines } = durable();
    await becomes(sale(referred), failed);
    expect(lines.filter(({ level }) => level === "warn")).toMatchObject([
      { fields: { externalEventId: "evt_1", reason: "network", code: "ECONNREFUSED" } },
    ]);
  });

  it("is none where it was no failure: a 429, or what it waits for has not come", async () => {
    const { becomes, lines } = durable();
    await becomes(sale(referred), { state: "pending" });
    await becomes(sale(referred), { state: "pending", held: true });
    expect(lines.filter(({ level }) => level === "warn")).toEqual([]);
  });
});

describe("an outbox that is opened", () => {
  it("is tidied up at once, since a process may live for less than an hour", async () => {
    const { sink, outbox } = durable();
    await sink.take([sale(referred)], never);
    await sink.stop(0);
    const longAgo = NOW_MS - 40 * 24 * 60 * MINUTE;
    const admit = (lane: object, count: number) => ({ count, lane });
    const { entries } = await outbox.claim({ nowMs: NOW_MS, leaseMs: MINUTE, max: 1, maxStarts: 5, admit });
    await outbox.settle(entries[0] ?? expect.fail("nothing is due"), { state: "delivered" }, longAgo, (lane) => lane);
    expect((await outbox.stats()).counts.delivered).toBe(1);
    await sink.start();
    await vi.waitFor(async () => expect((await outbox.stats()).counts.delivered).toBe(0));
    await sink.stop(0);
  });
});
