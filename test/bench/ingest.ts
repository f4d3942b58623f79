import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Stripe from "stripe";
import { type Load, load } from "./support/ingest/load.js";
import { BenchProcess } from "./support/process.js";
import type { Report } from "./support/report.js";
import { readingsOf } from "./support/rounds.js";

const CONNECTIONS = 64;
const WEBHOOKS = 6_000;
const ROUNDS = 9;
const SECRET = "whsec_of_the_benchmark";
const INVOICE = readFileSync(new URL("../fixtures/stripe/invoice-paid.basil.first.json", import.meta.url), "utf8");
const { webhooks } = new Stripe("sk_test_of_the_benchmark");

let invoices = 0;

/** A webhook of an invoice that was never sent before, as bytes on the wire. */
function webhook(): Buffer {
  const number = ++invoices;
  const own = INVOICE.replaceAll(/"((?:evt|in|cus|sub|il)_\w+)"/g, `"$1_${number}"`);
  const payload = JSON.stringify(JSON.parse(own));
  const signature = webhooks.generateTestHeaderString({ payload, secret: SECRET });
  const body = Buffer.from(payload);
  const head = [
    "POST /webhooks/stripe HTTP/1.1",
    "host: app.example",
    "content-type: application/json",
    `content-length: ${body.length}`,
    `stripe-signature: ${signature}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body]);
}

/** How fast webhooks are taken, each committed before its 200, beside routes that keep them in no way. */
export async function ingest(): Promise<Report[]> {
  return [
    ...(await compare("Express 5", "express by hand", "express with relay", 1, ["p99"])),
    ...(await compare("node:http", "node by hand", "node with relay", 0.8, [])),
  ];
}

async function compare(
  framework: string,
  byHand: string,
  withRelay: string,
  goal: number,
  goalsToo: readonly "p99"[],
): Promise<Report[]> {
  const folder = await mkdtemp(join(tmpdir(), "affonso-relay-ingest-"));
  const names = [byHand, withRelay];
  const servers = names.map(
    (name) => new BenchProcess<number, unknown>("./ingest/server.ts", name, SECRET, join(folder, "outbox.db")),
  );
  try {
    const ports = await Promise.all(servers.map(({ ready }) => ready));
    const loads = names.map((): Load[] => []);
    for (let round = -1; round < ROUNDS; round++) {
      for (const [at, port] of ports.entries()) {
        const requests = Array.from({ length: WEBHOOKS }, webhook);
        const measured = await load(port, requests, CONNECTIONS);
        // The first round is for compilers and caches.
        if (round >= 0) loads[at]?.push(measured);
      }
    }
    const of = (figure: keyof Load) =>
      readingsOf(names.map((name, at) => ({ name, values: (loads[at] ?? []).map((one) => one[figure]) })));
    const [speed, p99] = [of("perSecond"), of("p99Ms")];
    const title = (what: string) => `ingest, ${framework}, ${CONNECTIONS} connections: ${what} (${ROUNDS} rounds)`;
    return [
      {
        title: title("throughput"),
        unit: "webhooks/s",
        readings: speed,
        goals: [{ name: withRelay, goal: `>= ${goal} x`, met: (speed[1]?.ratio ?? 0) >= goal }],
      },
      {
        title: title("99 of 100 are answered within"),
        unit: "ms",
        readings: p99,
        goals: goalsToo.map(() => ({ name: withRelay, goal: "<= 1 x", met: (p99[1]?.ratio ?? Number.NaN) <= 1 })),
      },
    ];
  } finally {
    await Promise.all(servers.map((server) => server.end()));
    await rm(folder, { recursive: true, force: true });
  }
}
