/**
 * `npm run bench`: tables for people, then the same as one line of JSON. Ratios of one run count; the machine's figures
 * do not.
 */
import { coldStart } from "./cold-start.js";
import { tableOf } from "./support/report.js";

const reports = await coldStart();
for (const report of reports) console.log(`${tableOf(report)}\n`);
if (reports.some(({ goals }) => goals.some(({ met }) => !met))) process.exitCode = 1;
console.log(JSON.stringify({ node: process.version, platform: `${process.platform}-${process.arch}`, reports }));
