import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memoryOutbox } from "../../src/outbox/memory.js";
import { REPLIES, type Reply } from "./support/model/endpoint.js";
import { assert, businessKeyOf, Model, referralLink, System, saleEvent } from "./support/model/system.js";

const RUNS = Number(process.env["PROOF_RUNS"] ?? (process.env["PROOF"] === "full" ? 1_000_000 : 300));
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const YEARS = 10 * 365 * 24 * HOUR;

const figures = { commands: 0, acked: 0, effects: 0, replays: 0, crashes: 0, dead: 0 };
const kinds: Record<string, number> = {};

/** One thing that happens, and after it all that must be true. */
class Step implements fc.AsyncCommand<Model, System> {
  readonly #name: string;
  readonly #happen: (model: Model, system: System) => unknown;

  constructor(name: string, happen: (model: Model, system: System) => unknown) {
    this.#name = name;
    this.#happen = happen;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, system: System): Promise<void> {
    figures.commands += 1;
    const kind = this.#name.split(" ")[0] ?? "";
    kinds[kind] = (kinds[kind] ?? 0) + 1;
    await this.#happen(model, system);
    await system.rest();
    assert(system.violation === undefined, String(system.violation));
    await system.verify(model);
  }

  toString(): string {
    return this.#name;
  }
}

const sale = fc.nat({ max: 3 });
const commands = [
  ...[0, 1].map(() =>
    fc.tuple(sale, fc.nat({ max: 2 }), fc.constantFrom(1_000, 1_000, 900)).map(
      ([id, twin, cents]) =>
        new Step(`webhook ${id}#${twin} of ${cents}`, async (model, system) => {
          await system.put([saleEvent(id, twin, cents)]);
          const key = businessKeyOf(id);
          if (!model.acked.has(key)) model.acked.set(key, `${key}#${twin}`);
        }),
    ),
  ),
  fc.tuple(fc.nat({ max: 1 }), fc.constantFrom("ref_ada", "ref_bob")).map(
    ([customer, referral]) =>
      new Step(`link ${customer} ${referral}`, async (model, system) => {
        await system.put([referralLink(customer, referral)]);
        const key = `cus_${customer}`;
        if (!model.referrals.has(key)) model.referrals.set(key, referral);
      }),
  ),
  ...[0, 1, 2, 3].map(() =>
    fc.tuple(fc.nat({ max: 5 }), fc.constantFrom<Reply>(...REPLIES)).map(
      ([at, reply]) =>
        new Step(`reply ${at} ${reply}`, (_, { endpoint }) => {
          const waiting = endpoint.waiting[at % Math.max(endpoint.waiting.length, 1)];
          if (waiting !== undefined) endpoint.reply(waiting, reply);
        }),
    ),
  ),
  fc.tuple(fc.nat({ max: 1 }), fc.boolean()).map(
    ([at, arrived]) =>
      new Step(`crash ${at} ${arrived ? "after" : "before"}`, async (_, system) => {
        figures.crashes += 1;
        system.crash(at % system.nodes.length, arrived);
        if (system.nodes.length === 0) system.begin();
      }),
  ),
  fc.constant(
    new Step("second", (_, system) => {
      if (system.nodes.length < 2) system.begin();
    }),
  ),
  fc.nat({ max: 1 }).map((at) => new Step(`stop ${at}`, (_, system) => system.stop(at % system.nodes.length))),
  ...[0, 1].map(() =>
    fc
      .constantFrom(SECOND, 10 * SECOND, 61 * SECOND, 600 * SECOND, 7 * HOUR)
      .map((ms) => new Step(`pass ${ms / SECOND} s`, (_, system) => system.pass(ms))),
  ),
  fc.constantFrom(HOUR, -HOUR, YEARS, -YEARS).map(
    (ms) =>
      new Step(`clock ${ms / HOUR} h`, (model, system) => {
        model.clockWasSet = true;
        system.time.set(ms);
      }),
  ),
];

/** The endpoint is well, the clock is left alone: whatever was acknowledged gets where it belongs. */
async function end(model: Model, system: System): Promise<void> {
  system.endpoint.always = "ok";
  for (const waiting of [...system.endpoint.waiting]) system.endpoint.reply(waiting, "ok");
  await system.rest();
  for (let hours = 0; hours < 24 && (await system.pending()) > 0; hours++) await system.pass(HOUR);
  assert(system.violation === undefined, String(system.violation));
  await system.verify(model);
  assert((await system.pending()) === 0, "a day after all was well again, something is still pending");
  figures.acked += model.acked.size;
  figures.dead += await system.dead();
  figures.effects += system.endpoint.effects.size;
  figures.replays += system.endpoint.replays;
  for (const { die } of system.nodes) die(false);
}

describe("F14: any sequence of webhooks, answers, crashes and clocks", () => {
  it("loses nothing, doubles nothing and counts no attempt that was none", { timeout: 24 * HOUR }, async () => {
    const startedAt = performance.now();
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { maxCommands: 30, size: "max" }), async (steps) => {
        const model = new Model();
        const system = new System(memoryOutbox());
        await fc.asyncModelRun(() => ({ model, real: system }), steps);
        await end(model, system);
      }),
      { numRuns: RUNS },
    );
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
    console.log(JSON.stringify({ proof: "F14", sequences: RUNS, ...figures, kinds, seconds }));
    // Sequences in which nothing arrives prove nothing.
    expect(figures.effects).toBeGreaterThan(RUNS / 4);
    expect(figures.replays).toBeGreaterThan(0);
  });
});
