import { describe, expect, it } from "vitest";
import { createDeadLetters, type DeadLetterFilter } from "../../../src/dead-letters.js";
import { batchOf } from "../../../src/outbox/batch.js";
import { memoryOutbox } from "../../../src/outbox/memory.js";
import { sale } from "./support.js";

const T0 = 1_767_225_600_000;
const DAY = 24 * 3_600_000;

/** Two dead letters, a day apart. */
async function buried() {
  const outbox = memoryOutbox();
  const letters = createDeadLetters(
    outbox,
    () => T0 + 2 * DAY,
    () => {},
  );
  for (const at of [0, 1]) {
    const nowMs = T0 + at * DAY;
    const record = sale({ externalEventId: `evt_${at}`, businessKey: `in_${at}` });
    await outbox.put(
      batchOf([record], () => "unused"),
      nowMs,
    );
    const admit = (lane: object, count: number) => ({ count, lane });
    const { entries } = await outbox.claim({ nowMs, leaseMs: 60_000, max: 1, maxStarts: 5, admit });
    for (const entry of entries) {
      await outbox.settle(entry, { state: "dead", error: { reason: "rejected" } }, nowMs, (lane) => lane);
    }
  }
  return { letters, counts: async () => (await outbox.stats()).counts };
}

describe("a filter of dead letters", () => {
  it.each<[string, object, string]>([
    ["a field that there is none of", { createdafter: new Date(T0) }, "has no option createdafter; it has source"],
    ["a state", { state: "delivered" }, "a filter of deadLetters has no option state"],
    ["an id", { id: "1" }, "a filter of deadLetters has no option id"],
    ["a list of ids", { ids: ["1"] }, "a filter of deadLetters has no option ids"],
    ["a list", ["1"], "a filter of deadLetters has no option 0"],
    ["a date that is text", { createdAfter: "2026-01-01" }, "createdAfter and createdBefore must be a Date"],
    ["a date that is a number", { createdBefore: T0 }, "createdAfter and createdBefore must be a Date"],
    ["a date that is none", { createdBefore: new Date("soon") }, "createdAfter and createdBefore must be a Date"],
    ["no date", { createdAfter: null }, "createdAfter and createdBefore must be a Date"],
  ])("is refused with %s, and neither replays nor discards anything", async (_, filter, message) => {
    const { letters, counts } = await buried();
    for (const act of [letters.list, letters.replay, letters.discard]) {
      await expect(act(filter as DeadLetterFilter)).rejects.toMatchObject({
        code: "invalid_options",
        message: expect.stringContaining(message),
      });
    }
    expect(await counts()).toMatchObject({ dead: 2, pending: 0, discarded: 0 });
  });

  it.each([null, undefined, 42, true])("that is %s means none of them, not all", async (which) => {
    const { letters, counts } = await buried();
    for (const act of [letters.replay, letters.discard]) {
      await expect(act(which as never)).rejects.toMatchObject({ code: "invalid_options" });
    }
    expect(await counts()).toMatchObject({ dead: 2, pending: 0, discarded: 0 });
  });

  it("means those that fit all of it, and all of them where it is empty", async () => {
    const { letters, counts } = await buried();
    expect(await letters.list({ createdAfter: new Date(T0 + 1), source: "stripe" })).toMatchObject([
      { externalEventId: "evt_1" },
    ]);
    expect(await letters.list({ createdBefore: undefined })).toHaveLength(2);
    expect(await letters.replay({ createdBefore: new Date(T0 + DAY) })).toBe(1);
    expect(await letters.discard({})).toBe(1);
    expect(await counts()).toMatchObject({ dead: 0, pending: 1, discarded: 1 });
  });
});
