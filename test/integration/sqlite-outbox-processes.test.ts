import { once } from "node:events";
import { createInterface } from "node:readline";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Outbox } from "../../src/outbox/outbox.js";
import { sqliteOutbox } from "../../src/outbox/sqlite.js";
import { readAll, sharesFiles } from "../helpers/outbox/databases.js";
import { claim, idsOf, MINUTE, NOW, put, sale, settle } from "../helpers/outbox/entries.js";
import { newPath } from "../helpers/outbox/files.js";
import { holdTransaction, longestStall, startable } from "../helpers/outbox/processes.js";

async function opened(path: string): Promise<Outbox> {
  const outbox = sqliteOutbox({ path });
  await outbox.open();
  onTestFinished(() => outbox.close());
  return outbox;
}

const shared = await sharesFiles();

describe.runIf(shared)("two outboxes over one file", () => {
  it("make one row of a sale that comes to both at once, and both acknowledge it", async () => {
    const path = newPath();
    const outboxes = [await opened(path), await opened(path)];
    const sales = Array.from({ length: 300 }, (_, at) => sale(at));
    const results = await Promise.all(outboxes.map((outbox) => Promise.all(sales.map((entry) => put(outbox, entry)))));
    const statuses = sales.map((_, at) => results.map((result) => result[at]?.status).sort());
    expect(statuses).toEqual(sales.map(() => ["duplicate", "queued"]));
    expect((await outboxes[0]?.stats())?.counts.pending).toBe(300);
  });

  it("share out what is due, and a lease that one of them lost is the other's alone", async () => {
    const path = newPath();
    const [first, second] = [await opened(path), await opened(path)];
    await first.put({ entries: Array.from({ length: 40 }, (_, at) => sale(at)), links: [] }, NOW);
    const claims = await Promise.all([first, second, first, second].map((outbox) => claim(outbox, NOW, { max: 10 })));
    const ids = claims.flatMap(({ entries }) => idsOf(entries));
    expect([ids.length, new Set(ids).size]).toEqual([40, 40]);

    const [late = expect.fail()] = claims[0]?.entries ?? [];
    const taken = await claim(second, NOW + MINUTE);
    const next = taken.entries.find(({ id }) => id === late.id) ?? expect.fail();
    expect(await settle(first, late, { state: "dead" })).toBeNull();
    expect(await settle(second, next, { state: "delivered" })).not.toBeNull();
  });

  it("see one lane: a pace that one has used up is used up for both", async () => {
    const path = newPath();
    const [first, second] = [await opened(path), await opened(path)];
    await first.put({ entries: [sale(1), sale(2)], links: [] }, NOW);
    const once = (lane: { arrivalMs?: number | undefined }) => ({
      count: lane.arrivalMs === undefined ? 1 : 0,
      lane: { ...lane, arrivalMs: NOW },
    });
    const claims = await Promise.all([claim(first, NOW, { admit: once }), claim(second, NOW, { admit: once })]);
    expect(claims.flatMap(({ entries }) => entries)).toHaveLength(1);
  });
});

describe.runIf(shared)("other processes on the file", () => {
  it("a reader sees what is committed, and holds up nobody", async () => {
    const path = newPath();
    const outbox = await opened(path);
    await put(outbox, sale(1));
    const reader = await holdTransaction(path, "BEGIN");
    expect(reader.line).toBe("begun 1");
    expect(await put(outbox, sale(2))).toMatchObject({ status: "queued" });
    await reader.end();
    expect((await outbox.stats()).counts.pending).toBe(2);
  });

  it("a writer is waited for without stopping the event loop, and what waited is committed then", async () => {
    const path = newPath();
    const outbox = await opened(path);
    const writer = await holdTransaction(path, "BEGIN IMMEDIATE");
    const waiting = Promise.all([put(outbox, sale(1)), put(outbox, sale(2))]);
    const stall = longestStall(waiting);
    expect((await outbox.stats()).counts.pending).toBe(0);
    await writer.end();
    expect((await waiting).map(({ status }) => status)).toEqual(["queued", "queued"]);
    expect(await stall).toBeLessThan(300);
  });

  it("a writer that does not end is given up after three seconds, and the outbox works when it does", async () => {
    const path = newPath();
    const outbox = await opened(path);
    const writer = await holdTransaction(path, "BEGIN IMMEDIATE");
    const startedAt = performance.now();
    const waiting = put(outbox, sale(1));
    const stall = longestStall(waiting);
    await expect(waiting).rejects.toMatchObject({ code: "outbox_unavailable", status: 503, retryable: true });
    expect(performance.now() - startedAt).toBeGreaterThan(2_900);
    expect(performance.now() - startedAt).toBeLessThan(4_500);
    expect(await stall).toBeLessThan(300);
    await writer.end();
    expect(await put(outbox, sale(1))).toMatchObject({ status: "queued" });
  }, 15_000);
});

describe("kill -9", () => {
  const KILLS = 30;
  const AT_ONCE = shared ? 3 : 1;

  it(`${KILLS} times in the midst of it loses nothing that was acknowledged`, async () => {
    const path = newPath();
    const acknowledged = new Set<string>();
    const startPutting = await startable("putting-process.ts");
    await (await opened(path)).close();

    async function life(run: number): Promise<void> {
      const child = startPutting(path, String(run));
      // Each life ends at another place: after a few acknowledgements, or some hundreds.
      const lives = 1 + ((run * 97) % 400);
      let count = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        if (/^evt_\d+_\d+_\d+$/.test(line)) acknowledged.add(line);
        if (++count === lives) child.kill("SIGKILL");
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      expect(child.signalCode).toBe("SIGKILL");
    }

    for (let run = 0; run < KILLS; run += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => life(run + at)));
    }
    const { ids, integrity } = await readAll(path);
    const kept = new Set(ids);
    expect(acknowledged.size).toBeGreaterThan(KILLS * 100);
    expect([...acknowledged].filter((id) => !kept.has(id))).toEqual([]);
    expect(kept.size).toBe(ids.length);
    expect(integrity).toBe("ok");
    expect((await (await opened(path)).stats()).counts.pending).toBe(ids.length);
  }, 120_000);
});
