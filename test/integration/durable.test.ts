import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { RelayError } from "../../src/errors.js";
import type { Outbox } from "../../src/outbox/outbox.js";
import { sqliteOutbox } from "../../src/outbox/sqlite.js";
import { createRelay } from "../../src/relay-node.js";
import {
  Bench,
  conversionsOf,
  messagesOf,
  nudge,
  STORES,
  temporaryFolder,
  until,
} from "../proof/support/model/bench.js";
import { invoicePaid, lead, sessionCompleted } from "../proof/support/model/webhooks.js";

const MINUTE = 60_000;

/** An outbox of which some methods are replaced. */
function withMethods(outbox: Outbox, methods: Partial<Outbox>): Outbox {
  return new Proxy(outbox, {
    get(target, name) {
      const method: unknown = Reflect.get(methods, name) ?? Reflect.get(target, name);
      return typeof method === "function" ? method.bind(target) : method;
    },
  });
}

describe.each(STORES)("a relay with $store", ({ openStore }) => {
  it("answers 200 before the endpoint is asked, and delivers once the endpoint is back", async () => {
    const bench = await Bench.open(openStore);
    bench.sandbox.faults.always({ status: 503 });
    const { post, relay, told, pass, settled, retried } = bench.relay();

    expect(await post(invoicePaid("1", { referral: "ref_ada" }))).toEqual({
      status: 200,
      body: { received: true, status: "queued" },
      retryAfter: null,
    });
    await retried(1);
    expect((await relay.stats()).counts).toMatchObject({ pending: 1, delivered: 0 });
    expect(bench.sandbox.events).toEqual([]);

    bench.sandbox.faults.clear();
    await pass(MINUTE);
    await settled();
    expect(conversionsOf(bench.sandbox)).toEqual([{ id: "evt_in_1", referral: "ref_ada", amount: 100 }]);
    await until(() => expect(told.map(({ hook }) => hook)).toEqual(["delivered"]));
  });

  it("does not ask the endpoint while the provider waits, even if the endpoint never answers", async () => {
    const bench = await Bench.open(openStore);
    const asked: string[] = [];
    const { deliver, relay } = bench.relay({
      fetch: (input, init) => {
        asked.push(String(input));
        return new Promise((_, reject) => init?.signal?.addEventListener("abort", () => reject(new Error("aborted"))));
      },
    });
    expect(await deliver(invoicePaid("1", { referral: "ref_ada" }))).toEqual(["queued"]);
    await until(() => expect(asked).toHaveLength(1));
    expect((await relay.stats()).counts).toMatchObject({ pending: 1, delivered: 0 });
  });

  it("takes the same webhook twice for one sale", async () => {
    const bench = await Bench.open(openStore);
    const { deliver, settled, relay } = bench.relay();
    const webhook = invoicePaid("1", { referral: "ref_ada" });
    expect(await deliver(webhook, webhook)).toEqual(["queued", "duplicate"]);
    await settled();
    expect(await deliver(webhook)).toEqual(["duplicate"]);
    await settled();
    expect(bench.sandbox.requests).toHaveLength(1);
    expect((await relay.stats()).conflicts).toBe(0);
  });

  it("takes two events of one invoice for one sale", async () => {
    const bench = await Bench.open(openStore);
    const { deliver, settled } = bench.relay();
    const twin = (evt: string) => invoicePaid("1", { evt, referral: "ref_ada" });
    expect(await deliver(twin("evt_a"), twin("evt_b"))).toEqual(["queued", "duplicate"]);
    await settled();
    expect(conversionsOf(bench.sandbox)).toEqual([{ id: "evt_a", referral: "ref_ada", amount: 100 }]);
    expect(bench.sandbox.requests).toHaveLength(1);
  });

  it("keeps the first amount of a sale that is told twice, counts the conflict and says so", async () => {
    const bench = await Bench.open(openStore);
    const { deliver, settled, relay, lines } = bench.relay();
    const told = (evt: string, net: number) => invoicePaid("1", { evt, net, referral: "ref_ada" });
    expect(await deliver(told("evt_a", 10_000), told("evt_b", 9_000))).toEqual(["queued", "duplicate"]);
    await settled();
    expect(conversionsOf(bench.sandbox)).toEqual([{ id: "evt_a", referral: "ref_ada", amount: 100 }]);
    expect((await relay.stats()).conflicts).toBe(1);
    expect(lines).toContainEqual({
      level: "error",
      message: expect.stringMatching(/the first one stays$/),
      fields: { source: "stripe", externalEventId: "evt_b", businessKey: "invoice:in_1" },
    });
  });

  it("gives a lead without an id one that survives retries", async () => {
    const bench = await Bench.open(openStore);
    bench.sandbox.faults.next({ status: 500 });
    bench.sandbox.faults.next({ reset: "after" });
    const { deliver, settled, pass, retried } = bench.relay();
    await deliver(lead("user_1", { referral: "ref_ada" }));
    await retried(1);
    await pass(10_000);
    await retried(2);
    await pass(MINUTE);
    await settled();
    const ids = bench.sandbox.requests.map(({ body }) => JSON.parse(body).external_event_id);
    expect(ids).toHaveLength(3);
    expect(ids[0]).toMatch(/^relay_[0-9a-f-]{36}$/);
    expect(new Set(ids).size).toBe(1);
    expect(bench.sandbox.events).toHaveLength(1);
    expect(bench.sandbox.replays).toHaveLength(1);
  });

  it("takes two leads without an id for two", async () => {
    const bench = await Bench.open(openStore);
    const { deliver, settled } = bench.relay();
    await deliver(lead("user_1", { referral: "ref_ada" }), lead("user_1", { referral: "ref_ada" }));
    await settled();
    expect(bench.sandbox.events).toHaveLength(2);
  });

  it("takes a customer whom nobody referred for done, and answers his webhooks with 200", async () => {
    const bench = await Bench.open(openStore);
    const { deliver, settled, relay, told, lines, pass } = bench.relay({ linkWaitMs: 0 });
    expect(await deliver(invoicePaid("1"))).toEqual(["queued"]);
    await settled();
    await until(() => expect(told.map(({ hook }) => hook)).toEqual(["unmatched"]));
    expect((await relay.stats()).counts).toEqual({ pending: 0, delivered: 0, unmatched: 1, dead: 0, discarded: 0 });
    expect(await deliver(invoicePaid("1"))).toEqual(["duplicate"]);
    await pass(8 * 24 * 60 * MINUTE);
    // Terminal: it is the answer to a later sale that shows the relay had its chance to ask again.
    await deliver(invoicePaid("2", { referral: "ref_ada" }));
    await settled();
    expect(bench.sandbox.requests).toHaveLength(2);
    expect([...messagesOf(lines, "error"), ...messagesOf(lines, "warn")]).toEqual([]);
  });

  it("answers 503 with Retry-After while the outbox can't commit, and takes the webhook afterwards", async () => {
    const bench = await Bench.open(openStore);
    let broken = true;
    const { outbox } = bench.store;
    const { post, deliver, settled, lines } = bench.relay({
      outbox: withMethods(outbox, {
        put: async (batch, nowMs) => {
          if (broken) throw new RelayError("outbox_unavailable", "the database is locked");
          return outbox.put(batch, nowMs);
        },
      }),
    });
    const webhook = invoicePaid("1", { referral: "ref_ada" });
    expect(await post(webhook)).toEqual({
      status: 503,
      body: { error: { code: "outbox_unavailable" } },
      retryAfter: "30",
    });
    expect(lines).toContainEqual(expect.objectContaining({ level: "error" }));
    broken = false;
    expect(await deliver(webhook)).toEqual(["queued"]);
    await settled();
    expect(bench.sandbox.events).toHaveLength(1);
  });

  it("tells hooks of what became of each event, once", async () => {
    const bench = await Bench.open(openStore);
    const { deliver, settled, told } = bench.relay({ linkWaitMs: 0 });
    await deliver(invoicePaid("1", { referral: "ref_ada" }));
    await settled();
    await deliver(invoicePaid("2", { referral: "ref_of_nobody" }));
    await settled();
    bench.sandbox.faults.next({ status: 400 });
    await deliver(invoicePaid("3", { referral: "ref_ada" }));
    await settled();
    await until(() => expect(told).toHaveLength(3));
    const [conversion] = bench.sandbox.conversions;
    expect(told).toEqual([
      {
        hook: "delivered",
        value: {
          event: expect.objectContaining({ externalEventId: "evt_in_1" }),
          duplicate: false,
          conversionId: conversion?.id,
        },
      },
      { hook: "unmatched", value: expect.objectContaining({ externalEventId: "evt_in_2" }) },
      {
        hook: "deadLetter",
        value: {
          event: expect.objectContaining({ externalEventId: "evt_in_3" }),
          error: expect.objectContaining({ reason: "rejected", status: 400, code: "VALIDATION_ERROR" }),
        },
      },
    ]);
  });

  it("goes on when a hook throws", async () => {
    const bench = await Bench.open(openStore);
    const fail = () => {
      throw new Error("the hook is broken");
    };
    const { deliver, settled, lines, relay } = bench.relay({ on: { delivered: fail, paused: fail, resumed: fail } });
    await deliver(invoicePaid("1", { referral: "ref_ada" }));
    await settled();
    await deliver(invoicePaid("2", { referral: "ref_ada" }));
    await settled();
    expect((await relay.stats()).counts.delivered).toBe(2);
    await until(() => expect(messagesOf(lines, "error")).toHaveLength(2));
  });

  it("pauses when the key is refused, burns no attempt, and resumes by itself", async () => {
    const bench = await Bench.open(openStore);
    bench.sandbox.faults.always({ status: 401 });
    const { deliver, settled, retried, relay, told, pass } = bench.relay();
    await deliver(invoicePaid("1", { referral: "ref_ada" }));
    await until(() => expect(told.map(({ hook }) => hook)).toEqual(["paused"]));
    expect(told[0]?.value).toMatchObject({ reason: "unauthorized", since: expect.stringMatching(/^\d{4}-.*Z$/) });
    expect((await relay.stats()).lane).toEqual({ state: "paused", ...(told[0]?.value as object) });

    // While it is paused, webhooks are taken, and one request a minute is made.
    expect(await deliver(invoicePaid("2", { referral: "ref_ada" }))).toEqual(["queued"]);
    for (let probes = 2; probes < 5; probes++) {
      await pass(MINUTE);
      // Until it is settled: that is when the next minute begins.
      await retried(probes);
      expect(bench.sandbox.requests).toHaveLength(probes);
    }
    bench.sandbox.faults.clear();
    await pass(MINUTE);
    await settled();
    await until(() =>
      expect(told.map(({ hook }) => hook).sort()).toEqual(["delivered", "delivered", "paused", "resumed"]),
    );
    expect((await relay.stats()).lane).toEqual({ state: "open" });
    expect(bench.sandbox.events).toHaveLength(2);
  });

  it("says how it stands", async () => {
    const bench = await Bench.open(openStore);
    bench.sandbox.faults.next({ status: 429, headers: { "retry-after": "120" } });
    const { deliver, settled, relay, pass } = bench.relay({ rateLimit: { perMinute: 300, perSecond: 10 } });
    await relay.start();
    expect(await relay.stats()).toMatchObject({
      counts: { pending: 0, delivered: 0, unmatched: 0, dead: 0, discarded: 0 },
      conflicts: 0,
      oldestPendingAgeMs: undefined,
      lane: { state: "open" },
      rateLimit: { perMinute: 300, perSecond: 10 },
      etaMs: 0,
    });
    await deliver(invoicePaid("1", { referral: "ref_ada" }));
    await until(async () => expect((await relay.stats()).lane.state).toBe("rate_limited"));
    await deliver(invoicePaid("2", { referral: "ref_ada" }));
    bench.advance(MINUTE);
    const { counts, oldestPendingAgeMs, lane, etaMs } = await relay.stats();
    expect(counts.pending).toBe(2);
    expect(oldestPendingAgeMs).toBeGreaterThanOrEqual(MINUTE);
    expect(oldestPendingAgeMs).toBeLessThan(MINUTE + 30_000);
    // 2 events at about 280 a minute.
    expect(etaMs).toBeGreaterThan(400);
    expect(etaMs).toBeLessThan(600);
    const until429 = lane.state === "rate_limited" ? Date.parse(lane.until) - bench.clock() : 0;
    expect(until429).toBeGreaterThan(30_000);
    // The reset that the endpoint names is a whole second.
    expect(until429).toBeLessThanOrEqual(MINUTE + 2_000);

    await pass(2 * MINUTE);
    await settled();
    expect((await relay.stats()).lane).toEqual({ state: "open" });
    expect(bench.sandbox.events).toHaveLength(2);
  });

  it("starts and stops as often as it is asked to", async () => {
    const bench = await Bench.open(openStore);
    const { relay, post, deliver, settled } = bench.relay();
    await Promise.all([relay.start(), relay.start()]);
    await relay.start();
    await deliver(invoicePaid("1", { referral: "ref_ada" }));
    await settled();
    await Promise.all([relay.stop(), relay.stop()]);
    await relay.stop();
    expect(await post(invoicePaid("2", { referral: "ref_ada" }))).toMatchObject({ status: 503, retryAfter: "30" });
    await relay.start();
    expect(await deliver(invoicePaid("3", { referral: "ref_ada" }))).toEqual(["queued"]);
    await settled();
    expect(bench.sandbox.events.map(({ external_event_id }) => external_event_id)).toEqual(["evt_in_1", "evt_in_3"]);
  });

  it("finishes on stop what is under way, and starts nothing else", async () => {
    const bench = await Bench.open(openStore);
    bench.sandbox.faults.always({ delayMs: 50 });
    const { relay, deliver, told } = bench.relay({ concurrency: 1 });
    await deliver(invoicePaid("1", { referral: "ref_ada" }), invoicePaid("2", { referral: "ref_ada" }));
    await until(() => expect(bench.sandbox.requests.length).toBeGreaterThan(0));
    await relay.stop();
    const asked = bench.sandbox.requests.length;
    expect(told).toHaveLength(asked);
    expect(bench.sandbox.events).toHaveLength(asked);
  });

  it("stops in its time even where a request never ends", async () => {
    const bench = await Bench.open(openStore);
    let asked = 0;
    const { relay, deliver } = bench.relay({
      fetch: () => {
        asked += 1;
        return new Promise(() => {});
      },
    });
    await deliver(invoicePaid("1", { referral: "ref_ada" }));
    await until(() => expect(asked).toBe(1));
    const stopped = await Promise.race([
      relay.stop({ timeoutMs: 10 }).then(() => "stopped"),
      new Promise((resolve) => setTimeout(resolve, 2_000, "still waiting")),
    ]);
    expect(stopped).toBe("stopped");
  });

  it("takes nothing from a webhook whose mapping outlives stop()", async () => {
    const bench = await Bench.open(openStore);
    let release: (() => void) | undefined;
    let opened = 0;
    const { outbox } = bench.store;
    const { relay, post } = bench.relay({
      outbox: withMethods(outbox, {
        open: async () => {
          opened += 1;
          return outbox.open();
        },
      }),
      transform: (event) =>
        new Promise((resolve) => {
          release = () => resolve(event);
        }),
    });
    await relay.start();
    const answer = post(invoicePaid("1", { referral: "ref_ada" }));
    await until(() => expect(release).toBeDefined());
    await relay.stop({ timeoutMs: 0 });
    expect(await answer).toMatchObject({ status: 503 });
    release?.();
    // A round trip through the event loop's queues is what the late mapping needs to reach the outbox.
    await new Promise((resolve) => setImmediate(resolve));
    expect(opened).toBe(1);
    expect(bench.sandbox.requests).toEqual([]);
  });
});

const sqlite = STORES[1];

describe("relays that share one SQLite file", () => {
  it("answers 503 while the file can't be opened, and opens it for the next webhook", async () => {
    const bench = await Bench.open(sqlite.openStore);
    const folder = await temporaryFolder();
    const { post, deliver, settled } = bench.relay({
      outbox: sqliteOutbox({ path: join(folder, "not-yet-mounted", "outbox.db") }),
    });
    const webhook = invoicePaid("1", { referral: "ref_ada" });
    expect(await post(webhook)).toEqual({
      status: 503,
      body: { error: { code: "outbox_unavailable" } },
      retryAfter: "30",
    });
    await mkdir(join(folder, "not-yet-mounted"));
    expect(await deliver(webhook)).toEqual(["queued"]);
    await settled();
    expect(bench.sandbox.events).toHaveLength(1);
  });

  it("goes on where the last one stopped", async () => {
    const bench = await Bench.open(sqlite.openStore);
    bench.sandbox.faults.always({ status: 503 });
    const first = bench.relay();
    await first.deliver(
      sessionCompleted("1", { referral: "ref_ada", customer: "cus_1", subscription: "sub_1" }),
      invoicePaid("1", { customer: "cus_1", subscription: "sub_1" }),
    );
    await until(() => expect(bench.sandbox.requests).toHaveLength(1));
    await first.relay.stop();
    bench.sandbox.faults.clear();

    const second = bench.relay({ outbox: bench.store.again() });
    bench.advance(MINUTE);
    await second.relay.start();
    await second.settled();
    expect(await second.deliver(invoicePaid("1", { customer: "cus_1" }))).toEqual(["duplicate"]);
    expect(conversionsOf(bench.sandbox)).toEqual([{ id: "evt_in_1", referral: "ref_ada", amount: 100 }]);
  });

  it("takes up at once what a stopped relay gave back unfinished", async () => {
    const bench = await Bench.open(sqlite.openStore);
    let asked = 0;
    const first = bench.relay({
      fetch: (_, init) => {
        asked += 1;
        return new Promise((_, reject) => init?.signal?.addEventListener("abort", () => reject(new Error("aborted"))));
      },
    });
    await first.deliver(invoicePaid("1", { referral: "ref_ada" }));
    await until(() => expect(asked).toBe(1));
    await first.relay.stop({ timeoutMs: 10 });

    const second = bench.relay({ outbox: bench.store.again() });
    await second.relay.start();
    await second.settled();
    expect(bench.sandbox.events).toHaveLength(1);
  });

  it("counts a sale once that both are told of at the same time", async () => {
    const bench = await Bench.open(sqlite.openStore);
    const one = bench.relay();
    const two = bench.relay({ outbox: bench.store.again() });
    await Promise.all([one.relay.start(), two.relay.start()]);
    const ids = Array.from({ length: 20 }, (_, at) => String(at));
    const answers = await Promise.all(
      ids.flatMap((id) => [one, two].map(({ post }) => post(invoicePaid(id, { referral: "ref_ada" })))),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const statuses = answers.map(({ body }) => body.status);
    expect(statuses.filter((status) => status === "queued")).toHaveLength(20);
    await one.settled();
    expect(bench.sandbox.events).toHaveLength(20);
    // Not even asked twice: a lease belongs to one of them.
    expect(bench.sandbox.requests).toHaveLength(20);
  });

  it("shares the lane: a key that is refused to one pauses the other", async () => {
    const bench = await Bench.open(sqlite.openStore);
    bench.sandbox.faults.always({ status: 401 });
    const one = bench.relay();
    const two = bench.relay({ outbox: bench.store.again() });
    await one.deliver(invoicePaid("1", { referral: "ref_ada" }));
    await until(async () => expect((await two.relay.stats()).lane.state).toBe("paused"));
    await two.deliver(invoicePaid("2", { referral: "ref_ada" }));
    await nudge(two.relay);
    expect(bench.sandbox.requests).toHaveLength(1);
  });
});

describe("a relay without an outbox", () => {
  it("has no stats and no dead letters, and says what is missing", async () => {
    const relay = createRelay({
      apiKey: "sk_test",
      adapters: [{ name: "x", verify: async () => {}, normalize: async () => [] }],
    });
    await expect(relay.stats()).rejects.toMatchObject({ code: "no_outbox" });
    await expect(relay.deadLetters.list()).rejects.toMatchObject({ code: "no_outbox" });
  });
});
