import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
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

const SECRET = "whsec_of_the_benchmark";
const INVOICE = readFileSync(new URL("../fixtures/stripe/invoice-paid.basil.first.json", import.meta.url), "utf8");

/** How long a process that was just started takes for its first webhook, in milliseconds; the endpoint answers at once. */
function firstWebhook(name: string, take: string): Candidate {
  const script = `
    import { createHmac } from "node:crypto";
    import Stripe from "stripe";
    import { createRelay } from "affonso-relay";
    import { stripe } from "affonso-relay/stripe";
    const body = Buffer.from(${JSON.stringify(INVOICE)});
    const time = Math.floor(Date.now() / 1000);
    const v1 = createHmac("sha256", "${SECRET}").update(time + ".").update(body).digest("hex");
    const header = "t=" + time + ",v1=" + v1;
    const { webhooks } = new Stripe("sk_test_of_the_benchmark");
    // Made before, since Node loads its fetch with the first of them.
    const answer = new Response('{"success":true,"data":{"id":"conv_1"}}', { status: 201 });
    const relay = createRelay({
      apiKey: "sk_live_of_the_benchmark",
      adapters: [stripe({ webhookSecret: "${SECRET}" })],
      fetch: async () => answer,
    });
    const begin = performance.now();
    ${take}
    console.log(performance.now() - begin);`;
  return {
    name,
    async measure() {
      const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", script], { cwd: root });
      return Number(stdout);
    },
  };
}

async function firstWebhooks(): Promise<Report> {
  const readings = await inRounds(
    [
      firstWebhook("stripe.webhooks.constructEvent", `webhooks.constructEvent(body, header, "${SECRET}");`),
      firstWebhook(
        "relay.receive",
        'await relay.receive("stripe", { body, headers: { "stripe-signature": header } });',
      ),
    ],
    ROUNDS,
  );
  return { title: `first webhook after start (median of ${ROUNDS} processes each)`, unit: "ms", readings, goals: [] };
}

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
  return [...reports, await firstWebhooks()];
}
