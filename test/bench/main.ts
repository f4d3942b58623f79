/**
 * `npm run bench`, or `npm run bench -- ingest per-event`: tables for people, then the same as one line of JSON. Ratios of
 * one run count; the machine's figures do not.
 */
import { coldStart } from "./cold-start.js";
import { delivery } from "./delivery.js";
import { growth } from "./growth.js";
import { ingest } from "./ingest.js";
import { perEvent } from "./per-event.js";
import { type Report, tableOf } from "./support/report.js";

const BENCHMARKS = { "cold-start": coldStart, "per-event": perEvent, ingest, delivery, growth };

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !Object.hasOwn(BENCHMARKS, name));
if (unknown !== undefined)
  throw new Error(`no benchmark is called ${unknown}; there are ${Object.keys(BENCHMARKS).join(", ")}`);

const reports: Report[] = [];
for (const [name, measure] of Object.entries(BENCHMARKS)) {
  if (asked.length === 0 || asked.includes(name)) reports.push(...(await measure()));
}
for (const report of reports) console.log(`${tableOf(report)}\n`);
if (reports.some(({ goals }) => goals.some(({ met }) => !met))) process.exitCode = 1;
console.log(JSON.stringify({ node: process.version, platform: `${process.platform}-${process.arch}`, reports }));
