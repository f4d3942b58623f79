/** What all the small examples do around their app: a sandbox of the endpoint, one signed webhook, and what became of it. */
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createSandbox } from "affonso-relay/sandbox";
import Stripe from "stripe";

export interface AppConfig {
  readonly affonso: { readonly baseUrl: string; readonly apiKey: string; readonly signingSecret: string };
  readonly stripeWebhookSecret: string;
}

export interface RunningApp {
  /** Where Stripe's webhooks go. */
  readonly url: string;
  close(): Promise<void>;
}

const STRIPE_WEBHOOK_SECRET = "whsec_sandbox_only";
const SIGNING_SECRET = "affonso_sandbox_only";

/** Starts the app, sends it a paid invoice of Stripe's, and says what became of it. */
export async function demonstrate(start: (config: AppConfig) => Promise<RunningApp>): Promise<void> {
  const sandbox = createSandbox({ referrals: ["ref_ada"], signing: { secret: SIGNING_SECRET } });
  const { baseUrl } = await sandbox.start();
  const app = await start({
    affonso: { baseUrl, apiKey: sandbox.apiKey, signingSecret: SIGNING_SECRET },
    stripeWebhookSecret: STRIPE_WEBHOOK_SECRET,
  });
  const { status, body } = await sendInvoicePaid(app.url);
  for (const { sale_amount, sale_amount_currency, referral_id } of sandbox.conversions) {
    console.log(
      `${status} ${body}; the endpoint has a sale of ${sale_amount} ${sale_amount_currency} for ${referral_id}`,
    );
  }
  if (sandbox.conversions.length === 0) process.exitCode = 1;
  await app.close();
  await sandbox.stop();
}

/** One of Node's servers on a free port of this machine; `path` is where Stripe's webhooks go. */
export async function listen(listener: RequestListener | Server, path: string): Promise<RunningApp> {
  const server = typeof listener === "function" ? createServer(listener) : listener;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function sendInvoicePaid(url: string): Promise<{ status: number; body: string }> {
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
  const signature = new Stripe("sk_test_unused").webhooks.generateTestHeaderString({
    payload,
    secret: STRIPE_WEBHOOK_SECRET,
  });
  const headers = { "content-type": "application/json", "stripe-signature": signature };
  const response = await fetch(url, { method: "POST", body: payload, headers });
  const text = await response.text();
  return { status: response.status, body: text.startsWith("{") ? (JSON.parse(text).status ?? text) : text };
}
