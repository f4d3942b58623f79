/**
 * `npm start`: a sandbox of the events endpoint, an Express app with the relay mounted, and a webhook of each kind.
 *
 *   npm start -- [--once] [--port 3000] [--sandbox-port 4000]
 */
import { EventEmitter, once } from "node:events";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createSandbox } from "affonso-relay/sandbox";
import { sqliteOutbox } from "affonso-relay/sqlite";
import { createApp } from "./app.js";
import { formatReport, type Outcome } from "./report.js";
import { makeSamples, type Sample, stripeInvoice } from "./samples.js";

const SECRETS = { stripe: "whsec_sandbox_only", paddle: "pdl_ntfset_sandbox_only", billing: "billing_sandbox_only" };
const SIGNING_SECRET = "affonso_sandbox_only";

const { values: flags } = parseArgs({
  options: {
    once: { type: "boolean", default: false },
    port: { type: "string", default: "0" },
    "sandbox-port": { type: "string", default: "0" },
    // Stays when the app stops: what it has not delivered by then is delivered by the next run.
    outbox: { type: "string", default: fileURLToPath(new URL("outbox.db", import.meta.url)) },
  },
});

const sandbox = createSandbox({
  signing: { secret: SIGNING_SECRET },
  referrals: ["ref_ada", "ref_grace", "ref_linus", "ref_margaret"],
  incentives: [
    { id: "inc_analytics", type: "percentage", amount: 30, productIds: ["analytics"] },
    { id: "inc_everything", type: "percentage", amount: 20 },
  ],
});
const { baseUrl } = await sandbox.start(portOf("sandbox-port"));

const settled = new EventEmitter();
const { app, relay } = createApp({
  affonso: { baseUrl, apiKey: sandbox.apiKey, signingSecret: SIGNING_SECRET },
  stripeWebhookSecret: SECRETS.stripe,
  paddleWebhookSecret: SECRETS.paddle,
  billingWebhookSecret: SECRETS.billing,
  outbox: sqliteOutbox({ path: flags.outbox }),
  on: {
    delivered: ({ event }) => settled.emit(`${event.externalEventId}`, "delivered"),
    unmatched: (event) => settled.emit(`${event.externalEventId}`, "unmatched"),
    deadLetter: ({ event }) => settled.emit(`${event.externalEventId}`, "dead letter"),
  },
});
app.get("/sample", (_request, response) => {
  response.type("text/plain").send(`${curlOf(stripeInvoice(SECRETS.stripe))}\n`);
});
app.get("/stats", async (_request, response) => {
  response.json(await relay.stats());
});
const server = app.listen(portOf("port"), "127.0.0.1");
await once(server, "listening");
const appUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
await relay.start();

const outcomes = await Promise.all(makeSamples(SECRETS).map(send));
console.log(`\n${formatReport(outcomes, sandbox)}\n`);
await printStats();

if (flags.once) {
  const allTaken = outcomes.every(({ status, fate }) => status === 200 && fate === "delivered");
  process.exitCode = allTaken ? 0 : 1;
  await shutDown();
} else {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, shutDown);
  console.log(`webhooks   ${relay.sources.map((source) => `${appUrl}/webhooks/${source}`).join("\n           ")}`);
  console.log(`stats      ${appUrl}/stats`);
  console.log(`endpoint   ${baseUrl}/events (sandbox)\n`);
  console.log("Send another invoice; it is signed, and good for five minutes:\n");
  console.log(`${curlOf(stripeInvoice(SECRETS.stripe))}\n`);
  console.log(`A fresh one, any time:  curl -s ${appUrl}/sample | sh`);
  console.log("Ctrl-C stops; the next start goes on with what is in the outbox.");
}

async function send({ title, eventId, path, headers, body }: Sample): Promise<Outcome> {
  // Listened for before it is sent: the endpoint may have the event before its sender has the answer.
  const fate = Promise.race([once(settled, eventId), once(AbortSignal.timeout(15_000), "abort").then(() => ["late"])]);
  const response = await fetch(`${appUrl}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
  const answer = (await response.json()) as { status?: string; error?: { code: string } };
  const relayStatus = answer.status ?? answer.error?.code ?? "?";
  return {
    title,
    eventId,
    status: response.status,
    relayStatus,
    fate: response.ok ? String((await fate)[0]) : "refused",
  };
}

async function printStats(): Promise<void> {
  const { counts, lane } = await relay.stats();
  const counted = Object.entries(counts).map(([state, count]) => `${count} ${state}`);
  console.log(`outbox     ${counted.join(", ")}; the way to the endpoint is ${lane.state}`);
}

/** A command line that sends the sample: no sample has a quote of the kind that encloses it. */
function curlOf({ path, headers, body }: Sample): string {
  const lines = Object.entries(headers).map(([name, value]) => `  -H '${name}: ${value}' \\`);
  return [`curl '${appUrl}${path}' \\`, "  -H 'content-type: application/json' \\", ...lines, `  -d '${body}'`].join(
    "\n",
  );
}

function portOf(flag: "port" | "sandbox-port"): number {
  const port = Number(flags[flag]);
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
  console.error(`--${flag} must be a port number from 0 (any free one) to 65535`);
  process.exit(2);
}

async function shutDown(): Promise<void> {
  server.close();
  server.closeAllConnections();
  await relay.stop();
  await sandbox.stop();
}
