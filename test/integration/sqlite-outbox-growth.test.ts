import { describe, expect, it } from "vitest";
import type { SqliteDatabase } from "../../src/outbox/sqlite/driver.js";
import { sqliteOutbox } from "../../src/outbox/sqlite.js";
import { lentDatabase, through } from "../helpers/outbox/databases.js";
import {
  claim,
  claimOne,
  DAY,
  done,
  link,
  NOW,
  put,
  putLink,
  refund,
  sale,
  settle,
} from "../helpers/outbox/entries.js";
import { newPath } from "../helpers/outbox/files.js";

/** How SQLite finds the rows of each statement, as it says it itself: https://www.sqlite.org/eqp.html */
function plansOf(database: SqliteDatabase, statements: Iterable<string>): Map<string, string[]> {
  return new Map(
    [...statements].map((sql) => {
      const values = Array.from(sql.matchAll(/\?/g), () => null);
      const rows = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values) as { detail: string }[];
      return [sql, rows.map(({ detail }) => detail)];
    }),
  );
}

/** Reads a whole table, or all rows of an index of which it knows but columns that are alike in most rows. */
function readsAll(step: string): boolean {
  return /^SCAN relay_/.test(step) || /relay_(external_ids|business_keys) \(kind=\?( AND source=\?)?\)$/.test(step);
}

describe("a sqliteOutbox that grows", () => {
  it("looks for no row by reading all of them, whatever it is asked", async () => {
    const database = await lentDatabase(newPath());
    const asked = new Set<string>();
    const listening = through(database, (sql, _, run) => {
      if (/^\s*(SELECT|INSERT|UPDATE|DELETE)\b/.test(sql) && sql.includes("relay_")) asked.add(sql);
      return run();
    });
    const outbox = sqliteOutbox({ database: listening });
    for (const state of ["delivered", "unmatched", "dead"] as const) await done(outbox, sale(state), { state });
    await done(outbox, sale("sold"), { state: "delivered", conversionId: "conv_1" });
    await put(outbox, sale("sold", { fingerprint: "another" }));
    await putLink(outbox, link(["invoice:in_unmatched", "payment:pi_1"], "ref_ada"));
    await settle(outbox, await claimOne(outbox), { state: "pending", held: true, wake: ["invoice:in_sold"] });
    await put(outbox, refund(1));
    await outbox.release((await claim(outbox)).entries, NOW);
    await outbox.wakeRetries(NOW);
    await outbox.referralsOf("stripe", ["invoice:in_1"]);
    await outbox.relatedTo("stripe", ["invoice:in_1"]);
    await outbox.findEvent("stripe", { businessKey: "in_sold" });
    await outbox.findEvent("stripe", { references: ["invoice:in_sold"] });
    await outbox.list({ state: "dead" }, { limit: 10 });
    await outbox.replay({ state: "dead" }, NOW);
    await outbox.replay({ ids: ["1"] }, NOW);
    await outbox.discard({ state: "dead" }, NOW);
    await outbox.stats();
    expect(await outbox.prune(DAY, NOW + 2 * DAY)).toBeGreaterThan(0);
    const plans = [...plansOf(database, asked)];
    expect(plans.length).toBeGreaterThan(30);
    expect(plans.filter(([, steps]) => steps.some(readsAll))).toEqual([]);
    await outbox.close();
  });

  it("lets others in between the steps of what goes over many entries", async () => {
    const database = await lentDatabase(newPath());
    const changed: number[] = [];
    const outbox = sqliteOutbox({
      database: through(database, (sql, _, run) => {
        const answer = run();
        if (sql.includes("INDEXED BY relay_finished")) changed.push((answer as unknown[]).length);
        return answer;
      }),
    });
    const entries = Array.from({ length: 450 }, (_, number) => sale(number));
    await outbox.put({ entries, links: [] }, NOW);
    const { entries: claimed } = await claim(outbox, NOW, { max: 450 });
    await Promise.all(claimed.map((entry) => settle(outbox, entry, { state: "delivered" })));
    expect(await outbox.prune(DAY, NOW + 2 * DAY)).toBe(450);
    expect(Math.max(...changed)).toBeLessThanOrEqual(100);
    await outbox.close();
  });
});
