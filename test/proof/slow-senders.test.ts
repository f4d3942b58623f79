import { once } from "node:events";
import { Agent, request } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createSandbox } from "../../src/sandbox/index.js";
import type { Health } from "./support/hostile/messages.js";
import { type HostileServer, signedHeaders, startHostileServer } from "./support/hostile/server.js";
import { type SlowSender, sendSlowly } from "./support/hostile/slow-sender.js";
import { isFull, printFigures } from "./support/network/figures.js";

const SLOW = isFull ? 2_000 : 100;
const EVERY_MS = isFull ? 1_000 : 200;
/** What each slow body holds of the server's memory before it slows down. */
const BEGUN_BYTES = 64 * 1024;

const GARBAGE_GONE = "health without garbage";

const sandbox = createSandbox({ referrals: ["ref_ada"], rateLimit: false });
const agent = new Agent({ keepAlive: true, maxSockets: 8 });
let server: HostileServer;

beforeAll(async () => {
  const { baseUrl } = await sandbox.start();
  server = await startHostileServer({ baseUrl, apiKey: sandbox.apiKey, hasOutbox: true });
}, 60_000);
afterAll(async () => {
  agent.destroy();
  await server.stop();
  await sandbox.stop();
});

async function sendWell(index: number): Promise<{ status: number; ms: number }> {
  const body = JSON.stringify({ id: `good_${index}`, total: "29.00" });
  const begunAt = performance.now();
  const sending = request({
    ...{ agent, host: "127.0.0.1", port: server.ports.express, path: "/billing", method: "POST" },
    headers: { "content-type": "application/json", ...signedHeaders("billing", body) },
  });
  sending.end(body);
  const [response] = await once(sending, "response");
  response.resume();
  await once(response, "end");
  return { status: response.statusCode, ms: performance.now() - begunAt };
}

/** The server's health as soon as it is as it should be; if it never is, the test ends by its time limit. */
async function healthOnce(isSo: (health: Health) => boolean): Promise<Health> {
  let health = await server.health(GARBAGE_GONE);
  while (!isSo(health)) health = await server.health(GARBAGE_GONE);
  return health;
}

/** Good webhooks, eight at a time, until something else is over. */
async function sendWellUntil(over: Promise<unknown>): Promise<{ status: number; ms: number }[]> {
  const answers: { status: number; ms: number }[] = [];
  let isOver = false;
  void over.finally(() => {
    isOver = true;
  });
  let index = 0;
  const one = async () => {
    while (!isOver) answers.push(await sendWell(index++));
  };
  await Promise.all(Array.from({ length: 8 }, one));
  return answers;
}

it("F11: answers good webhooks beside slow senders, and ends each slow body by a deadline of its own", {
  timeout: 120_000,
}, async () => {
  await sendWell(-1);
  const before = await server.health(GARBAGE_GONE);
  const head = "POST /billing HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
  const slowBody = `${head}content-length: 1000000\r\n\r\n${"x".repeat(BEGUN_BYTES)}`;
  const slow = (port: number, begin: string) => sendSlowly({ port, begin, everyMs: EVERY_MS });
  const { ports } = server;

  // Headers are the server's, and Node has a limit of a minute for them; bodies are ours.
  const headers: SlowSender[] = await Promise.all(
    Array.from({ length: SLOW / 4 }, () => slow(ports.express, `${head}x-`)),
  );
  const bodies: SlowSender[] = await Promise.all(
    Array.from({ length: (SLOW * 3) / 4 }, (_, at) => slow(at % 4 === 0 ? ports.fetch : ports.express, slowBody)),
  );
  const heldBytes = bodies.length * BEGUN_BYTES;
  const ends = Promise.all(bodies.map(({ ended }) => ended));
  const during = await healthOnce(({ bufferBytes }) => bufferBytes - before.bufferBytes > heldBytes / 2);
  const good = await sendWellUntil(ends);
  const ended = await ends;
  // Their connections are gone, and with them what they had sent; those of the slow headers are not.
  const after = await healthOnce(
    ({ connections, bufferBytes }) =>
      connections <= headers.length + 8 && bufferBytes - before.bufferBytes < heldBytes / 10,
  );

  const times = good.map(({ ms }) => ms).sort((a, b) => a - b);
  const figures = {
    slow: SLOW,
    good: good.length,
    goodMs: {
      p50: times[Math.floor(times.length * 0.5)],
      p99: times[Math.floor(times.length * 0.99)],
      max: times.at(-1),
    },
    cutAfterMs: { least: Math.min(...ended.map(({ ms }) => ms)), most: Math.max(...ended.map(({ ms }) => ms)) },
    lingeredMs: Math.max(...ended.map(({ lingeredMs }) => lingeredMs)),
    bufferBytes: { before: before.bufferBytes, during: during.bufferBytes, after: after.bufferBytes },
    connections: { during: during.connections, after: after.connections },
  };
  printFigures("F11", figures);

  expect(good.filter(({ status }) => status !== 200)).toEqual([]);
  expect(good.length).toBeGreaterThan(0);
  for (const { answer } of ended) {
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    expect(answer).toMatch(/^connection: close\r$/im);
    expect(answer).toMatch(/^retry-after: \d+\r$/im);
    expect(answer).toMatch(/\{"error":\{"code":"timed_out"\}\}/);
  }
  // Those of the slow headers, and of slow bodies on a busy machine as many as are not through with theirs.
  expect(during.connections).toBeGreaterThan(headers.length);
  expect(after.connections).toBeGreaterThanOrEqual(headers.length);
  expect(figures.cutAfterMs.least).toBeGreaterThanOrEqual(3_900);
  if (isFull) {
    expect(figures.goodMs.p99).toBeLessThan(100);
    expect(figures.cutAfterMs.most).toBeLessThan(10_000);
  }
  for (const sender of [...headers, ...bodies]) sender.hangUp();
});
