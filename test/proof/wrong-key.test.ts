import { afterEach, expect, it, vi } from "vitest";
import { memoryOutbox } from "../../src/outbox/memory.js";
import { isFull, printFigures, seededRandom } from "./support/network/figures.js";
import { sale } from "./support/network/sales.js";
import { ScriptedEndpoint, SLOWEST_ANSWER_MS, type Trouble } from "./support/network/scripted-endpoint.js";
import { CONCURRENCY, VirtualRelay } from "./support/network/virtual-relay.js";
import { VirtualTime } from "./support/network/virtual-time.js";

const HOUR_MS = 3_600_000;
const LIMIT = { perMinute: 300, perSecond: 10 };
const EVENTS = isFull ? 2_000 : 150;

const refusal = (status: number, code: string): Trouble => ({
  kind: "answer",
  status,
  body: { success: false, error: { code, message: "no" } },
});

const CASES: readonly (readonly [what: string, hours: number, reason: string, trouble: Trouble])[] = [
  ["a wrong key", 24, "unauthorized", refusal(401, "UNAUTHORIZED")],
  ["a key without the permission", 4, "forbidden", refusal(403, "FORBIDDEN")],
  ["a firewall's 403", 4, "forbidden", { kind: "answer", status: 403, body: "<h1>blocked</h1>" }],
  [
    "a redirect",
    4,
    "redirected",
    { kind: "answer", status: 302, body: "moved", headers: { location: "https://elsewhere.test/" } },
  ],
  ["a 404 that is not the endpoint's", 4, "misconfigured_endpoint", { kind: "answer", status: 404, body: "Not Found" }],
  ["a captive portal's 200", 4, "misconfigured_endpoint", { kind: "answer", status: 200, body: "<h1>log in</h1>" }],
  ["a certificate that expired", 4, "tls", { kind: "unreachable", code: "CERT_HAS_EXPIRED" }],
];

afterEach(() => void vi.unstubAllGlobals());

it.each(CASES)("%s for %i hours costs no attempt and no event", { timeout: 60_000 }, async (...parameters) => {
  const [what, hours, reason, trouble] = parameters;
  const random = seededRandom(hours);
  const time = new VirtualTime();
  const wrongMs = hours * HOUR_MS;
  const endsAtMs = time.clock() + wrongMs;
  const endpoint = new ScriptedEndpoint({
    time,
    limit: LIMIT,
    random,
    script: (nowMs) => (nowMs < endsAtMs ? trouble : undefined),
  });
  const outbox = memoryOutbox();
  const relay = new VirtualRelay({ time, outbox, endpoint, random, rateLimit: LIMIT });
  await relay.start();

  // A few are there when it begins, the others come all the time.
  const put = (id: number) => time.during(() => relay.put(sale(String(id))));
  for (let id = 0; id < 20; id++) await put(id);
  for (let id = 20; id < EVENTS; id++) time.after(((wrongMs - 1_000) / EVENTS) * id, () => void put(id));

  await time.run(() => relay.pauses.length > 0);
  const beforePause = endpoint.requestsAtMs.length;
  await time.pass(endsAtMs - 1 - time.clock());
  const probes = endpoint.requestsAtMs.length - beforePause;
  const during = await outbox.stats();
  const pending = await outbox.list({ state: "pending" }, { limit: EVENTS + 1 });
  const burnt = pending.filter(({ attempts }) => attempts > 0).length;

  await time.run(() => relay.resumesAtMs.length > 0, 10 * 60_000);
  const resumedAfterMs = time.clock() - endsAtMs;
  await time.run(() => relay.states.delivered + relay.states.dead + relay.states.unmatched === EVENTS, HOUR_MS);
  const { counts } = await outbox.stats();
  await relay.stop();
  printFigures("F7", {
    what,
    hours,
    probes,
    burnt: relay.attempts,
    resumedAfterSeconds: Math.round(resumedAfterMs / 1000),
    delivered: counts.delivered,
  });

  expect(during.lane.paused).toMatchObject({ reason });
  expect(during.counts).toMatchObject({ pending: EVENTS, dead: 0, unmatched: 0 });
  expect(pending).toHaveLength(EVENTS);
  expect({ burnt, attempts: relay.attempts }).toEqual({ burnt: 0, attempts: 0 });

  // Those that were under way when the first refusal came.
  expect(beforePause).toBeLessThanOrEqual(CONCURRENCY);
  expect(probes).toBeLessThanOrEqual(hours * 60);
  expect(probes).toBeGreaterThan(hours * 55);

  expect(relay.pauses.map((pause) => pause.reason)).toEqual([reason]);
  expect(relay.resumesAtMs).toHaveLength(1);
  expect(resumedAfterMs).toBeLessThanOrEqual(60_000 + SLOWEST_ANSWER_MS);

  expect(counts).toEqual({ delivered: EVENTS, pending: 0, unmatched: 0, dead: 0, discarded: 0 });
  expect(endpoint.confirmed).toBe(EVENTS);
  expect(endpoint.needless).toEqual([]);
  expect(endpoint.tooFastAtMs).toEqual([]);
});
