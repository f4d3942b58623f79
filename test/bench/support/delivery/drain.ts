import { createRelay } from "affonso-relay";
import { memoryOutbox } from "affonso-relay/memory";
import { sqliteOutbox } from "affonso-relay/sqlite";
import { stripe } from "affonso-relay/stripe";
import Database from "better-sqlite3";
import { inBenchProcess } from "../process.js";
import { begun, type Drained } from "./drained.js";
import { batchesOf } from "./sales.js";

// A relay whose outbox is full: the file that it is given, or its own memory.
const [baseUrl = "", count, concurrency, path, signingSecret] = process.argv.slice(2);
const outbox = path ? sqliteOutbox({ database: new Database(path) }) : memoryOutbox();
if (!path) for (const batch of await batchesOf(Number(count))) await outbox.put(batch, Date.now());

let delivered = 0;
let end = () => {};
const relay = createRelay({
  apiKey: "sk_live_of_the_benchmark",
  signingSecret: signingSecret || undefined,
  baseUrl,
  adapters: [stripe({ webhookSecret: "whsec_of_the_benchmark" })],
  outbox,
  concurrency: Number(concurrency),
  rateLimit: { perMinute: 1_000_000, perSecond: 100_000 },
  on: {
    delivered() {
      if (++delivered === Number(count)) end();
    },
  },
});

await inBenchProcess("ready", async (): Promise<Drained> => {
  const drained = new Promise<void>((resolve) => {
    end = resolve;
  });
  const read = begun();
  await relay.start();
  await drained;
  const measured = read(Number(count));
  const { counts } = await relay.stats();
  await relay.stop();
  if (counts.delivered !== Number(count)) throw new Error(`delivered ${counts.delivered} of ${count}`);
  return measured;
});
