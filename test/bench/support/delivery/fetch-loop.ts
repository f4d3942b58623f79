import { inBenchProcess } from "../process.js";
import { begun, type Drained } from "./drained.js";
import { bodiesOf } from "./sales.js";

// What sending costs without a relay: bodies that lie ready, and answers that are read and forgotten.
const [baseUrl = "", count, concurrency] = process.argv.slice(2);
const bodies = await bodiesOf(Number(count));

async function send(body: string): Promise<void> {
  const headers = { authorization: "Bearer sk_live_of_the_benchmark", "content-type": "application/json" };
  const response = await fetch(`${baseUrl}/events`, { method: "POST", headers, body });
  await response.text();
}

await inBenchProcess("ready", async (): Promise<Drained> => {
  const read = begun();
  const rest = bodies.values();
  const sender = async () => {
    for (const body of rest) await send(body);
  };
  await Promise.all(Array.from({ length: Number(concurrency) }, sender));
  return read(Number(count));
});
