import { createHmac, randomBytes } from "node:crypto";

/** A webhook as its sender would send it. */
export interface Sample {
  readonly title: string;
  /** The id that the sender gave the event, under which the endpoint will have it. */
  readonly eventId: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the senders sign with. */
export interface SampleSecrets {
  readonly stripe: string;
  readonly paddle: string;
  readonly billing: string;
}

/** One webhook of each kind, signed now, with ids of its own. */
export function makeSamples(secrets: SampleSecrets): Sample[] {
  return [
    stripeInvoice(secrets.stripe),
    stripeCheckout(secrets.stripe),
    stripeTrial(secrets.stripe),
    paddleSale(secrets.paddle),
    customLead(secrets.billing),
  ];
}

/** The first payment of a subscription: 119.00 EUR with 19.00 tax, of a customer whom ref_ada referred. */
export function stripeInvoice(secret: string): Sample {
  const id = newId();
  return stripeSample("a subscription's invoice", secret, "invoice.paid", {
    id: `in_${id}`,
    object: "invoice",
    amount_paid: 11900,
    total: 11900,
    total_excluding_tax: 10000,
    currency: "eur",
    customer: `cus_${id}`,
    billing_reason: "subscription_create",
    metadata: {},
    parent: {
      type: "subscription_details",
      subscription_details: { subscription: `sub_${id}`, metadata: { affonso_referral: "ref_ada" } },
    },
    status_transitions: { paid_at: nowSeconds() },
    lines: {
      object: "list",
      has_more: false,
      data: [
        {
          object: "line_item",
          amount: 10000,
          metadata: { affonso_referral: "ref_ada" },
          period: { start: nowSeconds(), end: nowSeconds() + 30 * 86_400 },
          parent: { subscription_item_details: { subscription: `sub_${id}`, proration: false } },
          pricing: { price_details: { price: "price_1QAnalyticsMonthly", product: "prod_QkAnalytics" } },
        },
      ],
    },
  });
}

/** A payment link's sale, 4 900 JPY: yen have no decimals. */
function stripeCheckout(secret: string): Sample {
  const id = newId();
  return stripeSample("a one-off checkout", secret, "checkout.session.completed", {
    id: `cs_test_${id}`,
    object: "checkout.session",
    mode: "payment",
    payment_status: "paid",
    amount_total: 4900,
    currency: "jpy",
    total_details: { amount_tax: 0 },
    customer: null,
    invoice: null,
    subscription: null,
    payment_intent: `pi_${id}`,
    payment_link: `plink_${id}`,
    client_reference_id: "ref_grace",
    metadata: {},
  });
}

function stripeTrial(secret: string): Sample {
  const id = newId();
  return stripeSample("a trial", secret, "customer.subscription.created", {
    id: `sub_${id}`,
    object: "subscription",
    status: "trialing",
    customer: `cus_${id}`,
    trial_start: nowSeconds(),
    trial_end: nowSeconds() + 14 * 86_400,
    metadata: { affonso_referral: "ref_margaret" },
  });
}

function paddleSale(secret: string): Sample {
  const id = newId();
  const now = new Date().toISOString();
  const body = JSON.stringify({
    event_id: `evt_${id}`,
    event_type: "transaction.completed",
    occurred_at: now,
    notification_id: `ntf_${id}`,
    data: {
      id: `txn_${id}`,
      status: "completed",
      origin: "web",
      customer_id: `ctm_${id}`,
      subscription_id: `sub_${id}`,
      currency_code: "USD",
      custom_data: { affonso_referral: "ref_ada" },
      items: [
        {
          quantity: 1,
          price: {
            id: "pri_01hyearly",
            product_id: "pro_01hanalytics",
            billing_cycle: { interval: "year", frequency: 1 },
          },
        },
      ],
      details: {
        totals: {
          subtotal: "99000",
          tax: "19800",
          total: "118800",
          credit: "0",
          grand_total: "118800",
          grand_total_tax: "19800",
          currency_code: "USD",
        },
      },
    },
  });
  const ts = nowSeconds();
  const headers = { "paddle-signature": `ts=${ts};h1=${hmac(secret, `${ts}:${body}`)}` };
  return { title: "a Paddle sale", eventId: `evt_${id}`, path: "/webhooks/paddle", headers, body };
}

function customLead(secret: string): Sample {
  const id = newId();
  const body = JSON.stringify({
    id: `demo_${id}`,
    type: "demo.booked",
    user: { id: `user_${id}` },
    referral: "ref_linus",
    booked_at: new Date().toISOString(),
  });
  const headers = { "x-billing-signature": hmac(secret, body) };
  return { title: "a lead of our own", eventId: `demo_${id}`, path: "/webhooks/billing", headers, body };
}

function stripeSample(title: string, secret: string, type: string, object: object): Sample {
  const created = nowSeconds();
  const event = { id: `evt_${newId()}`, object: "event", type, created, livemode: false, data: { object } };
  const body = JSON.stringify(event);
  const headers = { "stripe-signature": `t=${created},v1=${hmac(secret, `${created}.${body}`)}` };
  return { title, eventId: event.id, path: "/webhooks/stripe", headers, body };
}

function hmac(secret: string, text: string): string {
  return createHmac("sha256", secret).update(text).digest("hex");
}

function newId(): string {
  return randomBytes(8).toString("hex");
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
