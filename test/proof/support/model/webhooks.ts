import { createHmac } from "node:crypto";
import Stripe from "stripe";

export const STRIPE_SECRET = "whsec_of_the_durable_suites_7hQ2mZpX0a";
export const PADDLE_SECRET = "pdl_ntfset_01durable_S3cretOfTheDestination/+A";
export const APP_SECRET = "app_secret_of_the_durable_suites";

/** A provider's webhook, not signed yet. */
export interface Webhook {
  readonly source: "stripe" | "paddle" | "app";
  readonly payload: object;
}

type Fields = Readonly<Record<string, unknown>>;

function stripeEvent(id: string, type: string, object: Fields, previous?: Fields): Webhook {
  const data = { object, ...(previous && { previous_attributes: previous }) };
  return { source: "stripe", payload: { id, object: "event", type, created: 1_760_000_100, livemode: true, data } };
}

export interface InvoiceFields {
  /** What the webhook is called; twins of one invoice differ in it. */
  readonly evt?: string;
  readonly customer?: string;
  readonly subscription?: string;
  readonly referral?: string;
  /** Without tax, in cents. */
  readonly net?: number;
  readonly tax?: number;
  /** Named on invoices of API versions before basil alone. */
  readonly payment?: string;
  readonly charge?: string;
}

/** `invoice.paid` of the invoice `in_<id>`. */
export function invoicePaid(id: string, fields: InvoiceFields = {}): Webhook {
  const { evt = `evt_in_${id}`, customer = `cus_${id}`, net = 10_000, tax = 0 } = fields;
  const { subscription, referral, payment, charge } = fields;
  return stripeEvent(evt, "invoice.paid", {
    id: `in_${id}`,
    object: "invoice",
    amount_paid: net + tax,
    total: net + tax,
    total_excluding_tax: net,
    currency: "usd",
    customer,
    metadata: referral === undefined ? {} : { affonso_referral: referral },
    ...(subscription && { parent: { subscription_details: { subscription, metadata: {} } } }),
    ...(payment && { payment_intent: payment }),
    ...(charge && { charge }),
    lines: { data: [] },
  });
}

/** `checkout.session.completed` of a subscription: it sells nothing by itself and says whose the sale is. */
export function sessionCompleted(
  id: string,
  fields: { referral?: string; customer?: string; subscription?: string; invoice?: string },
): Webhook {
  const { referral, customer = `cus_${id}`, subscription = null, invoice = null } = fields;
  return stripeEvent(`evt_cs_${id}`, "checkout.session.completed", {
    id: `cs_${id}`,
    object: "checkout.session",
    mode: "subscription",
    payment_status: "paid",
    amount_total: 10_000,
    currency: "usd",
    customer,
    subscription,
    invoice,
    payment_intent: null,
    metadata: referral === undefined ? {} : { affonso_referral: referral },
  });
}

/** `checkout.session.completed` of a single payment, which is a sale by itself. */
export function paymentCompleted(id: string, fields: { referral?: string; customer?: string; net?: number }): Webhook {
  const { referral, customer = `cus_${id}`, net = 10_000 } = fields;
  return stripeEvent(`evt_cs_${id}`, "checkout.session.completed", {
    id: `cs_${id}`,
    object: "checkout.session",
    mode: "payment",
    payment_status: "paid",
    amount_total: net,
    currency: "usd",
    customer,
    payment_intent: `pi_${id}`,
    metadata: referral === undefined ? {} : { affonso_referral: referral },
  });
}

/** `customer.subscription.created`. */
export function subscriptionCreated(
  id: string,
  fields: { status: "trialing" | "active"; referral?: string; customer: string; invoice?: string },
): Webhook {
  return stripeEvent(`evt_sub_${id}`, "customer.subscription.created", {
    id: `sub_${id}`,
    status: fields.status,
    customer: fields.customer,
    latest_invoice: fields.invoice ?? null,
    trial_start: 1_760_000_100,
    metadata: fields.referral === undefined ? {} : { affonso_referral: fields.referral },
  });
}

/** `invoice_payment.paid`: since basil the only word on which payment an invoice has. */
export function invoicePaymentPaid(invoice: string, payment: string): Webhook {
  return stripeEvent(`evt_inpay_${invoice}`, "invoice_payment.paid", {
    id: `inpay_${invoice}`,
    object: "invoice_payment",
    invoice,
    payment: { type: "payment_intent", payment_intent: payment },
  });
}

/** `refund.created` of the refund `re_<id>`; Stripe names the payment, and no invoice. */
export function refundCreated(id: string, fields: { payment: string; amount: number; evt?: string }): Webhook {
  return stripeEvent(fields.evt ?? `evt_re_${id}`, "refund.created", {
    id: `re_${id}`,
    object: "refund",
    amount: fields.amount,
    currency: "usd",
    status: "succeeded",
    reason: "requested_by_customer",
    created: 1_760_000_200,
    charge: null,
    payment_intent: fields.payment,
  });
}

/** `charge.dispute.closed` of the dispute `du_<id>`, which is lost. */
export function disputeLost(id: string, fields: { payment: string; amount: number }): Webhook {
  return stripeEvent(`evt_du_${id}`, "charge.dispute.closed", {
    id: `du_${id}`,
    object: "dispute",
    amount: fields.amount,
    currency: "usd",
    status: "lost",
    reason: "fraudulent",
    charge: `ch_of_${fields.payment}`,
    payment_intent: fields.payment,
  });
}

/** `charge.refunded` as API versions before 2022-11-15 send it: with the invoice and the list of refunds. */
export function legacyChargeRefunded(fields: {
  invoice: string;
  refunds: readonly { id: string; amount: number }[];
  before?: readonly string[];
}): Webhook {
  const { invoice, refunds, before = [] } = fields;
  const data = refunds.map(({ id, amount }) => ({
    ...{ id, object: "refund", amount, currency: "usd", status: "succeeded", reason: null },
    ...{ created: 1_760_000_200, charge: `ch_${invoice}`, payment_intent: null },
  }));
  const total = refunds.reduce((sum, { amount }) => sum + amount, 0);
  return stripeEvent(
    `evt_ch_${refunds.at(-1)?.id}`,
    "charge.refunded",
    {
      ...{ id: `ch_${invoice}`, object: "charge", currency: "usd", amount_refunded: total, customer: "cus_legacy" },
      ...{ invoice, payment_intent: null, refunds: { data } },
    },
    { refunds: { data: before.map((id) => ({ id })) } },
  );
}

/** `transaction.completed` of the transaction `txn_<id>`. */
export function transactionCompleted(
  id: string,
  { referral, customer = `ctm_${id}`, net = 10_000, tax = 0 }: InvoiceFields = {},
): Webhook {
  const total = String(net + tax);
  return {
    source: "paddle",
    payload: {
      ...{ event_id: `evt_txn_${id}`, event_type: "transaction.completed", occurred_at: "2026-03-02T09:15:33Z" },
      data: {
        ...{ id: `txn_${id}`, status: "completed", customer_id: customer, currency_code: "USD" },
        custom_data: referral === undefined ? null : { affonso_referral: referral },
        items: [],
        details: {
          totals: {
            ...{ tax: String(tax), total, credit: "0", grand_total: total, grand_total_tax: String(tax) },
            currency_code: "USD",
          },
          line_items: [],
        },
      },
    },
  };
}

/** `adjustment.created`: a refund of the transaction `txn_<id>`. */
export function adjustmentCreated(
  id: string,
  fields: { transaction: string; net: number; tax?: number; evt?: string },
): Webhook {
  const { transaction, net, tax = 0, evt = `evt_adj_${id}` } = fields;
  return {
    source: "paddle",
    payload: {
      ...{ event_id: evt, event_type: "adjustment.created", occurred_at: "2026-03-05T10:00:00Z" },
      data: {
        ...{ id: `adj_${id}`, action: "refund", type: "partial", status: "approved", transaction_id: transaction },
        ...{ reason: "seats returned", currency_code: "USD" },
        totals: { total: String(net + tax), tax: String(tax), currency_code: "USD" },
      },
    },
  };
}

/** A lead of the app's own making; without an id unless one is given. */
export function lead(customer: string, fields: { id?: string; referral?: string } = {}): Webhook {
  return { source: "app", payload: { customer, ...fields } };
}

/** The webhook as a POST, signed for `nowMs` as its provider signs it. */
export function signedRequest({ source, payload }: Webhook, nowMs: number): Request {
  const body = JSON.stringify(payload);
  const seconds = Math.floor(nowMs / 1000);
  const headers = { "content-type": "application/json", ...SIGNATURES[source](body, seconds) };
  return new Request(`https://shop.example/webhooks/${source}`, { method: "POST", body, headers });
}

const SIGNATURES: Readonly<Record<Webhook["source"], (body: string, seconds: number) => Record<string, string>>> = {
  stripe: (payload, timestamp) => ({
    "stripe-signature": Stripe.webhooks.generateTestHeaderString({ payload, secret: STRIPE_SECRET, timestamp }),
  }),
  paddle: (body, seconds) => ({
    "paddle-signature": `ts=${seconds};h1=${hmac(PADDLE_SECRET, `${seconds}:${body}`)}`,
  }),
  app: (body) => ({ "x-app-signature": hmac(APP_SECRET, body) }),
};

function hmac(secret: string, content: string): string {
  return createHmac("sha256", secret).update(content).digest("hex");
}
