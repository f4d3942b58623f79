/**
 * What an app on Node does with the package: compiled to an ES module and to CommonJS under each way to resolve it, and
 * run. Prints one line of JSON.
 */
import { createHmac } from "node:crypto";
import { createServer, type RequestListener } from "node:http";
import { createRelay, isRelayError, RelayError, type RelayOptions } from "affonso-relay";
import { RelayError as CustomRelayError, custom, hmacSha256 } from "affonso-relay/custom";
import { createExpressMiddleware } from "affonso-relay/express";
import { createFetchHandler } from "affonso-relay/fetch";
import { memoryOutbox } from "affonso-relay/memory";
import { createSandbox } from "affonso-relay/sandbox";
import { stripe } from "affonso-relay/stripe";
import express from "express";
import * as z from "zod/mini";

const webhookSecret = "whsec_of_a_consumer";

function signedInvoice(id: string) {
  const created = Math.floor(Date.now() / 1000);
  const body = JSON.stringify({
    id: `evt_${id}`,
    object: "event",
    type: "invoice.paid",
    created,
    livemode: true,
    data: {
      object: {
        id: `in_${id}`,
        object: "invoice",
        amount_paid: 2900,
        total: 2900,
        currency: "usd",
        customer: `cus_${id}`,
        metadata: { affonso_referral: "ref_ada" },
        lines: { data: [] },
      },
    },
  });
  const signature = createHmac("sha256", webhookSecret).update(`${created}.${body}`).digest("hex");
  const headers = { "content-type": "application/json", "stripe-signature": `t=${created},v1=${signature}` };
  return { method: "POST", headers, body };
}

/** A status, and what an Express app on a free port answered. */
async function post(app: RequestListener, path: string, init: RequestInit) {
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const { status } = await fetch(`http://127.0.0.1:${port}${path}`, init);
  await new Promise((resolve) => server.close(resolve));
  return status;
}

function thrownBy(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

async function main() {
  const sandbox = createSandbox({ referrals: ["ref_ada"], signing: { secret: "consumer" } });
  const { baseUrl } = await sandbox.start();
  const billing = custom({
    name: "billing",
    verify: hmacSha256({ header: "x-signature", secret: "billing" }),
    schema: z.object({ id: z.string() }),
    normalize: ({ id }) => ({ type: "lead", name: "signed_up", externalEventId: id, identity: { externalUserId: id } }),
  });
  const adapters = [stripe({ webhookSecret }), billing] as const;
  const options: RelayOptions<typeof adapters> = {
    apiKey: sandbox.apiKey,
    signingSecret: "consumer",
    baseUrl,
    adapters,
    timeoutMs: undefined,
    fetch: globalThis.fetch,
  };

  const relay = createRelay(options);
  const app = express();
  app.use("/webhooks", createExpressMiddleware(relay));
  const throughExpress = await post(app, "/webhooks/stripe", signedInvoice("express"));
  const handle = createFetchHandler(relay, "stripe");
  const throughFetch = await handle(new Request("https://app.test/webhooks/stripe", signedInvoice("fetch")));
  const forged = { ...signedInvoice("forged"), body: "{}" };
  const refused = await handle(new Request("https://app.test/webhooks/stripe", forged));
  await relay.stop();

  const outbox = memoryOutbox();
  const durable = createRelay({ ...options, outbox });
  const { status: queued } = await durable.receiveVerified("billing", { id: "usr_1" });
  await durable.stop();

  const errors = [thrownBy(() => stripe({ webhookSecret: "" })), thrownBy(() => memoryOutbox({ maxBacklog: -1 }))];
  const report = {
    answers: [throughExpress, throughFetch.status, refused.status, queued],
    sales: sandbox.conversions.map(({ external_event_id, sale_amount }) => `${external_event_id} ${sale_amount}`),
    isOneClass: RelayError === CustomRelayError && errors.every((error) => error instanceof RelayError),
    codes: errors.map((error) => (isRelayError(error) ? error.code : undefined)),
  };
  await sandbox.stop();
  console.log(JSON.stringify(report));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
