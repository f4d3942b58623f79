// Prints how many steps a memoryOutbox takes for one webhook, as V8 counts them, with each backlog that it is told.
import { Session } from "node:inspector/promises";
import type { Outbox } from "../../../src/outbox/outbox.js";
import { claim, link, NOW, put, sale, settle } from "./entries.js";

// V8 counts what it compiles from now on.
const session = new Session();
session.connect();
await session.post("Profiler.enable");
await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
const { memoryOutbox } = await import("../../../src/outbox/memory.js");

const ROUNDS = 20;
/** A subscription that is paid every minute, so that each entry speaks of what all the others speak of. */
const references = (number: number) => ["subscription:sub_1", `invoice:in_${number}`];

async function webhook(outbox: Outbox, number: number): Promise<void> {
  const nowMs = NOW + number;
  const links = [link(references(number), "ref_ada")];
  await outbox.put({ entries: [sale(number, { references: references(number) })], links }, nowMs);
  await claim(outbox, nowMs, { max: 8, admit: (lane) => ({ count: 0, lane }) });
  const { entries } = await claim(outbox, nowMs, { max: 1 });
  for (const entry of entries) await settle(outbox, entry, { state: "delivered", wake: references(number) }, nowMs);
}

async function stepsWith(backlog: number): Promise<number> {
  const outbox = memoryOutbox();
  for (let number = 0; number < backlog; number++) {
    await put(outbox, sale(number, { references: references(number) }), NOW + number);
  }
  await webhook(outbox, backlog);
  await session.post("Profiler.takePreciseCoverage");
  for (let round = 1; round <= ROUNDS; round++) await webhook(outbox, backlog + round);
  const { result } = await session.post("Profiler.takePreciseCoverage");
  const scripts = result.filter(({ url }) => /\/src\/outbox\/memory[./]/.test(url));
  const blocks = scripts.flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges));
  return blocks.reduce((sum, { count }) => sum + count, 0) / ROUNDS;
}

const steps: number[] = [];
for (const backlog of process.argv.slice(2)) steps.push(await stepsWith(Number(backlog)));
console.log(JSON.stringify(steps));
