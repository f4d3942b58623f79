import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createRelay, type Outbox, type Relay } from "affonso-relay";
import { sqliteOutbox } from "affonso-relay/sqlite";
import { stripe } from "affonso-relay/stripe";
import { bytesOf, deliverAll, pendingFiles, sale, warmUp } from "./support/backlog.js";
import { claimAndSettle, claimDue, settleAll } from "./support/outbox-work.js";
import type { Report } from "./support/report.js";
import { inRounds, medianOf, p99Of, type Reading } from "./support/rounds.js";

const run = promisify(execFile);
const memoryScript = fileURLToPath(new URL("support/memory-of.ts", import.meta.url));

const SIZES = [1_000, 100_000, 1_000_000] as const;
const ROUNDS = 15;
const PUTS = 100;
const CLAIMS = 15;
/** As many as a worker has under way at once. */
const CLAIMED_AT_ONCE = 8;
const STATS = 100;
const MEMORY_ROUNDS = 3;
const FLAT = 1.3;

/** One file, open. */
interface Backlog {
  readonly size: number;
  readonly path: string;
  readonly outbox: Outbox;
  readonly relay: Relay;
}

let newSales = SIZES[2];

/**
 * What the outbox costs with a thousand, a hundred thousand and a million events in its file, all of them pending or all
 * delivered. The files need 2 GB of disk, in the system's folder for such files.
 */
export async function growth(): Promise<Report[]> {
  const folder = await mkdtemp(join(tmpdir(), "affonso-relay-growth-"));
  try {
    const paths = await pendingFiles(folder, SIZES);
    const reports = [await sizes(paths), ...(await costs(paths, "pending"))];
    for (const path of paths) await deliverAll(path);
    return [...reports, ...(await costs(paths, "delivered"))];
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function costs(paths: readonly string[], state: "pending" | "delivered"): Promise<Report[]> {
  for (const path of paths) await warmUp(path);
  const memory = await measured(`memory of a process, ${state}`, "MB", paths.map(memoryCandidate), MEMORY_ROUNDS);
  const backlogs = paths.map(open);
  const of = (measure: (backlog: Backlog) => Promise<number>) =>
    backlogs.map((backlog) => ({ name: nameOf(backlog.size), measure: () => measure(backlog) }));
  const reports = [
    await measured(`enqueue, p99 of ${PUTS}, ${state}`, "ms", of(putP99), ROUNDS),
    await measured(`claim of ${CLAIMED_AT_ONCE}, ${state}`, "ms", of(claimMedian), ROUNDS),
    await measured(`relay.stats(), ${state}`, "ms", of(statsMedian), ROUNDS),
    memory,
  ];
  for (const { relay, outbox } of backlogs) {
    await relay.stop();
    await outbox.close();
  }
  return reports;
}

function open(path: string, at: number): Backlog {
  const outbox = sqliteOutbox({ path, maxBacklog: Number.MAX_SAFE_INTEGER });
  const relay = createRelay({ apiKey: "unused", adapters: [stripe({ webhookSecret: "whsec_unused" })], outbox });
  return { size: SIZES[at] ?? Number.NaN, path, outbox, relay };
}

type Candidates = Parameters<typeof inRounds>[0];

async function measured(title: string, unit: string, candidates: Candidates, rounds: number): Promise<Report> {
  // What the first reading costs beyond the others, caches and compilation, is no part of any.
  for (const candidate of candidates) await candidate.measure();
  const readings = await inRounds(candidates, rounds);
  return { title: `${title} (median of ${rounds} rounds)`, unit, readings, goals: readings.slice(1).map(goalOf) };
}

function goalOf({ name, ratio }: Reading) {
  return { name, goal: `<= ${FLAT} x that of ${nameOf(SIZES[0])}`, met: ratio <= FLAT };
}

function nameOf(size: number): string {
  return `${size.toLocaleString("en")} events`;
}

/** One after the other: each one waits for its own flush to the disk. */
async function putP99({ outbox }: Backlog): Promise<number> {
  const durations: number[] = [];
  for (let put = 0; put < PUTS; put++) {
    const batch = sale(newSales++);
    durations.push(await timed(() => outbox.put(batch, Date.now())));
  }
  // The backlog stays what it is.
  await claimAndSettle(outbox, PUTS);
  return p99Of(durations);
}

async function claimMedian({ outbox }: Backlog): Promise<number> {
  const durations: number[] = [];
  for (let turn = 0; turn < CLAIMS; turn++) {
    const entries = Array.from({ length: CLAIMED_AT_ONCE }, () => sale(newSales++)).flatMap((batch) => batch.entries);
    await outbox.put({ entries, links: [] }, Date.now());
    const begin = performance.now();
    const claim = await claimDue(outbox, CLAIMED_AT_ONCE);
    durations.push(performance.now() - begin);
    await settleAll(outbox, claim);
  }
  return medianOf(durations);
}

async function statsMedian({ relay }: Backlog): Promise<number> {
  const durations: number[] = [];
  for (let turn = 0; turn < STATS; turn++) durations.push(await timed(() => relay.stats()));
  return medianOf(durations);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/** In a process of its own, which works on the file for a while. */
function memoryCandidate(path: string, at: number) {
  return {
    name: nameOf(SIZES[at] ?? Number.NaN),
    async measure() {
      newSales += 1_000;
      const { stdout } = await run(process.execPath, ["--import", "tsx", memoryScript, path, String(newSales)]);
      return Number(stdout);
    },
  };
}

async function sizes(paths: readonly string[]): Promise<Report> {
  const candidates = paths.map((path, at) => {
    const size = SIZES[at] ?? Number.NaN;
    return { name: nameOf(size), measure: async () => (await bytesOf(path)) / size };
  });
  const title = "database, per event with its links and keys";
  return { title, unit: "bytes", readings: await inRounds(candidates, 1), goals: [] };
}
