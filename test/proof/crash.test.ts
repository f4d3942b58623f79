import { afterAll, beforeAll, expect, it } from "vitest";
import type { Child } from "./support/processes/child.js";
import { CrashingRelay } from "./support/processes/crashing-relay.js";
import { compare } from "./support/processes/ledger.js";
import { Provider } from "./support/processes/provider.js";
import { FULL, randomFrom, report, SEED } from "./support/processes/scale.js";
import { webhookOf } from "./support/processes/shop.js";

const ROUNDS = FULL ? 100 : 1;
const KILLS_A_ROUND = FULL ? 100 : 12;
const CONNECTIONS = FULL ? 50 : 16;
/** What a relay sends at once unless it is told otherwise: a kill costs no more entries than that one of their starts. */
const CONCURRENCY = 8;
/** So many starts without an end, and an entry is taken for poison. */
const STARTS_TO_QUARANTINE = 5;

/** How long a process lives at most: most are killed while they are new, some when they are at full speed. */
const COLD_MS = 200;
const WARM_MS = FULL ? 3_000 : 1_500;

const random = randomFrom(SEED);
let relay: CrashingRelay;

beforeAll(async () => {
  relay = await CrashingRelay.start();
}, 30_000);
afterAll(() => relay.stop(), 30_000);

it(
  "loses and doubles nothing that it acknowledged, however often it is killed",
  async () => {
    const startedAt = performance.now();
    const total = { kills: 0, acked: 0, lost: 0, double: 0, cut: 0, resent: 0, quarantined: 0 };
    const refusals: Record<number, number> = {};
    const wrong: string[] = [];
    // A sale that is lost is worth more than the rounds that are left: it stops here, with the seed to repeat it.
    for (let round = 0; round < ROUNDS && wrong.length === 0; round++) {
      const result = await killAgainAndAgain(round);
      for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += result[key];
      for (const [status, times] of Object.entries(result.refusals)) {
        refusals[Number(status)] = (refusals[Number(status)] ?? 0) + times;
      }
      wrong.push(...result.wrong.slice(0, 10));
      relay.sandbox.reset();
    }
    report({
      proof: "F1",
      ...total,
      refusals,
      seed: SEED,
      seconds: Math.round((performance.now() - startedAt) / 1000),
    });
    expect({ wrong, lost: total.lost, double: total.double }).toEqual({ wrong: [], lost: 0, double: 0 });
    expect(total.kills).toBe(ROUNDS * KILLS_A_ROUND);
    // Enough went through between the kills for these numbers to mean something, and the kills did hit something.
    expect(total.acked).toBeGreaterThan((FULL ? 50 : 3) * total.kills);
    expect(total.cut).toBeGreaterThan(total.kills / 2);
    expect(total.quarantined * STARTS_TO_QUARANTINE).toBeLessThanOrEqual(total.kills * CONCURRENCY);
  },
  FULL ? 6 * 3_600_000 : 60_000,
);

async function killAgainAndAgain(round: number) {
  let sales = 0;
  const provider = new Provider(CONNECTIONS, () => {
    const sale = `${round}_${++sales}`;
    // One sale in eight is told twice at once, under two ids, as providers do.
    return sales % 8 === 0 ? [webhookOf(sale, "a"), webhookOf(sale, "b")] : [webhookOf(sale)];
  });
  provider.start();
  let kills = 0;
  for (let kill = 0; kill < KILLS_A_ROUND; kill++) {
    const child = relay.spawn();
    // One in five dies while it starts: opening, migrating, recovering the file.
    if (kill % 5 === 0) await after(random() * 80);
    else {
      provider.up(await child.port);
      await after(random() * (kill % 10 === 3 ? WARM_MS : COLD_MS));
    }
    provider.down();
    // Not by itself, whatever state of the file it found.
    expect(await child.kill(), child.stderr).toBe("SIGKILL");
    kills += 1;
    // Some restarts come at once, and find the leases of the dead; some come later.
    if (random() < 1 / 2) relay.aMinuteLater();
  }
  relay.aMinuteLater();
  return { kills, ...(await drainAndCount(provider, relay.spawn())) };
}

async function drainAndCount(provider: Provider, child: Child) {
  provider.up(await child.port);
  await provider.end();
  await child.ask("drained");
  // What was in flight at five kills in a row is taken for poison: a person sends it again, and nothing is lost.
  const dead = await child.ask("deadLetters");
  expect(dead.filter(({ reason }) => reason.reason !== "quarantined")).toEqual([]);
  expect(await child.ask("replay")).toBe(dead.length);
  const { counts } = await child.ask("drained");
  expect(counts, child.stderr).toMatchObject({ pending: 0, dead: 0, unmatched: 0, discarded: 0 });
  const { lost, double } = compare(relay.sandbox, provider.acknowledged);
  await child.kill();
  return {
    acked: provider.acknowledged.size,
    lost: lost.length,
    double: double.length,
    cut: provider.cut,
    resent: relay.sandbox.replays.length,
    quarantined: dead.length,
    refusals: provider.refusals,
    wrong: [...lost.map((sale) => `${sale} lost`), ...double.map((sale) => `${sale} twice`)],
  };
}

/** The moment of a kill is the experiment, not a wait for something. */
function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
