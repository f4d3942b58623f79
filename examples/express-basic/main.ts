/**
 * `npm start`: a sandbox of the events endpoint, an Express app with the relay mounted, and a webhook of each kind.
 *
 *   npm start -- [--once] [--port 3000] [--sandbox-port 4000]
 */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { createSandbox } from "affonso-relay/sandbox";
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

let lastSent: string | undefined;
const { app, relay } = createApp({
  affonso: { baseUrl, apiKey: sandbox.apiKey, signingSecret: SIGNING_SECRET },
  stripeWebhookSecret: SECRETS.stripe,
  paddleWebhookSecret: SECRETS.paddle,
  billingWebhookSecret: SECRETS.billing,
  on: {
    delivered: ({ event }) => {
      lastSent = event.externalEventId;
    },
  },
});
app.get("/sample", (_request, response) => {
  response.type("text/plain").send(`${curlOf(stripeInvoice(SECRETS.stripe))}\n`);
});
const server = app.listen(portOf("port"), "127.0.0.1");
await once(server, "listening");
const appUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const outcomes: Outcome[] = [];
for (const sample of makeSamples(SECRETS)) outcomes.push(await send(sample));
console.log(`\n${formatReport(outcomes, sandbox)}\n`);

if (flags.once) {
  const allTaken = outcomes.every(({ status, relayStatus }) => status === 200 && relayStatus === "delivered");
  process.exitCode = allTaken ? 0 : 1;
  await shutDown();
} else {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, shutDown);
  console.log(`webhooks   ${relay.sources.map((source) => `${appUrl}/webhooks/${source}`).join("\n           ")}`);
  console.log(`endpoint   ${baseUrl}/events (sandbox)\n`);
  console.log("Send another invoice; it is signed, and good for five minutes:\n");
  console.log(`${curlOf(stripeInvoice(SECRETS.stripe))}\n`);
  console.log(`A fresh one, any time:  curl -s ${appUrl}/sample | sh\nCtrl-C stops.`);
}

async function send({ title, path, headers, body }: Sample): Promise<Outcome> {
  lastSent = undefined;
  const response = await fetch(`${appUrl}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
  const answer = (await response.json()) as { status?: string; error?: { code: string } };
  const relayStatus = answer.status ?? answer.error?.code ?? "?";
  return { title, status: response.status, relayStatus, externalEventId: lastSent };
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
