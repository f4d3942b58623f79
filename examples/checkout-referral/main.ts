import { createSandbox } from "affonso-relay/sandbox";
import Stripe from "stripe";
import { listen, type RunningApp } from "../support/demonstrate.js";
import { createApp } from "./app.js";
import { createStripeStandIn } from "./stripe-stand-in.js";

const webhookSecret = "whsec_sandbox_only";
const signingSecret = "affonso_sandbox_only";

const sandbox = createSandbox({ referrals: ["ref_ada"], signing: { secret: signingSecret } });
const { baseUrl } = await sandbox.start();

let shop: RunningApp | undefined;
const standIn = await listen(
  createStripeStandIn({ webhookSecret, webhookUrl: () => `${shop?.url}/webhooks/stripe` }),
  "",
);
const { hostname: host, port } = new URL(standIn.url);
const stripeClient = new Stripe("sk_test_unused", { host, port, protocol: "http", telemetry: false });
shop = await listen(
  createApp({
    affonso: { baseUrl, apiKey: sandbox.apiKey, signingSecret },
    stripeWebhookSecret: webhookSecret,
    stripeClient,
  }),
  "",
);

// A visitor whom ref_ada brought goes to the checkout, is sent on to Stripe, and pays there.
const paid = await fetch(`${shop.url}/checkout`, { method: "POST", headers: { cookie: "affonso_referral=ref_ada" } });
const { status } = await paid.json();
for (const { sale_amount, sale_amount_currency, referral_id } of sandbox.conversions) {
  const sale = `${sale_amount} ${sale_amount_currency} for ${referral_id}`;
  console.log(`${paid.status} ${status}; the endpoint has a sale of ${sale}`);
}
if (sandbox.conversions.length === 0) process.exitCode = 1;
await shop.close();
await standIn.close();
await sandbox.stop();
