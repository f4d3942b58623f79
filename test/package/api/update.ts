/** `npm run api:update`: writes the reports of the public API, for a change of it that is meant. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { currentReports, folder, keptReports } from "./reports.js";

const kept = keptReports();
const current = currentReports();
for (const name of kept.keys()) {
  if (!current.has(name)) rmSync(join(folder, name));
}
for (const [name, report] of current) writeFileSync(join(folder, name), report);

const changed = [...current].filter(([name, report]) => kept.get(name) !== report).map(([name]) => name);
console.log(changed.length === 0 ? "the public API is as it was" : `review and commit: ${changed.join(", ")}`);
