import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import type { Outbox } from "../../src/outbox/outbox.js";
import { Connection, isSafeToShare, makeDurable } from "../../src/outbox/sqlite/connection.js";
import { assertLoadable } from "../../src/outbox/sqlite/driver.js";
import { sqliteOutbox } from "../../src/outbox/sqlite.js";
import { lentDatabase, readAll, sharesFiles, through } from "../helpers/outbox/databases.js";
import { claim, link, NOW, put, putLink, sale, settle } from "../helpers/outbox/entries.js";
import { newPath } from "../helpers/outbox/files.js";
import { recordingLogger } from "../helpers/relay.js";

const shared = await sharesFiles();

describe("the connection of a sqliteOutbox", () => {
  it("is durable on each connection, also where the driver would let a power cut take what was acknowledged", async () => {
    const path = newPath();
    for (const connection of ["the first", "the second"]) {
      const database = await lentDatabase(path);
      database.exec("PRAGMA synchronous = NORMAL");
      const outbox = sqliteOutbox({ database });
      await outbox.open();
      const settings = ["synchronous", "journal_mode", "busy_timeout", "fullfsync", "checkpoint_fullfsync"].map(
        (name) => Object.values(database.prepare(`PRAGMA ${name}`).get() as object),
      );
      expect(settings, connection).toEqual([[2], ["wal"], [50], [1], [1]]);
    }
  });

  it("leaves a stricter setting as it is", async () => {
    const database = await lentDatabase(newPath());
    database.exec("PRAGMA synchronous = EXTRA");
    await sqliteOutbox({ database }).open();
    expect(database.prepare("PRAGMA synchronous").get()).toMatchObject({ synchronous: 3 });
  });

  it("is refused where it can't be made durable", async () => {
    const database = await lentDatabase(newPath());
    const stubborn = through(database, (sql, _, run) => (sql === "PRAGMA synchronous" ? { synchronous: 1 } : run()));
    await expect(sqliteOutbox({ database: stubborn }).open()).rejects.toThrow(/invalid_options: .*synchronous = FULL/);
    const memory = sqliteOutbox({ database: await lentDatabase(":memory:") });
    await expect(memory.open()).rejects.toThrow(/invalid_options: .*needs journal_mode WAL and has memory/);
  });

  it("stays the app's when it was lent: closing the outbox leaves it open", async () => {
    const database = await lentDatabase(newPath());
    const outbox = sqliteOutbox({ database });
    await put(outbox, sale(1));
    await outbox.close();
    expect(database.prepare("SELECT count(*) AS n FROM relay_entries").get()).toMatchObject({ n: 1 });
    expect(await put(outbox, sale(1))).toMatchObject({ status: "duplicate" });
  });

  it("is let go of once what was asked for is done: nothing opens it again behind the back of who closed it", async () => {
    let calls = 0;
    const database = through(await lentDatabase(newPath()), (_sql, _values, run) => {
      calls++;
      return run();
    });
    const outbox = sqliteOutbox({ database });
    await outbox.put({ entries: Array.from({ length: 450 }, (_, number) => sale(number)), links: [] }, NOW);
    const { entries } = await claim(outbox, NOW, { max: 450 });
    await Promise.all(entries.map((entry) => settle(outbox, entry, { state: "dead" })));
    const asked = Promise.all([outbox.replay({}, NOW), put(outbox, sale("last"))]);
    await outbox.close();
    const atClose = calls;
    expect(await asked).toMatchObject([450, { status: "queued" }]);
    expect(calls).toBe(atClose);
  });

  it("is opened for one answer alone where it was closed, until it is opened again", async () => {
    const path = newPath();
    const outbox = sqliteOutbox({ path });
    const isOpen = () => existsSync(`${path}-wal`);
    await put(outbox, sale(1));
    expect(isOpen()).toBe(true);
    await outbox.close();
    expect((await outbox.stats()).counts.pending).toBe(1);
    expect(isOpen()).toBe(false);
    await Promise.all([put(outbox, sale(2)), outbox.stats(), claim(outbox)]);
    expect(isOpen()).toBe(false);
    await outbox.open();
    await outbox.stats();
    expect(isOpen()).toBe(true);
    await outbox.close();
  });

  it("waits while the app has a transaction of its own on it", async () => {
    const database = await lentDatabase(newPath());
    const outbox = sqliteOutbox({ database });
    await outbox.open();
    database.exec("BEGIN");
    const waiting = put(outbox, sale(1));
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    database.exec("COMMIT");
    expect(await waiting).toMatchObject({ status: "queued" });
  });

  it("moves the log into the file when it closes", async () => {
    const path = newPath();
    const outbox = sqliteOutbox({ path });
    await put(outbox, sale(1));
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
    await outbox.close();
    expect(existsSync(`${path}-wal`) && statSync(`${path}-wal`).size > 0).toBe(false);
  });

  it("empties a log of more than 64 MB, whatever kept it from doing so before", async () => {
    const path = newPath();
    const database = await lentDatabase(path);
    const outbox = sqliteOutbox({ database });
    await outbox.open();
    database.exec("PRAGMA wal_autocheckpoint = 0");
    const payload = "x".repeat(1024 * 1024);
    for (let number = 0; statSync(`${path}-wal`).size < 66 * 1024 * 1024; number++) {
      await put(outbox, sale(number, { payload }));
      if (number > 100) expect.fail("the log was emptied too early");
    }
    const sizeAfterPut = async () => {
      await put(outbox, sale("last"));
      return statSync(`${path}-wal`).size;
    };
    await expect.poll(sizeAfterPut, { timeout: 5_000 }).toBeLessThan(1024 * 1024);
  });

  it("works again by itself once its damaged file was restored", async () => {
    const path = newPath();
    const outbox = sqliteOutbox({ path });
    const { id } = await put(outbox, sale(1));
    await outbox.close();
    const backup = readFileSync(path);
    await outbox.open();
    writeFileSync(path, Buffer.alloc(backup.length, "garbage"));
    await expect(outbox.stats()).rejects.toMatchObject({ code: "outbox_unavailable", status: 503 });
    writeFileSync(path, backup);
    expect(await put(outbox, sale(1))).toEqual({ status: "duplicate", id });
    await outbox.close();
  });
});

/** Puts until it is refused, which is a second later at most, and answers with what. */
async function refusalOf(outbox: Outbox): Promise<unknown> {
  let refusal: unknown;
  const isRefused = async () => {
    refusal = await put(outbox, sale("unseen")).catch((error: unknown) => error);
    return refusal instanceof Error;
  };
  await expect.poll(isRefused, { timeout: 10_000 }).toBe(true);
  return refusal;
}

function remove(path: string): void {
  for (const end of ["", "-wal", "-shm"]) rmSync(`${path}${end}`, { force: true });
}

// Windows lets nobody take away what is open.
describe.skipIf(process.platform === "win32")("a database whose file is not at its path any more", () => {
  it("acknowledges nothing into nowhere: where it was removed, it is made anew", async () => {
    const path = newPath();
    const outbox = sqliteOutbox({ path });
    await put(outbox, sale(1));
    remove(path);
    expect(await refusalOf(outbox)).toMatchObject({
      ...{ code: "outbox_unavailable", status: 503, retryable: true },
      message: expect.stringContaining(`${path} was moved, removed or replaced while it was open`),
    });
    expect(await put(outbox, sale(2))).toMatchObject({ status: "queued" });
    await outbox.close();
    expect((await readAll(path)).ids).toEqual(["evt_2"]);
  });

  it("goes on with what is there, where another took its place", async () => {
    const path = newPath();
    const outbox = sqliteOutbox({ path });
    const { id } = await put(outbox, sale(1));
    await outbox.close();
    copyFileSync(path, `${path}.backup`);
    await put(outbox, sale(2));
    await outbox.open();
    await put(outbox, sale(3));
    remove(path);
    renameSync(`${path}.backup`, path);
    await refusalOf(outbox);
    expect(await put(outbox, sale(1))).toEqual({ status: "duplicate", id });
    expect(await put(outbox, sale(2))).toMatchObject({ status: "queued" });
    await outbox.close();
  });

  it("takes nothing on a connection that was lent, also when it is started again: the app must open another", async () => {
    const path = newPath();
    const outbox = sqliteOutbox({ database: await lentDatabase(path) });
    await put(outbox, sale(1));
    remove(path);
    const refused = {
      code: "outbox_unavailable",
      message: expect.stringContaining("open it anew and give a sqliteOutbox that connection"),
    };
    expect(await refusalOf(outbox)).toMatchObject(refused);
    writeFileSync(path, "");
    await outbox.close();
    await outbox.open();
    await expect(put(outbox, sale(2))).rejects.toMatchObject(refused);
    expect((await outbox.stats()).counts.pending).toBeGreaterThan(0);
    await outbox.close();
  });
});

describe("the version of SQLite", () => {
  it.each([
    ["3.44.5", false],
    ["3.44.6", true],
    ["3.45.1", false],
    ["3.47.2", false],
    ["3.50.6", false],
    ["3.50.7", true],
    ["3.51.2", false],
    ["3.51.3", true],
    ["3.53.4", true],
    ["4.0.0", true],
  ])("%s: several connections may write: %s", (version, safe) => {
    expect(isSafeToShare(version)).toBe(safe);
  });

  it("is warned of once where it is too old to share the file, and then nobody counts on sharing", async () => {
    const { logger, lines } = recordingLogger();
    const database = through(await lentDatabase(newPath()), (sql, _, run) =>
      sql.includes("sqlite_version()") ? { version: "3.50.1" } : run(),
    );
    const outbox = sqliteOutbox({ database, logger });
    for (const number of [1, 2]) await put(outbox, sale(number));
    expect(outbox.sharedAcrossProcesses).toBe(false);
    expect(lines).toEqual([
      {
        level: "warn",
        fields: { sqlite: "3.50.1" },
        message: expect.stringMatching(/^SQLite before 3\.51\.3 may damage .* let nothing else open this file/),
      },
    ]);
  });

  it.runIf(shared)("says nothing where it is new enough", async () => {
    const { logger, lines } = recordingLogger();
    const outbox = sqliteOutbox({ database: await lentDatabase(newPath()), logger });
    await outbox.open();
    expect(lines).toEqual([]);
    expect(outbox.sharedAcrossProcesses).toBe(true);
  });

  it("too old: the connection to a path keeps all others out", async () => {
    const path = newPath();
    const first = new Connection(await lentDatabase(path));
    makeDurable(first, true);
    first.exec("CREATE TABLE t (a)");
    const second = sqliteOutbox({ path });
    await expect(second.open()).rejects.toMatchObject({
      code: "outbox_unavailable",
      message: expect.stringContaining("locked"),
    });
  }, 10_000);
});

describe("the driver", () => {
  it.each([
    ["13.0.0", "20.20.2"],
    ["13.2.0", "22.13.0"],
    ["14.0.0", "22.13.9"],
  ])("better-sqlite3 %s is refused on Node %s, which it would crash", (driver, node) => {
    expect(() => assertLoadable(driver, node)).toThrow(/invalid_options: .*npm install better-sqlite3@12/);
  });

  it.each([
    ["12.11.1", "20.19.0"],
    ["13.2.0", "22.14.0"],
    ["13.2.0", "24.0.0"],
    ["12.0.0", "22.13.0"],
  ])("better-sqlite3 %s is loaded on Node %s", (driver, node) => {
    expect(assertLoadable(driver, node)).toBeUndefined();
  });
});

describe("the tables", () => {
  it.runIf(shared)("are made once, when several open a new file at once", async () => {
    const path = newPath();
    const outboxes = Array.from({ length: 4 }, () => sqliteOutbox({ path }));
    await Promise.all(outboxes.map((outbox) => outbox.open()));
    await Promise.all(outboxes.map((outbox, at) => put(outbox, sale(at))));
    expect((await outboxes[0]?.stats())?.counts.pending).toBe(4);
    for (const outbox of outboxes) await outbox.close();
  });

  it("of the first version are brought up to date, and keep what is in them", async () => {
    const database = await lentDatabase(newPath());
    await put(sqliteOutbox({ database }), sale(1));
    database.exec("DROP INDEX relay_listening; PRAGMA user_version = 1");
    const outbox = sqliteOutbox({ database });
    expect(await put(outbox, sale(1))).toMatchObject({ status: "duplicate" });
    await putLink(outbox, link(["invoice:in_1"], "ref_ada"));
    expect((await outbox.stats()).counts.pending).toBe(1);
    expect(database.prepare("PRAGMA user_version").get()).toMatchObject({ user_version: 2 });
  });

  it("of a later version are refused, and left as they are", async () => {
    const database = await lentDatabase(newPath());
    await sqliteOutbox({ database }).open();
    database.exec("PRAGMA user_version = 99");
    const later = sqliteOutbox({ database });
    await expect(later.open()).rejects.toThrow(/outbox_unavailable: .*schema 99.*update/);
    expect(database.prepare("PRAGMA user_version").get()).toMatchObject({ user_version: 99 });
  });

  it("are not put into a database that belongs to something else", async () => {
    const database = await lentDatabase(newPath());
    database.exec("PRAGMA user_version = 7");
    await expect(sqliteOutbox({ database }).open()).rejects.toThrow(/invalid_options: .*one of its own/);
    expect(database.prepare("SELECT count(*) AS n FROM sqlite_schema").get()).toMatchObject({ n: 0 });
  });
});

describe("sqliteOutbox", () => {
  it.each<[string, object, RegExp]>([
    ["no options", {}, /either a path or a database/],
    ["both", { path: "x.db", database: { exec() {}, prepare() {} } }, /either a path or a database/],
    ["an empty path", { path: "" }, /path must be a file .* got ""; for tests: memoryOutbox/],
    ["a database in memory", { path: ":memory:" }, /path must be a file .* got ":memory:"/],
    ["a path that is none", { path: 5 }, /path must be a file .* got a number/],
    ["a database that is none", { database: {} }, /database must be a connection .* got an object/],
    ["a limit that is none", { path: "x.db", maxBacklog: 0 }, /maxBacklog must be a whole number from 1 on/],
    ["a size that is none", { path: "x.db", minFreeBytes: -1 }, /minFreeBytes must be a whole number from 0 on/],
    ["an unknown option", { file: "x.db" }, /no option file; it has path, database/],
  ])("refuses %s", (_, options, message) => {
    expect(() => sqliteOutbox(options as { path: string })).toThrow(message);
  });

  it("says what is wrong where the folder is not there, and works once it is", async () => {
    const path = newPath().replace("outbox.db", "missing/outbox.db");
    const outbox = sqliteOutbox({ path });
    const message = expect.stringContaining("check that its folder exists and may be written");
    await expect(put(outbox, sale(1))).rejects.toMatchObject({ code: "outbox_unavailable", message });
    mkdirSync(dirname(path));
    expect(await put(outbox, sale(1))).toMatchObject({ status: "queued" });
    await outbox.close();
  });

  it("takes nothing new while the disk is nearly full, but what it knows, and links", async () => {
    const path = newPath();
    const roomy = sqliteOutbox({ path });
    const { id } = await put(roomy, sale(1));
    await roomy.close();

    const outbox = sqliteOutbox({ path, minFreeBytes: Number.MAX_SAFE_INTEGER });
    const full = { code: "outbox_full", retryable: true, message: expect.stringContaining(`on the disk of ${path}`) };
    const batch = { entries: [sale(1), sale(2)], links: [link(["invoice:in_2"], "ref_ada")] };
    await expect(outbox.put(batch, NOW)).rejects.toMatchObject(full);
    expect(await put(outbox, sale(1))).toEqual({ status: "duplicate", id });
    expect(await put(outbox, sale(3, { businessKey: "in_1" }))).toEqual({ status: "duplicate", id });
    await putLink(outbox, link(["invoice:in_9"], "ref_ada"));
    expect(await outbox.referralsOf("stripe", ["invoice:in_2", "invoice:in_9"])).toEqual(
      new Map([["invoice:in_9", "ref_ada"]]),
    );
    expect((await outbox.stats()).counts.pending).toBe(1);
    await outbox.close();
  });
});
