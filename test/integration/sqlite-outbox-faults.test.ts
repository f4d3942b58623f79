import { describe, expect, it } from "vitest";
import { RelayError } from "../../src/errors.js";
import type { Outbox } from "../../src/outbox/outbox.js";
import { Connection } from "../../src/outbox/sqlite/connection.js";
import { Transactions } from "../../src/outbox/sqlite/transactions.js";
import { sqliteOutbox } from "../../src/outbox/sqlite.js";
import { type Call, lentDatabase, sqliteError, through } from "../helpers/outbox/databases.js";
import {
  claim,
  claimOne,
  DAY,
  idsOf,
  link,
  MINUTE,
  NOW,
  put,
  refund,
  sale,
  settle,
} from "../helpers/outbox/entries.js";
import { newPath } from "../helpers/outbox/files.js";

async function outboxWith(call: Call): Promise<Outbox> {
  return sqliteOutbox({ database: through(await lentDatabase(newPath()), call) });
}

describe("what is asked for in one turn of the event loop", () => {
  it("shares one transaction: 100 webhooks, one commit", async () => {
    let commits = 0;
    const outbox = await outboxWith((sql, _, run) => {
      if (sql === "COMMIT") commits++;
      return run();
    });
    await outbox.open();
    await put(outbox, sale("first"));
    commits = 0;
    const results = await Promise.all(Array.from({ length: 100 }, (_, at) => put(outbox, sale(at))));
    expect(results.every(({ status }) => status === "queued")).toBe(true);
    expect(commits).toBe(1);
  });

  it("is acknowledged only after the commit", async () => {
    const order: string[] = [];
    const outbox = await outboxWith((sql, _, run) => {
      const answer = run();
      if (sql === "COMMIT") order.push("committed");
      return answer;
    });
    await outbox.open();
    order.length = 0;
    await Promise.all([1, 2].map((number) => put(outbox, sale(number)).then(() => order.push("acknowledged"))));
    expect(order).toEqual(["committed", "acknowledged", "acknowledged"]);
  });

  it.each([
    ["a statement fails", "ERROR", false],
    ["a failure ends the whole transaction", "FULL", true],
  ])("does not fail together: %s", async (_, name, endsTransaction) => {
    const database = await lentDatabase(newPath());
    const outbox = sqliteOutbox({
      database: through(database, (_sql, values, run) => {
        if (!values.includes("evt_bad")) return run();
        if (endsTransaction) database.exec("ROLLBACK");
        throw sqliteError(name, 13);
      }),
    });
    const numbers = [1, 2, "bad", 3, 4];
    const results = await Promise.allSettled(numbers.map((number) => put(outbox, sale(number))));
    expect(results.map(({ status }) => status)).toEqual([
      ...["fulfilled", "fulfilled", "rejected", "fulfilled", "fulfilled"],
    ]);
    expect(results[2]).toMatchObject({ reason: { code: "outbox_unavailable" } });
    expect(idsOf(await outbox.list({}, { limit: 9 })).sort()).toEqual(["evt_1", "evt_2", "evt_3", "evt_4"]);
  });

  it("goes on in one transaction where one of them is refused", async () => {
    let commits = 0;
    const database = through(await lentDatabase(newPath()), (sql, _, run) => {
      if (sql === "COMMIT") commits++;
      return run();
    });
    const outbox = sqliteOutbox({ database, maxBacklog: 3 });
    await put(outbox, sale(1));
    commits = 0;
    const results = await Promise.allSettled([2, 3, "new", 1, "newer"].map((number) => put(outbox, sale(number))));
    const refused = { reason: { code: "outbox_full" } };
    expect(results).toMatchObject([
      ...[{ value: { status: "queued" } }, { value: { status: "queued" } }, refused],
      ...[{ value: { status: "duplicate" } }, refused],
    ]);
    expect(commits).toBe(1);
    expect(idsOf(await outbox.list({}, { limit: 9 })).sort()).toEqual(["evt_1", "evt_2", "evt_3"]);
  });

  it("leaves nothing of a work that throws once it has written, whatever it throws, and keeps the others", async () => {
    const connection = new Connection(await lentDatabase(newPath()));
    connection.exec("CREATE TABLE rows (n)");
    const transactions = new Transactions(connection);
    const insert = (n: number, then = () => {}) =>
      transactions.run((on) => {
        on.run("INSERT INTO rows VALUES (?)", n);
        then();
      });
    const fail = () => {
      throw new RelayError("outbox_full", "too late to refuse");
    };
    const results = await Promise.allSettled([insert(1), insert(2, fail), insert(3)]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(connection.all("SELECT n FROM rows ORDER BY n")).toEqual([{ n: 1 }, { n: 3 }]);
  });

  it("is refused together when the commit fails, and nothing of it is there", async () => {
    let fails = false;
    const outbox = await outboxWith((sql, _, run) => {
      if (sql === "COMMIT" && fails) throw sqliteError("IOERR_FSYNC", 1034);
      return run();
    });
    await outbox.open();
    fails = true;
    const results = await Promise.allSettled([put(outbox, sale(1)), put(outbox, sale(2))]);
    expect(results).toMatchObject([1, 2].map(() => ({ reason: { code: "outbox_unavailable", status: 503 } })));
    fails = false;
    expect((await outbox.stats()).counts.pending).toBe(0);
    expect(await put(outbox, sale(1))).toMatchObject({ status: "queued" });
  });
});

describe("a database that is full", () => {
  it("refuses, stays alive, loses nothing, and takes more once there is room", async () => {
    const database = await lentDatabase(newPath());
    const outbox = sqliteOutbox({ database });
    await outbox.open();
    const { page_count: pages } = database.prepare("PRAGMA page_count").get() as { page_count: number };
    database.prepare(`PRAGMA max_page_count = ${pages + 40}`).get();
    const payload = "x".repeat(3_000);
    const acknowledged: string[] = [];
    for (let number = 0; ; number++) {
      const answer = await put(outbox, sale(number, { payload })).catch((error: unknown) => error);
      if (answer instanceof Error) {
        expect(answer).toMatchObject({ code: "outbox_unavailable", message: expect.stringContaining("full") });
        break;
      }
      acknowledged.push(`evt_${number}`);
    }
    expect(acknowledged.length).toBeGreaterThan(10);
    const together = await Promise.allSettled(
      Array.from({ length: 5 }, (_, at) => put(outbox, sale(`b${at}`, { payload }))),
    );
    expect(together.some(({ status }) => status === "rejected")).toBe(true);
    const also = together.flatMap(({ status }, at) => (status === "fulfilled" ? [`evt_b${at}`] : []));
    const kept = () => outbox.list({}, { limit: 1_000 });
    expect(idsOf(await kept()).sort()).toEqual([...acknowledged, ...also].sort());

    database.prepare(`PRAGMA max_page_count = ${pages + 4_000}`).get();
    expect(await put(outbox, sale("later", { payload }))).toMatchObject({ status: "queued" });
    expect(idsOf(await kept()).sort()).toEqual([...acknowledged, ...also, "evt_later"].sort());
    expect(database.prepare("PRAGMA integrity_check").get()).toMatchObject({ integrity_check: "ok" });
  });
});

/** Tries until it works: once more where one call fails once. */
async function insist<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    expect(error).toMatchObject({ code: "outbox_unavailable", retryable: true });
    return step();
  }
}

describe("a call of the database that fails once", () => {
  const held = { state: "pending", dueAtMs: NOW + DAY, held: true } as const;

  async function live(outbox: Outbox): Promise<void> {
    const batch = { entries: [sale(1), refund(1)], links: [link(["invoice:in_1", "payment:pi_1"], "ref_ada")] };
    const results = await insist(() => outbox.put(batch, NOW));
    expect(results.map(({ status }) => status).join()).toMatch(/^(queued,queued|duplicate,duplicate)$/);
    expect((await outbox.list({}, { limit: 9 })).map(({ id }) => id).sort()).toEqual(results.map(({ id }) => id));

    let nowMs = NOW;
    const take = async (max: number) => {
      const { entries } = await insist(() => claim(outbox, nowMs, { max }));
      if (entries.length > 0) return entries;
      // It was committed after all: nobody knows its lease, which ends.
      nowMs += MINUTE;
      return (await claim(outbox, nowMs, { max })).entries;
    };
    const claimed = await take(2);
    expect(idsOf(claimed)).toEqual(["evt_1", "evt_refund_1"]);
    const [ofSale = expect.fail(), ofRefund = expect.fail()] = claimed;
    await insist(() => settle(outbox, ofRefund, held, nowMs));
    await insist(() =>
      settle(outbox, ofSale, { state: "delivered", conversionId: "c", wake: ["payment:pi_1"] }, nowMs),
    );
    const [woken = expect.fail()] = await take(1);
    expect(woken.externalEventId).toBe("evt_refund_1");
    await insist(() => settle(outbox, woken, { state: "delivered" }, nowMs));

    expect((await outbox.stats()).counts).toEqual({ pending: 0, delivered: 2, unmatched: 0, dead: 0, discarded: 0 });
    expect(await outbox.referralsOf("stripe", ["invoice:in_1"])).toEqual(new Map([["invoice:in_1", "ref_ada"]]));
    expect(await outbox.findEvent("stripe", { businessKey: "in_1" })).toMatchObject({ conversionId: "c" });
  }

  it.each([
    ["before it does anything", false],
    ["after it did its work", true],
  ])(
    "changes nothing that was acknowledged, and nothing that comes after, whichever call it is: %s",
    async (_, after) => {
      let failed = true;
      let at = 1;
      for (; failed; at++) {
        let count = 0;
        failed = false;
        // The tables are made, and what the test itself looks at is read, without fault.
        let counting = false;
        const outbox = await outboxWith((_sql, _values, run) => {
          const fails = counting && ++count === at;
          if (!fails) return run();
          failed = true;
          if (after) run();
          throw sqliteError("IOERR", 10);
        });
        await outbox.open();
        counting = true;
        await live(writing(outbox, (on) => (counting = on)));
        await outbox.close();
      }
      expect(at).toBeGreaterThan(50);
    },
  );

  /** The outbox, whose reads are not counted. */
  function writing(outbox: Outbox, count: (on: boolean) => void): Outbox {
    const reads = new Set(["list", "stats", "referralsOf", "findEvent"]);
    return new Proxy(outbox, {
      get(target, name: keyof Outbox) {
        const method = target[name];
        if (typeof method !== "function") return method;
        return async (...args: unknown[]) => {
          count(!reads.has(name));
          return Reflect.apply(method, target, args);
        };
      },
    });
  }

  it("to read fails that read alone", async () => {
    let fails = false;
    const outbox = await outboxWith((_sql, _values, run) => {
      if (!fails) return run();
      fails = false;
      throw sqliteError("ERROR", 1);
    });
    await put(outbox, sale(1));
    fails = true;
    await expect(outbox.stats()).rejects.toMatchObject({ code: "outbox_unavailable" });
    expect((await outbox.stats()).counts.pending).toBe(1);
    expect(await settle(outbox, await claimOne(outbox), { state: "delivered" })).not.toBeNull();
  });
});
