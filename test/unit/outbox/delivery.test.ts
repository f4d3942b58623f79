import { describe, expect, it } from "vitest";
import type { Refund, RelayEvent } from "../../../src/event.js";
import { type Answer, created, error, HOUR, json, MINUTE, referred, SECOND, station } from "./station.js";
import { refund, sale } from "./support.js";

const DAY = 24 * HOUR;
const confirmed = ["customer:cus_1", "confirmed:cus_1"];

/** What is known of the customer after one attempt at a record, answered like this. */
async function learnt(answer: Answer, record: RelayEvent | Refund = sale(referred)) {
  const { put, worker, time, outbox } = station(answer);
  worker.start();
  await put(record);
  await time.pass(SECOND);
  await worker.stop(0);
  return Object.fromEntries(await outbox.referralsOf("stripe", confirmed));
}

describe("the referral of an event", () => {
  it("is its customer's once the endpoint has confirmed it, for the first time or again", async () => {
    const both = { "customer:cus_1": "ref_1", "confirmed:cus_1": "ref_1" };
    expect(await learnt(created)).toEqual(both);
    expect(await learnt(() => json(200, { success: true, data: { id: "conv_1", replayed: true } }))).toEqual(both);
  });

  it.each([
    ["does not know it", error(404, "NOT_FOUND")],
    ["refuses the event", error(400, "VALIDATION_ERROR")],
    ["failed", error(503, "INTERNAL_ERROR")],
  ])("is not its customer's where the endpoint %s", async (_, answer) => {
    expect(await learnt(() => answer.clone())).toEqual({});
  });

  it("is not its customer's where the endpoint knows the customer under another one", async () => {
    const disagree = { success: false, error: { code: "VALIDATION_ERROR", message: "no", field: "customer_id" } };
    expect(
      await learnt((one, count) => ("customer_id" in one.body ? json(400, disagree) : created(one, count))),
    ).toEqual({});
  });

  it("does not take the customer from the one who was confirmed before", async () => {
    const { put, worker, time, outbox } = station();
    worker.start();
    await put(sale(referred));
    await time.pass(SECOND);
    const other = { externalEventId: "evt_2", businessKey: "invoice:in_2", identity: { referralId: "ref_2" } };
    await put(sale({ ...other, references: { invoice: "in_2", customer: "cus_1" } }));
    await time.pass(SECOND);
    expect([...(await outbox.referralsOf("stripe", confirmed)).values()]).toEqual(["ref_1", "ref_1"]);
    await worker.stop(0);
  });

  it("that is none teaches nothing, nor does a refund", async () => {
    expect(
      await learnt(created, sale({ references: { invoice: "in_1", customer: "cus_1", subscription: "sub_1" } })),
    ).toEqual({});
    expect(await learnt(created, refund())).toEqual({});
  });
});

/** Two sales that a wrong key has kept for longer than attempts are made. */
async function blockedForLong() {
  let answer: Answer = () => error(401, "UNAUTHORIZED");
  const { put, ...others } = station((one, count) => answer(one, count));
  others.worker.start();
  await put(sale(referred), sale({ ...referred, externalEventId: "evt_2", businessKey: "invoice:in_2" }));
  await others.time.pass(MINUTE);
  others.time.nowMs += 8 * DAY;
  const answerWith = (next: Answer) => {
    answer = next;
  };
  return { ...others, answerWith };
}

describe("an attempt that failed", () => {
  it("after a pause that lasted for longer than attempts are made has the time of a new event", async () => {
    const { worker, time, told, entry, answerWith } = await blockedForLong();
    // Somebody has mended the key. One event ends the pause, and the other meets an error of the endpoint.
    answerWith((one, count) =>
      one.body["external_event_id"] === "evt_1" ? created(one, count) : error(503, "INTERNAL_ERROR"),
    );
    await time.pass(3 * MINUTE);
    expect(told).toContain("evt_1 delivered");
    expect(await entry("evt_2")).toMatchObject({ state: "pending", error: { status: 503 } });
    await time.pass(8 * DAY);
    expect(await entry("evt_2")).toMatchObject({ state: "dead", error: { reason: "too_old" } });
    await worker.stop(0);
  });

  it("has that time also where the endpoint is down when the key is mended", async () => {
    const { worker, time, told, entry, answerWith } = await blockedForLong();
    answerWith(() => error(503, "INTERNAL_ERROR"));
    // Long enough to be taken for down, and to be probed with each of them.
    await time.pass(HOUR);
    expect(told).toContain("paused unavailable");
    expect([(await entry("evt_1")).state, (await entry("evt_2")).state]).toEqual(["pending", "pending"]);
    answerWith(created);
    await time.pass(2 * MINUTE);
    expect(told).toEqual(expect.arrayContaining(["evt_1 delivered", "evt_2 delivered"]));
    await worker.stop(0);
  });
});
