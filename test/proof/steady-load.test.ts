import { type ChildProcess, fork } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it } from "vitest";
import type { Entry } from "../../src/outbox/outbox.js";
import { sqliteOutbox } from "../../src/outbox/sqlite.js";
import { createSandbox } from "../../src/sandbox/index.js";
import { isFull, printFigures } from "./support/network/figures.js";
import type { ReceivingConfig } from "./support/network/receiving-process.js";

const PER_SECOND = isFull ? 1_000 : 100;
const SECONDS = isFull ? 600 : 3;
const WEBHOOKS = PER_SECOND * SECONDS;
const TICK_MS = 2;
const SECRET = "billing_test_of_the_steady_load";

let child: ChildProcess | undefined;
afterEach(async () => {
  if (child === undefined || child.exitCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
});

/** One webhook; the time it took counts from when it was due, whether or not it could be sent then. */
async function send(port: number, agent: Agent, index: number, dueAt: number): Promise<{ status: number; ms: number }> {
  // As long as the invoices of Stripe are.
  const body = JSON.stringify({ id: String(index), padding: "x".repeat(2_500) });
  const signature = createHmac("sha256", SECRET).update(body).digest("hex");
  const headers = { "content-type": "application/json", "x-billing-signature": signature };
  const sending = request({ port, host: "127.0.0.1", path: "/billing", method: "POST", agent, headers });
  sending.end(body);
  const [response] = await once(sending, "response");
  response.resume();
  await once(response, "end");
  return { status: response.statusCode, ms: performance.now() - dueAt };
}

/** Sends at a fixed rate, whatever becomes of what was sent. */
async function sendAll(port: number): Promise<{ status: number; ms: number }[]> {
  const agent = new Agent({ keepAlive: true });
  const sent: Promise<{ status: number; ms: number }>[] = [];
  const startedAt = performance.now();
  await new Promise<void>((resolve) => {
    const ticking = setInterval(() => {
      const due = Math.min(((performance.now() - startedAt) / 1_000) * PER_SECOND, WEBHOOKS);
      while (sent.length < due) {
        sent.push(send(port, agent, sent.length, startedAt + (sent.length / PER_SECOND) * 1_000));
      }
      if (sent.length < WEBHOOKS) return;
      clearInterval(ticking);
      resolve();
    }, TICK_MS);
  });
  const answers = await Promise.all(sent);
  agent.destroy();
  return answers;
}

it("answers a steady stream of webhooks with 200, and has a row for each", {
  timeout: isFull ? 20 * 60_000 : 60_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), "relay-load-"));
  const path = join(folder, "outbox.db");
  const sandbox = createSandbox({ referrals: ["ref_ada"] });
  const outbox = sqliteOutbox({ path });
  try {
    const { baseUrl } = await sandbox.start();
    const config: ReceivingConfig = { path, baseUrl, apiKey: sandbox.apiKey, secret: SECRET };
    child = fork(fileURLToPath(new URL("support/network/receiving-process.ts", import.meta.url)), {
      env: { ...process.env, NODE_OPTIONS: "", PROOF_RECEIVING: JSON.stringify(config) },
      execArgv: ["--import", "tsx"],
    });
    const exit = once(child, "exit");
    const ended = exit.then(() => Promise.reject(new Error("the server ended before it listened")));
    const [port] = await Promise.race([once(child, "message"), ended]);
    const answers = await sendAll(Number(port));
    child.send("stop");
    expect(await exit).toEqual([0, null]);
    ended.catch(() => {});

    const rows = await idsOf(path);
    const times = answers.map(({ ms }) => ms).sort((a, b) => a - b);
    const { counts } = await outbox.stats();
    printFigures("F4", {
      webhooks: WEBHOOKS,
      perSecond: PER_SECOND,
      refused: answers.filter(({ status }) => status !== 200).length,
      rows: rows.size,
      deliveredMeanwhile: counts.delivered,
      ms: {
        p50: percentile(times, 0.5),
        p99: percentile(times, 0.99),
        "p99.9": percentile(times, 0.999),
        max: percentile(times, 1),
      },
    });
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(answers).toHaveLength(WEBHOOKS);
    expect(rows).toEqual(new Set(Array.from({ length: WEBHOOKS }, (_, index) => `evt_${index}`)));
    expect(counts.pending + counts.delivered).toBe(WEBHOOKS);
    expect(sandbox.events.length).toBeGreaterThanOrEqual(counts.delivered);
  } finally {
    await outbox.close();
    await sandbox.stop();
    await rm(folder, { recursive: true, force: true });
  }
});

async function idsOf(path: string): Promise<Set<string>> {
  const outbox = sqliteOutbox({ path });
  const ids = new Set<string>();
  let page: readonly Entry[] = [];
  do {
    page = await outbox.list({}, { limit: 1_000, after: page.at(-1)?.id });
    for (const { externalEventId } of page) ids.add(externalEventId);
  } while (page.length > 0);
  await outbox.close();
  return ids;
}

function percentile(sorted: readonly number[], share: number): number {
  const value = sorted[Math.min(Math.ceil(sorted.length * share), sorted.length) - 1] ?? Number.NaN;
  return Math.round(value * 10) / 10;
}
