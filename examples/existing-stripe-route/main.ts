import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createSandbox } from "affonso-relay/sandbox";
import Stripe from "stripe";
import { createApp } from "./app.js";

const secret = "whsec_sandbox_only";
const sandbox = createSandbox({ referrals: ["ref_ada"] });
const { baseUrl } = await sandbox.start();
const app = createApp({
  affonso: { baseUrl, apiKey: sandbox.apiKey },
  stripeApiKey: "sk_test_unused",
  stripeWebhookSecret: secret,
});
const server = app.listen(0, "127.0.0.1");
await once(server, "listening");

const payload = JSON.stringify({
  id: "evt_1",
  object: "event",
  type: "invoice.paid",
  created: Math.floor(Date.now() / 1000),
  livemode: true,
  data: {
    object: {
      id: "in_1",
      object: "invoice",
      amount_paid: 2900,
      total: 2900,
      total_excluding_tax: 2900,
      currency: "usd",
      customer: "cus_1",
      subscription_details: { metadata: { affonso_referral: "ref_ada" } },
      lines: { data: [] },
    },
  },
});
const { webhooks } = new Stripe("sk_test_unused");
const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/stripe`, {
  method: "POST",
  body: payload,
  headers: {
    "content-type": "application/json",
    "stripe-signature": webhooks.generateTestHeaderString({ payload, secret }),
  },
});
const answer = `${response.status} ${await response.text()}`;
for (const { sale_amount, sale_amount_currency, referral_id } of sandbox.conversions) {
  console.log(`${answer}; the endpoint has a sale of ${sale_amount} ${sale_amount_currency} for ${referral_id}`);
}
server.closeAllConnections();
server.close();
await sandbox.stop();
