import { describe, expect, it, vi } from "vitest";
import type { RelayEvent } from "../../../src/event.js";
import { batchOf } from "../../../src/outbox/batch.js";
import { memoryOutbox } from "../../../src/outbox/memory.js";
import {
  created,
  error,
  HOUR,
  json,
  lostProcess,
  MINUTE,
  most,
  never,
  referred,
  SECOND,
  type Sent,
  sales,
  station,
  T0,
  withMethods,
} from "./station.js";
import { link, refund, sale } from "./support.js";
import { VirtualTime } from "./virtual-time.js";

// Days pass in virtual time; what that takes in true time depends on what else the machine does.
vi.setConfig({ testTimeout: 60_000 });

describe("the worker", () => {
  it("delivers what was there before it started, and what comes afterwards, each once", async () => {
    const { put, worker, time, sent, told, entry } = station();
    await put(sale(referred));
    worker.start();
    await time.pass(SECOND);
    await put(sale({ ...referred, externalEventId: "evt_2", businessKey: "invoice:in_2" }), sale(referred));
    await time.pass(HOUR);
    expect(sent.map(({ path, body }) => [path, body["external_event_id"], body["referral_id"]])).toEqual([
      ["/events", "evt_1", "ref_1"],
      ["/events", "evt_2", "ref_1"],
    ]);
    expect(told).toEqual(["evt_1 delivered", "evt_2 delivered"]);
    expect(await entry("evt_1")).toMatchObject({ state: "delivered", conversionId: "conv_1", attempts: 0 });
    await worker.stop(0);
  });

  it("tries a failure again by the schedule until it is delivered", async () => {
    const { put, worker, time, seconds, told, entry } = station((sent, count) =>
      count < 5 ? json(503, {}) : created(sent, count),
    );
    await put(sale(referred));
    worker.start();
    await time.pass(24 * HOUR);
    expect(seconds()).toEqual([0, 5, 35, 155, 755]);
    expect(told).toEqual([...Array.from({ length: 4 }, () => "evt_1 again"), "evt_1 delivered"]);
    expect(await entry("evt_1")).toMatchObject({ attempts: 4, error: null });
    await worker.stop(0);
  });

  it("gives an event up that fails for 7 days, and keeps it as a dead letter", async () => {
    const { put, worker, time, seconds, told, entry } = station(() => json(500, {}));
    await put(sale(referred));
    worker.start();
    await time.pass(HOUR);
    time.nowMs += 6 * 24 * HOUR;
    await time.pass(2 * 24 * HOUR);
    expect(seconds().at(-1)).toBeGreaterThan(6.7 * 24 * 3_600);
    expect(seconds().at(-1)).toBeLessThanOrEqual(7 * 24 * 3_600);
    expect(told.at(-1)).toBe("evt_1 dead too_old");
    expect((await entry("evt_1")).state).toBe("dead");
    await worker.stop(0);
  });

  it("keeps the pace by the clock as it is once it has the store's lock, however long it waited for that", async () => {
    const [time, outbox, sent] = [new VirtualTime(T0), memoryOutbox(), [] as Sent[]];
    const waiting = withMethods(outbox, {
      claim: async (request) => {
        await new Promise<void>((resolve) => time.after(5 * SECOND, resolve));
        return outbox.claim(request);
      },
    });
    const shared = { time, sent };
    const [prompt, slow] = [station(created, { ...shared, outbox }), station(created, { ...shared, outbox: waiting })];
    await prompt.put(...sales(900));
    prompt.worker.start();
    slow.worker.start();
    await time.pass(10 * MINUTE);
    expect(sent).toHaveLength(900);
    expect(most(prompt.seconds(), 60)).toBeLessThanOrEqual(285);
    expect(most(prompt.seconds(), 1)).toBeLessThanOrEqual(9);
    const stopped = Promise.all([prompt.worker.stop(0), slow.worker.stop(0)]);
    await time.pass(10 * SECOND);
    await stopped;
  });

  it.each([-HOUR, HOUR])("goes by the store's clock, which differs by %i ms from its own", async (aheadMs) => {
    const memory = memoryOutbox();
    const outbox = withMethods(memory, { now: (localNowMs) => localNowMs + aheadMs });
    const { put, worker, time, seconds, told } = station(
      (sent, count) =>
        count === 1 ? error(429, "RATE_LIMIT_EXCEEDED", { "retry-after": "120" }) : created(sent, count),
      { outbox },
    );
    await put(sale(referred));
    time.nowMs += Math.max(-aheadMs, 0);
    worker.start();
    await time.pass(HOUR);
    expect(seconds().map((at) => at - (seconds()[0] ?? 0))).toEqual([0, 120]);
    expect(told.at(-1)).toBe("evt_1 delivered");
    await worker.stop(0);
  });

  it("neither holds nor leaves what a clock put there that was ahead", async () => {
    const { worker, time, seconds, outbox } = station();
    const ids = ["evt_month", "evt_year"];
    const records = ids.map((externalEventId) => sale({ externalEventId, businessKey: externalEventId }));
    const days = [30, 365];
    for (const [at, record] of records.entries()) {
      await outbox.put(
        batchOf([record], () => "unused"),
        T0 + (days[at] ?? 0) * 24 * HOUR,
      );
    }
    worker.start();
    await time.pass(SECOND);
    expect(seconds()).toEqual([0, 0]);
    await worker.stop(0);
  });

  it("gives the places in the rate limit of those that it holds to those that go", async () => {
    const atOnce = async (...held: RelayEvent[]) => {
      const { put, worker, time, seconds } = station();
      await put(...held);
      await put(...sales(30));
      worker.start();
      await time.pass(10 * SECOND);
      await worker.stop(0);
      return seconds();
    };
    const waiting = Array.from({ length: 40 }, (_, at) =>
      sale({ externalEventId: `w_${at}`, businessKey: `w_${at}`, references: { subscription: `sub_${at}` } }),
    );
    const alone = await atOnce();
    const beside = await atOnce(...waiting);
    expect(beside).toHaveLength(alone.length);
    expect(beside.filter((at) => at === 0)).toHaveLength(alone.filter((at) => at === 0).length);
  });

  it("tells the store of what the endpoint said for half the lease, so that one commit that fails loses nothing", async () => {
    const memory = memoryOutbox();
    let failures = 0;
    const outbox = withMethods(memory, {
      settle: async (...args) => {
        if (++failures <= 20) throw new Error("the database is locked");
        return memory.settle(...args);
      },
    });
    const { put, worker, time, sent, told, lines } = station(created, { outbox });
    await put(sale(referred));
    worker.start();
    await time.pass(10 * MINUTE);
    expect(sent).toHaveLength(1);
    expect(told).toEqual(["evt_1 delivered"]);
    expect(lines.filter(({ level }) => level === "error")).toEqual([]);
    await worker.stop(0);
  });

  it("sends it again when its lease is over, where the store failed for longer", async () => {
    const memory = memoryOutbox();
    const outbox = withMethods(memory, {
      settle: async (...args) => {
        if (time.nowMs < T0 + 50 * SECOND) throw new Error("the database is locked");
        return memory.settle(...args);
      },
    });
    const { put, worker, time, seconds, told, lines } = station(created, { outbox });
    await put(sale(referred));
    worker.start();
    await time.pass(10 * MINUTE);
    expect(seconds()).toEqual([0, 60]);
    expect(told).toEqual(["evt_1 delivered"]);
    expect(lines.filter(({ level }) => level === "error")).toHaveLength(1);
    await worker.stop(0);
  });

  it("drains a backlog at the full rate and never faster", async () => {
    const { put, worker, time, seconds } = station();
    await put(...sales(900));
    worker.start();
    await time.pass(10 * MINUTE);
    const times = seconds();
    expect(times).toHaveLength(900);
    expect(most(times, 60)).toBeLessThanOrEqual(285);
    expect(most(times, 1)).toBeLessThanOrEqual(9);
    expect(times.at(-1)).toBeLessThan((900 / (0.97 * 285)) * 60 + 1);
    await worker.stop(0);
  });

  it("has no more requests under way than it may", async () => {
    let underWay = 0;
    let worst = 0;
    const { put, worker, time, sent } = station(
      async (one, count) => {
        worst = Math.max(worst, ++underWay);
        await new Promise<void>((resolve) => time.after(2 * SECOND, resolve));
        underWay--;
        return created(one, count);
      },
      { concurrency: 3 },
    );
    await put(...sales(30));
    worker.start();
    await time.pass(5 * MINUTE);
    expect(worst).toBe(3);
    expect(sent).toHaveLength(30);
    await worker.stop(0);
  });

  it("keeps quiet for as long as a 429 asks for, and has lost no attempt by it", async () => {
    const { put, worker, time, seconds, entry } = station((sent, count) =>
      count === 1 ? error(429, "RATE_LIMIT_EXCEEDED", { "retry-after": "120" }) : created(sent, count),
    );
    await put(sale(referred));
    worker.start();
    await time.pass(SECOND);
    await put(sale({ ...referred, externalEventId: "evt_2", businessKey: "invoice:in_2" }));
    await time.pass(HOUR);
    expect(seconds()).toEqual([0, 120, 120]);
    expect(await entry("evt_1")).toMatchObject({ state: "delivered", attempts: 0 });
    await worker.stop(0);
  });

  it("slows down to the limit that the endpoint names", async () => {
    const { put, worker, time, seconds } = station((_, count) =>
      json(201, { success: true, data: { id: `c${count}` } }, { "x-ratelimit-limit": "120" }),
    );
    await put(...sales(600));
    worker.start();
    await time.pass(4 * MINUTE);
    const later = seconds().filter((at) => at > 10);
    expect(most(later, 60)).toBeLessThanOrEqual(114);
    expect(later.length).toBeGreaterThan(300);
    await worker.stop(0);
  });
});

describe("a wrong key", () => {
  it("pauses at once, is probed once a minute for a day, buries nothing, and is over within a minute", async () => {
    let isWrong = true;
    const { put, worker, time, seconds, told, outbox } = station((sent, count) =>
      isWrong ? error(401, "UNAUTHORIZED") : created(sent, count),
    );
    await put(...sales(50));
    worker.start();
    await time.pass(24 * HOUR);
    // Those of the first burst were under way before the first answer came.
    expect(seconds().filter((at) => at > 0).length).toBeLessThanOrEqual(1_440);
    expect(
      most(
        seconds().filter((at) => at > 0),
        59,
      ),
    ).toBe(1);
    expect(told.filter((line) => line.startsWith("paused"))).toEqual(["paused unauthorized"]);
    expect(await outbox.stats()).toMatchObject({ counts: { pending: 50, dead: 0 } });
    const entries = await outbox.list({}, { limit: 100 });
    expect(entries.every(({ attempts }) => attempts === 0)).toBe(true);

    isWrong = false;
    await time.pass(2 * MINUTE);
    expect(told.filter((line) => line === "resumed")).toHaveLength(1);
    expect(await outbox.stats()).toMatchObject({ counts: { pending: 0, delivered: 50 } });
    await worker.stop(0);
  });
});

describe("an endpoint that is down", () => {
  it("is probed once a minute after 10 failures, and all that waits for a retry goes once it takes one event", async () => {
    let isDown = true;
    const { put, worker, time, seconds, told, outbox } = station((sent, count) =>
      isDown ? json(502, {}) : created(sent, count),
    );
    await put(...sales(40));
    worker.start();
    await time.pass(6 * HOUR);
    expect(told).toContain("paused unavailable");
    const afterwards = seconds().filter((at) => at > 60);
    expect(most(afterwards, 59)).toBe(1);
    // Those that probed, dozens of times each, have lost no attempt by it.
    const attempts = (await outbox.list({}, { limit: 100 })).reduce((sum, one) => sum + one.attempts, 0);
    expect(attempts).toBeLessThanOrEqual(18);
    expect(seconds().length).toBeGreaterThan(300);

    isDown = false;
    await put(sale({ ...referred, externalEventId: "evt_new", businessKey: "invoice:in_new" }));
    await time.pass(3 * MINUTE);
    expect(told.filter((line) => line === "resumed")).toHaveLength(1);
    expect(await outbox.stats()).toMatchObject({ counts: { pending: 0, dead: 0, delivered: 41 } });
    await worker.stop(0);
  });
});

describe("a pause", () => {
  it("is told anew when its reason is another one: what a person has to do is another, too", async () => {
    let status = 502;
    const { put, worker, time, told } = station(() => (status === 502 ? json(502, {}) : error(status, "UNAUTHORIZED")));
    await put(...sales(10));
    worker.start();
    await time.pass(10 * MINUTE);
    status = 401;
    await time.pass(10 * MINUTE);
    expect(told.filter((line) => line.startsWith("paused"))).toEqual(["paused unavailable", "paused unauthorized"]);
    await worker.stop(0);
  });
});

describe("an endpoint that is back", () => {
  it("gets at once what would have waited for its next try for hours", async () => {
    let isDown = true;
    const { put, worker, time, seconds, told } = station((sent, count) =>
      isDown ? json(502, {}) : created(sent, count),
    );
    await put(sale(referred));
    worker.start();
    // Nine failures: the tenth would come 6 hours after them.
    await time.pass(8 * HOUR);
    expect(seconds()).toHaveLength(9);
    await put(sale({ ...referred, externalEventId: "evt_2", businessKey: "invoice:in_2" }));
    await time.pass(SECOND);
    expect(told.at(-1)).toBe("evt_2 again");
    expect(told).toContain("paused unavailable");
    isDown = false;
    await time.pass(2 * MINUTE);
    expect(told.slice(-3).sort()).toEqual(["evt_1 delivered", "evt_2 delivered", "resumed"]);
    await worker.stop(0);
  });
});

describe("an entry that probes a paused lane", () => {
  it("is due again after a minute, with the attempts that it had", async () => {
    const { put, worker, time, seconds, told, entry } = station(() => json(502, {}));
    await put(sale(referred));
    worker.start();
    // Ten failures by the schedule: then the endpoint is taken to be down.
    await time.pass(24 * HOUR);
    expect(told).toContain("paused unavailable");
    const before = seconds().length;
    const { attempts } = await entry("evt_1");
    expect(attempts).toBe(10);
    await time.pass(HOUR);
    expect(seconds().length - before).toBeGreaterThanOrEqual(58);
    expect(seconds().length - before).toBeLessThanOrEqual(60);
    expect(await entry("evt_1")).toMatchObject({ attempts: 10, state: "pending", error: { status: 502 } });
    await worker.stop(0);
  });

  it("and has nothing to send leaves the probe to another, at once", async () => {
    const { put, worker, time, seconds, told } = station(() => error(401, "UNAUTHORIZED"));
    await put(sale(referred));
    worker.start();
    await time.pass(10 * SECOND);
    // Refunds of sales that nobody has told us of wait for them.
    await put(
      ...Array.from({ length: 5 }, (_, at) =>
        refund({ externalEventId: `re_${at}`, businessKey: `re_${at}`, saleKey: `in_${at}`, references: {} }),
      ),
    );
    await time.pass(5 * MINUTE);
    expect(told.filter((line) => line.endsWith("held"))).toHaveLength(5);
    expect(seconds()).toEqual([0, 60, 120, 180, 240, 300]);
    await worker.stop(0);
  });
});

describe("refusals", () => {
  it("are dead letters at once and keep no other event back", async () => {
    const { put, worker, time, told, sent } = station((one, count) =>
      one.body["external_event_id"] === "evt_1" ? error(400, "VALIDATION_ERROR") : created(one, count),
    );
    await put(...sales(3));
    worker.start();
    await time.pass(24 * HOUR);
    expect(told.sort()).toEqual(["evt_0 delivered", "evt_1 dead rejected", "evt_2 delivered"]);
    expect(sent).toHaveLength(3);
    await worker.stop(0);
  });

  it("pause after 20 in a row, so that the rest of the backlog stays", async () => {
    const { put, worker, time, told, outbox } = station(() => error(400, "VALIDATION_ERROR"));
    await put(...sales(200));
    worker.start();
    await time.pass(30 * SECOND);
    expect(told).toContain("paused rejecting");
    const { counts } = await outbox.stats();
    expect(counts.dead).toBeLessThanOrEqual(30);
    await worker.stop(0);
  });

  it("bury no more of it while it is paused, and the rest is delivered once the endpoint takes events again", async () => {
    let isMended = false;
    const { put, worker, time, told, outbox } = station((one, count) =>
      isMended ? created(one, count) : error(400, "VALIDATION_ERROR"),
    );
    await put(...sales(200));
    worker.start();
    await time.pass(30 * SECOND);
    const { counts: before } = await outbox.stats();
    await time.pass(3 * HOUR);
    expect((await outbox.stats()).counts).toEqual(before);
    isMended = true;
    await time.pass(2 * HOUR);
    expect((await outbox.stats()).counts).toMatchObject({
      pending: 0,
      dead: before.dead,
      delivered: 200 - before.dead,
    });
    expect(told.filter((line) => line.startsWith("paused") || line === "resumed")).toEqual([
      "paused rejecting",
      "resumed",
    ]);
    await worker.stop(0);
  });

  it("for a customer that nobody referred are neither failures nor dead letters", async () => {
    const { put, worker, time, told, outbox } = station(() => error(404, "NOT_FOUND"));
    await put(...sales(30));
    worker.start();
    await time.pass(HOUR);
    expect(told.every((line) => line.endsWith("unmatched"))).toBe(true);
    expect(await outbox.stats()).toMatchObject({ counts: { unmatched: 30, dead: 0, pending: 0 } });
    await worker.stop(0);
  });
});

describe("a sale that names no referral", () => {
  it("waits for its link and goes with the referral as soon as that comes", async () => {
    const { put, worker, time, sent, seconds } = station();
    worker.start();
    await put(sale());
    await time.pass(10 * SECOND);
    expect(sent).toEqual([]);
    await put(link());
    await time.pass(SECOND);
    expect(sent).toMatchObject([{ body: { referral_id: "ref_1", customer_id: "cus_1" } }]);
    expect(seconds()).toEqual([10]);
    await worker.stop(0);
  });

  it("goes without one after a minute", async () => {
    const { put, worker, time, sent, seconds } = station();
    worker.start();
    await put(sale());
    await time.pass(HOUR);
    expect(seconds()).toEqual([60]);
    expect(sent[0]?.body).not.toHaveProperty("referral_id");
    await worker.stop(0);
  });

  it("does not wait when the link is there already, nor when nothing could link it", async () => {
    const { put, worker, time, seconds } = station();
    worker.start();
    await put(link());
    await put(sale(), sale({ externalEventId: "evt_2", businessKey: "x", references: { payment: "pi_9" } }));
    await time.pass(SECOND);
    expect(seconds()).toEqual([0, 0]);
    await worker.stop(0);
  });

  it("that was unmatched goes again when its link comes late", async () => {
    const { put, worker, time, sent, told } = station((one, count) =>
      one.body["referral_id"] === undefined ? error(404, "NOT_FOUND") : created(one, count),
    );
    worker.start();
    await put(sale());
    await time.pass(24 * HOUR);
    await put(link());
    await time.pass(SECOND);
    expect(told).toEqual(["evt_1 held", "evt_1 unmatched", "evt_1 delivered"]);
    expect(sent[1]?.body).toMatchObject({ referral_id: "ref_1", external_event_id: "evt_1" });
    await worker.stop(0);
  });

  it("waits only as the first one of its subscription: a renewal would have been linked by now", async () => {
    const { put, worker, time, seconds, told } = station();
    worker.start();
    await put(sale());
    await time.pass(10 * SECOND);
    const renewal = { externalEventId: "evt_2", businessKey: "invoice:in_2" };
    await put(sale({ ...renewal, references: { invoice: "in_2", customer: "cus_1", subscription: "sub_1" } }));
    await time.pass(2 * MINUTE);
    expect(seconds()).toEqual([10, 60]);
    expect(told).toEqual(["evt_1 held", "evt_2 delivered", "evt_1 delivered"]);
    await worker.stop(0);
  });

  it("waits as a one-off sale too, where a link may come of its customer", async () => {
    const { put, worker, time, seconds } = station();
    worker.start();
    const oneOff = (at: number, references: object) =>
      sale({ externalEventId: `evt_${at}`, businessKey: `pi_${at}`, references });
    await put(oneOff(1, { payment: "pi_1", customer: "cus_1" }), oneOff(2, { payment: "pi_2" }));
    await time.pass(5 * SECOND);
    await put(oneOff(3, { payment: "pi_3", customer: "cus_1" }));
    await time.pass(2 * MINUTE);
    expect(seconds()).toEqual([0, 60, 65]);
    await worker.stop(0);
  });

  it.each(["lead", "trial", "milestone"])("does not wait where it is no sale but a %s", async (type) => {
    const { put, worker, time, seconds } = station();
    worker.start();
    await put(sale({ type }));
    await time.pass(SECOND);
    expect(seconds()).toEqual([0]);
    await worker.stop(0);
  });

  it("that was unmatched stays so when a link tells of its customer alone, whom somebody referred since", async () => {
    const { put, worker, time, sent, told } = station((one, count) =>
      one.body["referral_id"] === undefined ? error(404, "NOT_FOUND") : created(one, count),
    );
    worker.start();
    await put(sale());
    await time.pass(HOUR);
    await put(link({ references: { customer: "cus_1" } }));
    await time.pass(HOUR);
    expect(told).toEqual(["evt_1 held", "evt_1 unmatched"]);
    expect(sent).toHaveLength(1);
    await worker.stop(0);
  });

  it("of a customer who came back through another affiliate goes with that referral alone", async () => {
    const { put, worker, time, sent } = station();
    worker.start();
    const of = (number: number, changes: object) =>
      sale({
        externalEventId: `evt_${number}`,
        businessKey: `invoice:in_${number}`,
        references: { invoice: `in_${number}`, customer: "cus_1" },
        ...changes,
      });
    await put(of(1, { identity: { referralId: "ref_old", customerId: "user_1" } }));
    await time.pass(SECOND);
    await put(link({ referralId: "ref_new", references: { subscription: "sub_1" } }));
    const subscribed = { references: { invoice: "in_2", customer: "cus_1", subscription: "sub_1" } };
    await put(of(2, { ...subscribed, identity: { customerId: "user_1", externalUserId: "u_1" } }));
    await put(of(3, { identity: { customerId: "user_1" } }));
    await put(of(4, { identity: { referralId: "ref_new", customerId: "user_1" } }));
    await time.pass(SECOND);
    const ids = sent.map(({ body }) =>
      ["external_event_id", "referral_id", "customer_id", "external_user_id"].map((id) => body[id]),
    );
    expect(ids.sort()).toEqual([
      ["evt_1", "ref_old", "user_1", undefined],
      ["evt_2", "ref_new", undefined, undefined],
      ["evt_3", "ref_old", "user_1", undefined],
      ["evt_4", "ref_new", undefined, undefined],
    ]);
    await worker.stop(0);
  });

  it("is not another's because of a checkout whose referral the endpoint never confirmed", async () => {
    const { put, worker, time, sent } = station((one, count) =>
      one.body["referral_id"] === "ref_gone" ? error(404, "NOT_FOUND") : created(one, count),
    );
    worker.start();
    await put(link({ referralId: "ref_gone", references: { customer: "cus_1" } }));
    const second = { externalEventId: "evt_2", businessKey: "invoice:in_2" };
    await put(sale({ references: { invoice: "in_1", customer: "cus_1" } }));
    await time.pass(SECOND);
    await put(sale({ ...second, references: { invoice: "in_2", customer: "cus_1" }, ...referred }));
    await time.pass(SECOND);
    const third = { externalEventId: "evt_3", businessKey: "invoice:in_3" };
    await put(sale({ ...third, references: { invoice: "in_3", customer: "cus_1" } }));
    await time.pass(SECOND);
    expect(sent.map(({ body }) => [body["referral_id"], body["customer_id"]])).toEqual([
      ["ref_gone", "cus_1"],
      // Nobody knew the referral: who knows the customer?
      [undefined, "cus_1"],
      ["ref_1", "cus_1"],
      // The confirmed referral counts from then on.
      ["ref_1", "cus_1"],
    ]);
    await worker.stop(0);
  });

  it("and nobody else is not sent, and begins anew when a link says whose it is", async () => {
    const { put, worker, time, sent, told, entry } = station();
    worker.start();
    await put(sale({ identity: {} }));
    await time.pass(2 * MINUTE);
    expect(sent).toEqual([]);
    expect(await entry("evt_1")).toMatchObject({ state: "unmatched", error: { reason: "no_identity" } });
    await put(link());
    await time.pass(SECOND);
    expect(told).toEqual(["evt_1 held", "evt_1 unmatched", "evt_1 delivered"]);
    expect(sent[0]?.body).toMatchObject({ referral_id: "ref_1" });
    await worker.stop(0);
  });

  it("does not keep others back while it waits", async () => {
    const { put, worker, time, told } = station();
    worker.start();
    await put(sale({ externalEventId: "evt_waits", businessKey: "invoice:in_waits" }));
    await put(...sales(5));
    await time.pass(5 * SECOND);
    expect(told.filter((line) => line.endsWith("delivered"))).toHaveLength(5);
    await worker.stop(0);
  });
});

describe("a refund", () => {
  it("goes to the conversion that its sale became, measured like the sale", async () => {
    const { put, worker, time, sent } = station();
    worker.start();
    await put(sale({ ...referred, paid: { minorUnits: 11_900, currency: "EUR" } }));
    await put(refund());
    await time.pass(HOUR);
    expect(sent.map(({ path }) => path)).toEqual(["/events", "/conversions/conv_1/refund"]);
    expect(sent[1]?.body).toMatchObject({ amount: 50, currency: "EUR", external_event_id: "re_1" });
    await worker.stop(0);
  });

  it("that comes before its sale waits for it, and goes right after it", async () => {
    const { put, worker, time, sent, seconds } = station();
    worker.start();
    await put(refund());
    await time.pass(3 * HOUR);
    expect(sent).toEqual([]);
    await put(sale(referred));
    await time.pass(SECOND);
    expect(sent.map(({ path }) => path)).toEqual(["/events", "/conversions/conv_1/refund"]);
    expect(seconds()).toEqual([10_800, 10_800]);
    await worker.stop(0);
  });

  it("finds its sale by the link between invoice and payment", async () => {
    const { put, worker, time, sent } = station();
    worker.start();
    await put(sale(referred));
    await put(refund({ saleKey: undefined, references: { charge: "ch_1", payment: "pi_1" } }));
    await time.pass(MINUTE);
    expect(sent).toHaveLength(1);
    await put(link({ referralId: undefined, references: { invoice: "in_1", payment: "pi_1" } }));
    await time.pass(SECOND);
    expect(sent.map(({ path }) => path)).toEqual(["/events", "/conversions/conv_1/refund"]);
    await worker.stop(0);
  });

  it("never goes to another sale of the same customer", async () => {
    const { put, worker, time, sent, told } = station();
    worker.start();
    await put(sale(referred));
    await put(
      refund({ saleKey: undefined, references: { payment: "pi_9", customer: "cus_1", subscription: "sub_1" } }),
    );
    await time.pass(25 * HOUR);
    expect(sent).toHaveLength(1);
    expect(told.at(-1)).toBe("re_1 unmatched");
    await worker.stop(0);
  });

  it("of a sale that failed so far waits for it", async () => {
    const { put, worker, time, sent } = station((one, count) => (count < 4 ? json(500, {}) : created(one, count)));
    worker.start();
    await put(sale(referred), refund());
    await time.pass(HOUR);
    expect(sent.map(({ path }) => path).slice(3)).toEqual(["/events", "/conversions/conv_4/refund"]);
    await worker.stop(0);
  });
});

describe("a refund that found no sale", () => {
  const paths = (sent: readonly Sent[]) => sent.map(({ path }) => path);

  it("begins anew when its sale is delivered, however late", async () => {
    const { put, worker, time, sent, told } = station();
    worker.start();
    await put(refund());
    await time.pass(48 * HOUR);
    expect(told.at(-1)).toBe("re_1 unmatched");
    await put(sale(referred));
    await time.pass(SECOND);
    expect(paths(sent)).toEqual(["/events", "/conversions/conv_1/refund"]);
    expect(told.at(-1)).toBe("re_1 delivered");
    await worker.stop(0);
  });

  it("begins anew when the sale that nobody was known to have referred is delivered after all", async () => {
    const { put, worker, time, sent, told } = station((one, count) =>
      one.path === "/events" && one.body["referral_id"] === undefined ? error(404, "NOT_FOUND") : created(one, count),
    );
    worker.start();
    await put(sale(), refund());
    await time.pass(HOUR);
    expect(told).toContain("re_1 unmatched");
    await put(link());
    await time.pass(SECOND);
    expect(paths(sent)).toEqual(["/events", "/events", "/conversions/conv_2/refund"]);
    expect(told.at(-1)).toBe("re_1 delivered");
    await worker.stop(0);
  });

  it("does not go on for ever while its sale stays unmatched", async () => {
    const { put, worker, time, sent, told } = station(() => error(404, "NOT_FOUND"));
    worker.start();
    await put(sale({ identity: { referralId: "ref_1" } }), refund());
    await time.pass(24 * HOUR);
    expect(sent).toHaveLength(1);
    expect(told.filter((line) => line === "re_1 unmatched").length).toBeLessThanOrEqual(2);
    await worker.stop(0);
  });

  it("takes no trial or lead for it that has the same invoice", async () => {
    const { put, worker, time, sent, told } = station();
    worker.start();
    const trial = { type: "trial", externalEventId: "evt_trial", businessKey: "trial:sub_1" };
    await put(sale({ ...referred, ...trial, references: { invoice: "in_1", payment: "pi_1" } }));
    await put(refund({ saleKey: undefined }));
    await time.pass(HOUR);
    expect(paths(sent)).toEqual(["/events"]);
    expect(told.at(-1)).toBe("re_1 held");
    await worker.stop(0);
  });
});

describe("a hook that hangs", () => {
  it("holds up no delivery, not even with one request at a time", async () => {
    const { put, worker, time, told } = station(created, { concurrency: 1, hook: never });
    await put(...sales(20));
    worker.start();
    await time.pass(MINUTE);
    expect(told).toEqual(Array.from({ length: 20 }, (_, at) => `evt_${at} delivered`));
    const stopped = worker.stop(0);
    await time.pass(SECOND);
    await stopped;
  });

  it.each<[number, number]>([
    [60, 5],
    [2, 2],
    [0, 0],
  ])("holds up a stop that has %i seconds for no more than %i", async (timeoutSeconds, expected) => {
    const { put, worker, time } = station(created, { hook: never });
    await put(sale(referred));
    worker.start();
    await time.pass(SECOND);
    let stoppedAtMs = 0;
    const startedAtMs = time.nowMs;
    const stopped = worker.stop(timeoutSeconds * SECOND).then(() => {
      stoppedAtMs = time.nowMs;
    });
    await time.pass(2 * MINUTE);
    await stopped;
    expect(Math.round((stoppedAtMs - startedAtMs) / SECOND)).toBe(expected);
  });

  it("is waited for by a stop where it ends in time", async () => {
    let isDone = false;
    const { put, worker, time } = station(created, {
      hook: async () => {
        await new Promise<void>((resolve) => time.after(3 * SECOND, resolve));
        isDone = true;
      },
    });
    await put(sale(referred));
    worker.start();
    await time.pass(SECOND);
    const stopped = worker.stop(10 * SECOND).then(() => expect(isDone).toBe(true));
    await time.pass(10 * SECOND);
    await stopped;
  });

  it("does not keep others back while it is told of what was quarantined", async () => {
    const { put, worker, time, told, outbox } = station(created, { hook: never });
    await put(sale(referred));
    for (let start = 0; start < 5; start++) await lostProcess(outbox, T0 + start * 2 * MINUTE);
    time.nowMs = T0 + 20 * MINUTE;
    await put(sale({ ...referred, externalEventId: "evt_2", businessKey: "invoice:in_2" }));
    worker.start();
    await time.pass(SECOND);
    expect(told.sort()).toEqual(["evt_1 dead quarantined", "evt_2 delivered"]);
    const stopped = worker.stop(0);
    await time.pass(SECOND);
    await stopped;
  });

  it("is told that events flow again when all that waited is due, and keeps none of it back", async () => {
    let isDown = true;
    const { put, worker, time, told, outbox } = station(
      (sent, count) => (isDown ? json(502, {}) : created(sent, count)),
      { hook: never },
    );
    await put(...sales(30));
    worker.start();
    await time.pass(HOUR);
    expect(told).toContain("paused unavailable");
    isDown = false;
    await time.pass(2 * MINUTE);
    expect(told).toContain("resumed");
    expect((await outbox.stats()).counts).toMatchObject({ delivered: 30, pending: 0 });
    const stopped = worker.stop(0);
    await time.pass(SECOND);
    await stopped;
  });

  it("and one that throws is logged and changes nothing", async () => {
    const { put, worker, time, lines, outbox } = station(created, {
      hook: () => Promise.reject(new Error("the hook is broken")),
    });
    await put(...sales(3));
    worker.start();
    await time.pass(MINUTE);
    expect((await outbox.stats()).counts).toMatchObject({ delivered: 3 });
    expect(lines.filter(({ level }) => level === "error")).toHaveLength(3);
    await worker.stop(0);
  });
});

describe("starting and stopping", () => {
  it("is idempotent", async () => {
    const { put, worker, time, sent } = station();
    await worker.stop(0);
    worker.start();
    worker.start();
    await put(sale(referred));
    await time.pass(SECOND);
    await Promise.all([worker.stop(0), worker.stop(0)]);
    await worker.stop(0);
    await put(sale({ ...referred, externalEventId: "evt_2", businessKey: "invoice:in_2" }));
    await time.pass(HOUR);
    expect(sent).toHaveLength(1);
    worker.start();
    await time.pass(SECOND);
    expect(sent).toHaveLength(2);
    await worker.stop(0);
  });

  it("waits for what is under way", async () => {
    const { put, worker, time, told } = station(async (one, count) => {
      await new Promise<void>((resolve) => time.after(3 * SECOND, resolve));
      return created(one, count);
    });
    worker.start();
    await put(sale(referred));
    await time.pass(SECOND);
    const stopped = worker.stop(10 * SECOND);
    await time.pass(5 * SECOND);
    await stopped;
    expect(told).toEqual(["evt_1 delivered"]);
  });

  it("gives back what is not done in time, and the next run sends it under the same id", async () => {
    let hangs = true;
    const { put, worker, time, sent, told, entry } = station((one, count) =>
      hangs ? new Promise<never>(() => {}) : created(one, count),
    );
    worker.start();
    await put(sale(referred));
    await time.pass(SECOND);
    const stopped = worker.stop(10 * SECOND);
    await time.pass(11 * SECOND);
    await stopped;
    expect(told).toEqual([]);
    expect(await entry("evt_1")).toMatchObject({ state: "pending", attempts: 0 });

    hangs = false;
    worker.start();
    await time.pass(SECOND);
    expect(sent.map(({ body }) => body["external_event_id"])).toEqual(["evt_1", "evt_1"]);
    expect(told).toEqual(["evt_1 delivered"]);
    await worker.stop(0);
  });
});

describe("an attempt that a stop cuts", () => {
  it("is no dead letter, however old its event is", async () => {
    let hangs = true;
    const { worker, time, told, outbox, entry } = station((one, count) => (hangs ? never() : created(one, count)));
    await outbox.put(
      batchOf([sale(referred)], () => "unused"),
      T0 - 7 * 24 * HOUR,
    );
    worker.start();
    await time.pass(SECOND);
    const stopped = worker.stop(2 * SECOND);
    await time.pass(3 * SECOND);
    await stopped;
    expect(told).toEqual([]);
    expect(await entry("evt_1")).toMatchObject({ state: "pending", attempts: 0, error: null });
    hangs = false;
    worker.start();
    await time.pass(SECOND);
    expect(told).toEqual(["evt_1 delivered"]);
    await worker.stop(0);
  });

  it("ends in time, also where fetch heeds no signal", async () => {
    const { put, worker, time, told, entry } = station(never, { isDeaf: true });
    await put(...sales(3));
    worker.start();
    await time.pass(SECOND);
    let isStopped = false;
    const stopped = worker.stop(10 * SECOND).then(() => {
      isStopped = true;
    });
    await time.pass(9 * SECOND);
    expect(isStopped).toBe(false);
    await time.pass(2 * SECOND);
    expect(isStopped).toBe(true);
    await stopped;
    expect(told).toEqual([]);
    expect(await entry("evt_0")).toMatchObject({ state: "pending", attempts: 0 });
  });

  it("counts as never started, so that stopping often quarantines nothing", async () => {
    const { put, worker, time, told } = station(never);
    await put(sale(referred));
    for (let run = 0; run < 8; run++) {
      worker.start();
      await time.pass(SECOND);
      const stopped = worker.stop(SECOND);
      await time.pass(2 * SECOND);
      await stopped;
    }
    expect(told).toEqual([]);
  });

  it("keeps its answer where that came before the cut", async () => {
    const { put, worker, time, told } = station(async (one, count) => {
      await new Promise<void>((resolve) => time.after(2 * SECOND, resolve));
      return count === 1 ? error(400, "VALIDATION_ERROR") : created(one, count);
    });
    await put(...sales(2));
    worker.start();
    await time.pass(SECOND);
    const stopped = worker.stop(SECOND + 10);
    await time.pass(5 * SECOND);
    await stopped;
    expect(told.sort()).toEqual(["evt_0 dead rejected", "evt_1 delivered"]);
  });
});

describe("what takes its process down", () => {
  it("is quarantined after five starts without being sent again, and the others flow", async () => {
    const { put, worker, time, sent, told, outbox } = station();
    await put(sale(referred));
    // Five processes that claimed it and were never heard of again.
    for (let start = 0; start < 5; start++) {
      expect(await lostProcess(outbox, T0 + start * 2 * MINUTE)).toEqual(["evt_1"]);
    }
    await put(sale({ ...referred, externalEventId: "evt_2", businessKey: "invoice:in_2" }));
    await time.pass(10 * MINUTE);
    worker.start();
    await time.pass(MINUTE);
    expect(told).toEqual(["evt_1 dead quarantined", "evt_2 delivered"]);
    expect(sent).toHaveLength(1);
    await worker.stop(0);
  });

  it("is sent again by the worker that comes after it, once its lease is over", async () => {
    const { put, worker, time, seconds, outbox } = station();
    await put(sale(referred));
    await lostProcess(outbox, T0);
    worker.start();
    await time.pass(5 * MINUTE);
    expect(seconds()).toEqual([60]);
    await worker.stop(0);
  });

  it("goes alone once it was started more than twice: after those that are under way, and before all others", async () => {
    const underWay = new Set<unknown>();
    const beside: Record<string, number> = {};
    const { put, worker, time, sent, told, outbox } = station(async (one, count) => {
      underWay.add(one);
      const ids = [...underWay].map((other) => String((other as Sent).body["external_event_id"]));
      for (const id of ids) beside[id] = Math.max(beside[id] ?? 0, ids.length);
      await new Promise<void>((resolve) => time.after(2 * SECOND, resolve));
      underWay.delete(one);
      return created(one, count);
    });
    await put(...sales(8));
    // Two of them were claimed by processes that were lost, which is one too few for suspicion in the case of one.
    expect(await lostProcess(outbox, T0, 3)).toEqual(["evt_0", "evt_1", "evt_2"]);
    expect(await lostProcess(outbox, T0 + 2 * MINUTE, 2)).toEqual(["evt_0", "evt_1"]);
    time.nowMs = T0 + 4 * MINUTE;
    worker.start();
    await time.pass(MINUTE);
    expect(sent).toHaveLength(8);
    expect(told.sort()).toEqual(Array.from({ length: 8 }, (_, at) => `evt_${at} delivered`));
    expect(beside).toMatchObject({ evt_0: 1, evt_1: 1 });
    expect(beside["evt_2"]).toBeGreaterThan(1);
    await worker.stop(0);
  });

  it("waits for what is under way, so that its crash cuts none of it", async () => {
    let underWay = 0;
    const besideSuspect: number[] = [];
    const { put, worker, time, told, outbox } = station(async (one, count) => {
      underWay++;
      if (one.body["external_event_id"] === "evt_suspect") besideSuspect.push(underWay);
      await new Promise<void>((resolve) => time.after(5 * SECOND, resolve));
      underWay--;
      return created(one, count);
    });
    await put(sale({ ...referred, externalEventId: "evt_suspect", businessKey: "in_suspect" }));
    for (let start = 0; start < 2; start++) await lostProcess(outbox, T0 + start * 2 * MINUTE);
    // Its lease is over in the middle of the others' requests.
    time.nowMs = T0 + 3 * MINUTE - SECOND;
    await put(...sales(3));
    worker.start();
    await time.pass(500);
    expect(underWay).toBe(3);
    await time.pass(MINUTE);
    expect(besideSuspect).toEqual([1]);
    expect(told.at(-1)).toBe("evt_suspect delivered");
    await worker.stop(0);
  });

  it("is blamed alone: no neighbour is quarantined with it, whatever was under way when its processes ended", async () => {
    const time = new VirtualTime(T0);
    const outbox = memoryOutbox();
    const first = station(created, { time, outbox });
    await first.put(...sales(12));
    const told: string[] = [];
    const starts: Record<string, number> = {};
    let lives = 0;
    for (let isAlive = false; !isAlive; lives++) {
      isAlive = true;
      const die = () => {
        isAlive = false;
        return never();
      };
      /** Of a process that has ended, nothing is heard any more. */
      const mortal = new Proxy(outbox, {
        get(target, name) {
          const method: unknown = Reflect.get(target, name);
          if (typeof method !== "function") return method;
          return (...args: unknown[]) => (isAlive ? Reflect.apply(method, target, args) : never());
        },
      });
      const process = station(
        async (one, count) => {
          const id = String(one.body["external_event_id"]);
          starts[id] = (starts[id] ?? 0) + 1;
          if (id === "evt_5") return die();
          await new Promise<void>((resolve) => time.after(SECOND, resolve));
          return created(one, count);
        },
        { time, outbox: mortal },
      );
      process.worker.start();
      await time.pass(3 * MINUTE);
      told.push(...process.told);
      if (isAlive) await process.worker.stop(0);
      if (lives > 20) expect.fail("they go on dying");
    }
    expect(told.sort()).toEqual(
      Array.from({ length: 12 }, (_, at) => (at === 5 ? "evt_5 dead quarantined" : `evt_${at} delivered`)).sort(),
    );
    expect(starts["evt_5"]).toBe(5);
    expect(lives).toBe(6);
  });
});
