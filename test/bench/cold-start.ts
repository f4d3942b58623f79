import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Report } from "./support/report.js";
import { type Candidate, inRounds } from "./support/rounds.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const ROUNDS = 15;

/** How long a process of its own takes to load these packages, in milliseconds. */
function loading(name: string, packages: readonly string[], type: "module" | "commonjs"): Candidate {
  const list = packages.map((specifier) => JSON.stringify(specifier));
  const load =
    type === "module"
      ? `await Promise.all([${list.map((specifier) => `import(${specifier})`).join()}]);`
      : list.map((specifier) => `require(${specifier});`).join("");
  const script = `const begin = performance.now(); ${load} console.log(performance.now() - begin);`;
  return {
    name,
    async measure() {
      const { stdout } = await run(process.execPath, [`--input-type=${type}`, "--eval", script], { cwd: root });
      return Number(stdout);
    },
  };
}

const OURS = ["affonso-relay", "affonso-relay/stripe"];

/** How long the first import takes, beside that of zod alone. */
export async function coldStart(): Promise<Report[]> {
  const reports: Report[] = [];
  for (const [type, how] of [
    ["module", "ESM"],
    ["commonjs", "CommonJS"],
  ] as const) {
    const readings = await inRounds(
      [
        loading('"zod"', ["zod"], type),
        loading('"zod/mini"', ["zod/mini"], type),
        loading("core + Stripe adapter", OURS, type),
        loading(
          "… + Express binding + SQLite outbox",
          [...OURS, "affonso-relay/express", "affonso-relay/sqlite"],
          type,
        ),
        loading('"stripe"', ["stripe"], type),
        loading('"express"', ["express"], type),
      ],
      ROUNDS,
    );
    const ratio = readings[2]?.ratio ?? Number.NaN;
    const goals = [{ name: "core + Stripe adapter", goal: "< 0.5 x the import of zod", met: ratio < 0.5 }];
    reports.push({ title: `cold import, ${how} (median of ${ROUNDS} processes each)`, unit: "ms", readings, goals });
  }
  return reports;
}
