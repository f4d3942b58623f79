// Puts sales as fast as it can, and prints the external id of each one that is acknowledged. Ends by being killed.
import { sqliteOutbox } from "../../../src/outbox/sqlite.js";
import { NOW, put, sale } from "./entries.js";

const [path = "", run = ""] = process.argv.slice(2);
const outbox = sqliteOutbox({ path });

async function keepPutting(lane: number): Promise<void> {
  for (let number = 0; ; number++) {
    const entry = sale(`${run}_${lane}_${number}`);
    await put(outbox, entry, NOW);
    process.stdout.write(`${entry.externalEventId}\n`);
  }
}

for (let lane = 0; lane < 8; lane++) void keepPutting(lane);
