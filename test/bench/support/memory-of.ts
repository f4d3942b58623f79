/** Prints how many MB a process has that works on the outbox in a file: `tsx memory-of.ts <file> <number of a new sale>`. */
import { sqliteOutbox } from "affonso-relay/sqlite";
import { sale } from "./backlog.js";
import { claimAndSettle } from "./outbox-work.js";

const [path = "", first] = process.argv.slice(2);
const outbox = sqliteOutbox({ path, maxBacklog: Number.MAX_SAFE_INTEGER });
for (let number = Number(first); number < Number(first) + 200; number++) {
  await outbox.put(sale(number), Date.now());
  await claimAndSettle(outbox, 1);
  await outbox.stats();
}
console.log(process.memoryUsage.rss() / 1024 / 1024);
await outbox.close();
