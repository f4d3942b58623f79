import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { BenchProcess } from "./support/process.js";
import type { Report } from "./support/report.js";
import type { Reading } from "./support/rounds.js";

const OURS = "verify + parse + normalize + map";

/** What one webhook costs from its bytes to its event, beside what nobody can do without and what others do. */
export async function perEvent(): Promise<Report[]> {
  const folder = await mkdtemp(join(tmpdir(), "affonso-relay-per-event-"));
  try {
    const pipeline = await bundledPipeline(folder);
    return [
      await reportOf("stripe", "a 4.5 kB invoice.paid", pipeline, "stripe.webhooks.constructEvent"),
      await reportOf("paddle", "a transaction.completed", pipeline, "paddle.webhooks.unmarshal"),
      await reportOf("Standard Webhooks", "4.5 kB", pipeline),
      await reportOf("plain HMAC", "4.5 kB", pipeline),
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The steps that the package has inside, built as the package is. */
async function bundledPipeline(folder: string): Promise<string> {
  const outfile = join(folder, "pipeline.mjs");
  await build({
    stdin: {
      contents: 'export { parseRecord } from "./event-schema.js"; export { prepareRecords } from "./prepare.js";',
      resolveDir: fileURLToPath(new URL("../../src", import.meta.url)),
    },
    bundle: true,
    format: "esm",
    target: "es2022",
    platform: "neutral",
    mainFields: ["module", "main"],
    outfile,
  });
  return pathToFileURL(outfile).href;
}

async function reportOf(group: string, body: string, pipeline: string, faster?: string): Promise<Report> {
  const child = new BenchProcess<string, Reading[]>("./per-event/subject.ts", group, pipeline);
  await child.ready;
  const readings = await child.begin();
  await child.end();
  const ours = readings.find(({ name }) => name === OURS)?.ratio ?? Number.NaN;
  const goals = [{ name: OURS, goal: "<= 1.5 x HMAC + JSON.parse", met: ours <= 1.5 }];
  const other = readings.find(({ name }) => name === faster)?.ratio;
  if (other !== undefined) goals.push({ name: OURS, goal: `faster than ${faster}`, met: ours < other });
  return { title: `per event: ${group}, ${body}`, unit: "us", readings, goals };
}
