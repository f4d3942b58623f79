/** As much of Stripe as one checkout needs, on this machine: it makes a session, takes the money, sends the invoice. */
import express from "express";
import Stripe from "stripe";

export interface StandInOptions {
  readonly webhookSecret: string;
  /** Where the webhooks go. */
  readonly webhookUrl: () => string;
}

export function createStripeStandIn({ webhookSecret, webhookUrl }: StandInOptions) {
  let subscriptionMetadata: Record<string, string> = {};
  const app = express();

  app.post("/v1/checkout/sessions", express.text({ type: "*/*" }), (request, response) => {
    subscriptionMetadata = metadataIn(new URLSearchParams(String(request.body)), "subscription_data");
    const url = `${request.protocol}://${request.get("host")}/pay`;
    response.json({ id: "cs_1", object: "checkout.session", mode: "subscription", url });
  });

  // Whoever opens the session's page has paid, and reads what the webhook was answered.
  app.get("/pay", async (_request, response) => {
    const body = JSON.stringify(invoicePaid(subscriptionMetadata));
    const signature = Stripe.webhooks.generateTestHeaderString({ payload: body, secret: webhookSecret });
    const headers = { "content-type": "application/json", "stripe-signature": signature };
    const answer = await fetch(webhookUrl(), { method: "POST", body, headers });
    response.status(answer.status).json(await answer.json());
  });
  return app;
}

/** Stripe takes forms, in which the metadata of a part is `part[metadata][key]=value`. */
function metadataIn(form: URLSearchParams, part: string): Record<string, string> {
  const start = `${part}[metadata][`;
  const entries = [...form].filter(([name]) => name.startsWith(start));
  return Object.fromEntries(entries.map(([name, value]) => [name.slice(start.length, -1), value]));
}

/** Of everything that the session was made with, an invoice has but the metadata of its subscription. */
function invoicePaid(metadata: Record<string, string>) {
  const invoice = {
    id: "in_1",
    object: "invoice",
    amount_paid: 2900,
    total: 2900,
    total_excluding_tax: 2900,
    currency: "usd",
    customer: "cus_1",
    metadata: {},
    parent: { type: "subscription_details", subscription_details: { subscription: "sub_1", metadata } },
    lines: { data: [] },
  };
  const created = Math.floor(Date.now() / 1000);
  return { id: "evt_1", object: "event", type: "invoice.paid", created, livemode: true, data: { object: invoice } };
}
