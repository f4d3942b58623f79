import { describe, expect, it } from "vitest";
import type { Refund, RelayEvent } from "../../../src/event.js";
import { Durable } from "../../../src/outbox/engine.js";
import { memoryOutbox } from "../../../src/outbox/memory.js";
import type { Settlement } from "../../../src/outbox/outbox.js";
import { memoryLogger, NOW_MS, optionsOf, resolveOnNode } from "../core/support.js";
import { refund, sale } from "./support.js";

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
  it("is known of its subscription and its invoice at once, and of its customer once the endpoint has it", async () => {
    const { becomes, sink, referralsOf } = durable();
    const references = ["invoice:in_1", "subscription:sub_1", "customer:cus_1"];
    await sink.take([sale(referred)], never);
    expect(await referralsOf(...references)).toEqual([
      ["invoice:in_1", "ref_1"],
      ["subscription:sub_1", "ref_1"],
    ]);
    await becomes(sale(referred), { state: "delivered", conversionId: "conv_1" });
    expect(await referralsOf("customer:cus_1")).toEqual([["customer:cus_1", "ref_1"]]);
  });

  it("is confirmed by a duplicate too", async () => {
    const { becomes, referralsOf } = durable();
    await becomes(sale(referred), { state: "delivered" }, true);
    expect(await referralsOf("customer:cus_1")).toEqual([["customer:cus_1", "ref_1"]]);
  });

  it.each<Settlement>([
    { state: "unmatched", error: { reason: "not_found" } },
    { state: "dead", error: { reason: "rejected" } },
    { state: "pending", dueAtMs: NOW_MS + 5_000 },
    { state: "pending", dueAtMs: NOW_MS + 5_000, held: true },
  ])("is not the customer's where the endpoint has not confirmed it: %j", async (settlement) => {
    const { becomes, referralsOf } = durable();
    await becomes(sale(referred), settlement);
    expect(await referralsOf("customer:cus_1")).toEqual([]);
  });

  it("does not take the customer from the one who came first", async () => {
    const { becomes, outbox, referralsOf } = durable();
    const link = { source: "stripe", referralId: "ref_first", references: ["customer:cus_1"] };
    await outbox.put({ entries: [], links: [link] }, NOW_MS);
    await becomes(sale(referred), { state: "delivered", conversionId: "conv_1" });
    expect(await referralsOf("customer:cus_1")).toEqual([["customer:cus_1", "ref_first"]]);
  });

  it("that is none teaches nothing, nor does a refund", async () => {
    const { becomes, referralsOf } = durable();
    await becomes(sale(), { state: "delivered", conversionId: "conv_1" });
    expect(await referralsOf("customer:cus_1")).toEqual([]);
    const other = durable();
    await other.becomes(refund(), { state: "delivered" });
    expect(await other.referralsOf("customer:cus_1", "invoice:in_1")).toEqual([]);
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
