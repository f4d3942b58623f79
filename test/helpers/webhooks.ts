import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import Stripe from "stripe";

export const STRIPE_SECRET = "whsec_test_of_the_contract_suite";
export const BILLING_SECRET = "billing_test_of_the_contract_suite";
export const PADDLE_SECRET = "pdl_ntfset_01test_of_the_contract_suite";

const { webhooks } = new Stripe("sk_test_unused");

/** A paid invoice as Stripe would send it; each id makes another sale. */
export function invoicePaid(id: string, overrides: Record<string, unknown> = {}): string {
  return JSON.stringify({
    id: `evt_${id}`,
    object: "event",
    type: "invoice.paid",
    created: Math.floor(Date.now() / 1000),
    livemode: true,
    data: {
      object: {
        id: `in_${id}`,
        object: "invoice",
        amount_paid: 2900,
        total: 2900,
        total_excluding_tax: 2900,
        currency: "usd",
        customer: `cus_${id}`,
        metadata: { affonso_referral: "ref_ada" },
        lines: { data: [] },
        ...overrides,
      },
    },
  });
}

/** Stripe's header for a body, made by Stripe's own code. */
export function stripeSignature(payload: string, secret = STRIPE_SECRET): string {
  return webhooks.generateTestHeaderString({ payload, secret });
}

/** A one-off sale of 49 EUR as Paddle would send it, brought by ref_ada. */
export function transactionCompleted(id: string): string {
  const file = new URL("../fixtures/paddle/transaction-completed.one-off.json", import.meta.url);
  const event = JSON.parse(readFileSync(file, "utf8"));
  const data = { ...event.data, id: `txn_${id}`, custom_data: { affonso_referral: "ref_ada" } };
  return JSON.stringify({ ...event, event_id: `evt_${id}`, data });
}

/** Paddle's header for a body, as its documentation says: https://developer.paddle.com/webhooks/about/signature-verification */
export function paddleSignature(body: string): string {
  const seconds = Math.floor(Date.now() / 1000);
  return `ts=${seconds};h1=${createHmac("sha256", PADDLE_SECRET).update(`${seconds}:${body}`).digest("hex")}`;
}

/** The header of the "billing" source of the suites. */
export function billingSignature(body: string): string {
  return createHmac("sha256", BILLING_SECRET).update(body).digest("hex");
}
