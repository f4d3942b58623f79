import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/outbox/sqlite/driver.js";
import { sqliteOutbox } from "../../src/outbox/sqlite.js";
import { Disk } from "./support/power-cut/disk.js";
import type { Setting } from "./support/power-cut/messages.js";
import { canTrace, type Step, traceWriter } from "./support/power-cut/trace.js";
import { FULL, randomFrom, report, SEED } from "./support/processes/scale.js";

const IMAGES = FULL ? 5_000 : 40;
const ENTRIES = FULL ? 1_500 : 1_000;
const TIMEOUT_MS = FULL ? 3_600_000 : 60_000;

const folder = realpathSync(mkdtempSync(join(tmpdir(), "affonso-relay-proof-")));
const logger = { debug() {}, info() {}, warn() {}, error() {} };
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the disk that these proofs cut the power of", () => {
  const write = (offset: number, text: string): Step => ({ kind: "write", file: "f", offset, data: Buffer.from(text) });
  const contents = (steps: readonly Step[]) => {
    const disk = new Disk();
    for (const step of steps) disk.take(step);
    const random = randomFrom(1);
    return new Set(Array.from({ length: 100 }, () => disk.image(random).get("f")?.toString()));
  };

  it("keeps what was flushed, and any part of what was not", () => {
    const flushed = [write(0, "abc"), write(3, "def"), { kind: "flush", file: "f" }] as const;
    expect(contents(flushed)).toEqual(new Set(["abcdef"]));
    expect(contents([...flushed, write(0, "ABC"), write(3, "DEF")])).toEqual(
      new Set(["abcdef", "ABCdef", "abcDEF", "ABCDEF"]),
    );
    expect(contents([...flushed, { kind: "truncate", file: "f", size: 2 }])).toEqual(new Set(["abcdef", "ab"]));
  });
});

// Nothing else shows what a process has flushed; there is none outside Linux.
if (process.platform === "linux" && canTrace()) {
  describe("a power cut", () => {
    for (const setting of ["path", "database"] as const) {
      it(
        `loses nothing that was acknowledged (${setting})`,
        async () => {
          const { lost, corrupt } = await cutAgainAndAgain(setting);
          expect({ lost, corrupt }).toEqual({ lost: [], corrupt: [] });
        },
        TIMEOUT_MS,
      );
    }

    it(
      "would lose some of it with synchronous=NORMAL: the control",
      async () => {
        const { lost, corrupt } = await cutAgainAndAgain("normal");
        expect(lost.length).toBeGreaterThan(0);
        expect(corrupt).toEqual([]);
      },
      TIMEOUT_MS,
    );
  });
}

async function cutAgainAndAgain(setting: Setting) {
  const startedAt = performance.now();
  const path = join(folder, `${setting}.db`);
  const log = join(folder, `${setting}.trace`);
  const steps = await traceWriter({ path, setting, entries: ENTRIES }, log);
  rmSync(log);
  const random = randomFrom(SEED);
  const cuts = Array.from({ length: IMAGES }, () => Math.floor(random() * (steps.length + 1))).sort((a, b) => a - b);
  const disk = new Disk();
  const acknowledged: string[] = [];
  const lost: string[] = [];
  const corrupt: string[] = [];
  let done = 0;
  for (const cut of cuts) {
    for (const step of steps.slice(done, cut)) {
      disk.take(step);
      if (step.kind === "acknowledge") acknowledged.push(...step.ids);
    }
    done = cut;
    const found = await contentOf(disk.image(random), path);
    if (found.integrity !== "ok") corrupt.push(`cut ${cut}: ${found.integrity}`);
    const missing = acknowledged.filter((id) => !found.ids.has(id));
    if (missing.length > 0) lost.push(`cut ${cut}: ${missing.length} of ${acknowledged.length}, first ${missing[0]}`);
  }
  const promised = steps.flatMap((step) => (step.kind === "acknowledge" ? step.ids : []));
  const begun = steps.findIndex(({ kind }) => kind === "acknowledge");
  const checkpoints = steps.slice(begun).filter((step) => step.kind === "flush" && step.file === path).length;
  report({
    proof: "F2",
    setting,
    images: cuts.length,
    steps: steps.length,
    acked: promised.length,
    checkpoints,
    imagesThatLost: lost.length,
    imagesCorrupt: corrupt.length,
    seed: SEED,
    seconds: Math.round((performance.now() - startedAt) / 1000),
  });
  // All of it was seen, and the file itself was written to meanwhile, not only its log.
  expect(promised.length).toBeGreaterThanOrEqual(ENTRIES);
  expect(checkpoints).toBeGreaterThan(0);
  return { lost, corrupt };
}

/** What a process that starts after the power cut finds. */
async function contentOf(image: ReadonlyMap<string, Buffer>, path: string) {
  const after = mkdtempSync(join(folder, "after-"));
  try {
    for (const [file, content] of image) writeFileSync(join(after, basename(file)), content);
    const copy = join(after, basename(path));
    const outbox = sqliteOutbox({ path: copy, logger });
    const entries = await outbox.list({}, { limit: 2 * ENTRIES });
    await outbox.close();
    const database = await openDatabase(copy);
    const row = database.prepare("PRAGMA integrity_check").get() as { integrity_check: string };
    database.close();
    return { ids: new Set(entries.map((entry) => entry.externalEventId)), integrity: row.integrity_check };
  } catch (error) {
    return { ids: new Set<string>(), integrity: String(error) };
  } finally {
    rmSync(after, { recursive: true, force: true });
  }
}
