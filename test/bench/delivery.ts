import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqliteOutbox } from "affonso-relay/sqlite";
import type { Drained } from "./support/delivery/drained.js";
import { batchesOf } from "./support/delivery/sales.js";
import { BenchProcess } from "./support/process.js";
import type { Report } from "./support/report.js";
import { type Candidate, inRounds, type Reading, readingsOf } from "./support/rounds.js";

const EVENTS = 20_000;
/** What somebody without a rate limit would set; the fetch loop has the same. */
const CONCURRENCY = 64;
const ROUNDS = 5;

type Runs = readonly { readonly name: string; run(): Promise<Drained> }[];

/** How fast a backlog reaches an endpoint that has no limit, beside a loop of bare fetches, and what that costs. */
export async function delivery(): Promise<Report[]> {
  const folder = await mkdtemp(join(tmpdir(), "affonso-relay-bench-"));
  const endpoint = new BenchProcess<{ readonly baseUrl: string }, number>("./delivery/endpoint.ts");
  try {
    const { baseUrl } = await endpoint.ready;
    const full = join(folder, "full.db");
    await fill(full);
    const drain = async (script: string, ...rest: readonly string[]): Promise<Drained> => {
      const child = new BenchProcess<string, Drained>(script, baseUrl, EVENTS, CONCURRENCY, ...rest);
      await child.ready;
      const drained = await child.begin();
      await child.end();
      const taken = await endpoint.begin();
      if (taken !== EVENTS) throw new Error(`${EVENTS} events reached the endpoint in ${taken} requests`);
      return drained;
    };
    const fromFile = async (signingSecret: string) => {
      const path = join(folder, "drained.db");
      await copyFile(full, path);
      try {
        return await drain("./delivery/drain.ts", path, signingSecret);
      } finally {
        await Promise.all(["", "-wal", "-shm"].map((suffix) => rm(path + suffix, { force: true })));
      }
    };
    return await reportsOf([
      { name: "bare fetch loop", run: () => drain("./delivery/fetch-loop.ts") },
      { name: "SQLite outbox", run: () => fromFile("") },
      { name: "SQLite outbox, requests signed", run: () => fromFile("the secret of the benchmark") },
      { name: "memory outbox", run: () => drain("./delivery/drain.ts", "", "") },
    ]);
  } finally {
    await endpoint.end();
    await rm(folder, { recursive: true, force: true });
  }
}

async function fill(path: string): Promise<void> {
  const outbox = sqliteOutbox({ path });
  await Promise.all((await batchesOf(EVENTS)).map((batch) => outbox.put(batch, Date.now())));
  await outbox.close();
}

async function reportsOf(runs: Runs): Promise<Report[]> {
  const drained = runs.map((): Drained[] => []);
  const candidates = runs.map(({ name, run }, at): Candidate => {
    const measure = async () => {
      const one = await run();
      drained[at]?.push(one);
      return one.eventsPerSecond;
    };
    return { name, measure };
  });
  const speed = await inRounds(candidates, ROUNDS);
  const of = (figure: keyof Drained): Reading[] =>
    readingsOf(runs.map(({ name }, at) => ({ name, values: (drained[at] ?? []).map((one) => one[figure]) })));
  const title = (what: string) => `delivery of ${EVENTS} events, ${CONCURRENCY} at once: ${what} (${ROUNDS} rounds)`;
  const goals = speed.slice(1).flatMap(({ name, median, ratio }) => [
    { name, goal: ">= 0.8 x the bare fetch loop", met: ratio >= 0.8 },
    { name, goal: ">= 5000 events/s", met: median >= 5_000 },
  ]);
  return [
    { title: title("speed"), unit: "events/s", readings: speed, goals },
    { title: title("CPU time of the process"), unit: "us/event", readings: of("cpuMicros"), goals: [] },
    { title: title("memory at the end"), unit: "MiB RSS", readings: of("rssMiB"), goals: [] },
  ];
}
