import * as z from "zod/mini";
import { RelayError } from "../../src/errors.js";
import { listOf, quick } from "../../src/payload-schema.js";

// Lenient on purpose. Generations of the API differ in which fields exist, and hybrids carry both: every field that is
// not in all of them may be null or absent, unknown fields pass, and presence decides, never api_version.
// https://docs.stripe.com/changelog/basil/2025-03-31/adds-new-parent-field-to-invoicing-objects

const text = z.nullish(z.string());
/** Unix seconds, up to the year 9999: milliseconds in their place are refused. */
const time = z.int().check(z.gte(0), z.lte(253_402_300_799));
const amount = z.nullish(z.int());
const currency = z.string().check(z.regex(/^[a-z]{3}$/i, "expected three letters"));
/** Not copied key by key: only the referral is read of it. */
const metadata = z.nullish(
  z.custom<Record<string, unknown>>(
    (value) => typeof value === "object" && value !== null && !Array.isArray(value),
    "expected an object",
  ),
);

/** A reference, which Stripe sends as an id and an expanding client as the object; kept as the id, or as none. */
const reference = z.pipe(
  z.nullish(z.union([z.string(), z.looseObject({ id: z.string() })])),
  z.transform((value) => (value == null ? value : (typeof value === "string" ? value : value.id) || null)),
);

const cycle = { interval: text, interval_count: z.nullish(z.int()) };
const price = z.looseObject({
  id: z.string(),
  product: z.optional(reference),
  recurring: z.nullish(z.looseObject(cycle)),
});
const plan = z.looseObject({ id: z.string(), product: z.optional(reference), ...cycle });

const lineItem = z.looseObject({
  amount,
  metadata,
  proration: z.nullish(z.boolean()),
  type: text,
  subscription: z.optional(reference),
  period: z.nullish(z.looseObject({ start: time, end: time })),
  parent: z.nullish(
    z.looseObject({
      subscription_item_details: z.nullish(
        z.looseObject({ subscription: z.optional(reference), proration: z.nullish(z.boolean()) }),
      ),
      invoice_item_details: z.nullish(
        z.looseObject({ subscription: z.optional(reference), proration: z.nullish(z.boolean()) }),
      ),
    }),
  ),
  pricing: z.nullish(
    z.looseObject({
      price_details: z.nullish(z.looseObject({ price: z.optional(reference), product: z.optional(reference) })),
    }),
  ),
  price: z.nullish(price),
  plan: z.nullish(plan),
});

const subscriptionDetails = z.nullish(z.looseObject({ subscription: z.optional(reference), metadata }));
const taxes = z.nullish(listOf(z.looseObject({ amount: z.int() })));

const invoice = z.looseObject({
  id: z.string(),
  object: z.literal("invoice"),
  amount_paid: z.int(),
  total: z.int(),
  total_excluding_tax: amount,
  tax: amount,
  total_taxes: taxes,
  total_tax_amounts: taxes,
  currency,
  customer: z.optional(reference),
  customer_account: text,
  billing_reason: text,
  metadata,
  parent: z.nullish(z.looseObject({ subscription_details: subscriptionDetails })),
  subscription: z.optional(reference),
  subscription_details: subscriptionDetails,
  payment_intent: z.optional(reference),
  charge: z.optional(reference),
  status_transitions: z.nullish(z.looseObject({ paid_at: z.nullish(time) })),
  lines: z.looseObject({ data: listOf(lineItem) }),
});

const checkoutSession = z.looseObject({
  id: z.string(),
  object: z.literal("checkout.session"),
  mode: text,
  payment_status: text,
  amount_total: amount,
  currency: z.nullish(currency),
  total_details: z.nullish(z.looseObject({ amount_tax: amount })),
  customer: z.optional(reference),
  customer_account: text,
  subscription: z.optional(reference),
  invoice: z.optional(reference),
  invoice_creation: z.nullish(z.looseObject({ enabled: z.nullish(z.boolean()) })),
  payment_intent: z.optional(reference),
  payment_link: z.optional(reference),
  client_reference_id: text,
  metadata,
});

const subscription = z.looseObject({
  id: z.string(),
  status: z.string(),
  customer: z.optional(reference),
  customer_account: text,
  latest_invoice: z.optional(reference),
  trial_start: z.nullish(time),
  trial_end: z.nullish(time),
  metadata,
});

const invoicePayment = z.looseObject({
  id: z.string(),
  invoice: z.optional(reference),
  payment: z.nullish(z.looseObject({ payment_intent: z.optional(reference), charge: z.optional(reference) })),
});

const refund = z.looseObject({
  id: z.string(),
  amount: z.int(),
  currency,
  status: text,
  reason: text,
  created: time,
  charge: z.optional(reference),
  payment_intent: z.optional(reference),
});

const dispute = z.looseObject({
  id: z.string(),
  amount: z.int(),
  currency,
  status: z.string(),
  reason: text,
  charge: z.optional(reference),
  payment_intent: z.optional(reference),
});

const charge = z.looseObject({
  id: z.string(),
  currency,
  amount_refunded: z.int(),
  customer: z.optional(reference),
  invoice: z.optional(reference),
  payment_intent: z.optional(reference),
  refunds: z.nullish(z.looseObject({ data: z.nullish(listOf(refund)) })),
});

const envelope = z.looseObject({
  object: z.optional(z.literal("event")),
  id: z.string().check(z.regex(/^\S+$/, "expected the event's id, evt_…")),
  type: z.string(),
  created: time,
  livemode: z.boolean(),
  account: text,
  data: z.looseObject({
    object: z.looseObject({}),
    previous_attributes: z.nullish(z.looseObject({})),
  }),
});

/**
 * What `receiveVerified` takes: a snapshot event as `stripe.webhooks.constructEvent` answers it, or its JSON. Written
 * down without the SDK's types, so that those of any of its versions fit.
 *
 * @see https://docs.stripe.com/api/events/object
 */
export interface StripeEventInput {
  readonly id: string;
  readonly type: string;
  /** Unix seconds. */
  readonly created: number;
  readonly livemode: boolean;
  /** The connected account, on webhooks of a Connect platform. */
  readonly account?: string | null | undefined;
  readonly data: { readonly object: object; readonly previous_attributes?: object | null | undefined };
}

/** Thin events say that something happened and not what. https://docs.stripe.com/event-destinations#thin-events */
function refuseThin(event: StripeEventInput): StripeEventInput {
  if (typeof event !== "object" || event === null || Reflect.get(event, "object") !== "v2.core.event") return event;
  throw new RelayError(
    "unsupported_webhook",
    "this is a thin event, which carries no invoice and no amount, and the adapter has no Stripe client to fetch them " +
      'with. In the event destination, choose the payload style "Snapshot"',
  );
}

/** What all snapshot events share. */
export const eventSchema = quick(z.pipe(z.pipe(z.custom<StripeEventInput>(), z.transform(refuseThin)), envelope));

/** Events with `data` wrapped, so that an error names the whole path. */
const withObject = <T extends z.ZodMiniType>(object: T) => quick(z.looseObject({ data: z.looseObject({ object }) }));

export const invoiceEventSchema = withObject(invoice);
export const checkoutEventSchema = withObject(checkoutSession);
export const subscriptionEventSchema = withObject(subscription);
export const invoicePaymentEventSchema = withObject(invoicePayment);
export const refundEventSchema = withObject(refund);
export const disputeEventSchema = withObject(dispute);
export const chargeEventSchema = quick(
  z.looseObject({
    data: z.looseObject({
      object: charge,
      previous_attributes: z.nullish(
        z.looseObject({
          amount_refunded: amount,
          refunds: z.nullish(z.looseObject({ data: z.nullish(listOf(z.looseObject({ id: z.string() }))) })),
        }),
      ),
    }),
  }),
);

/** A Stripe event, the same whatever its type. @see https://docs.stripe.com/api/events/object */
export type StripeEvent = z.output<typeof envelope>;

/** An invoice, with every field that Stripe sent. @see https://docs.stripe.com/api/invoices/object */
export type StripeInvoice = z.output<typeof invoice>;

/** A Checkout session, with every field that Stripe sent. @see https://docs.stripe.com/api/checkout/sessions/object */
export type StripeCheckoutSession = z.output<typeof checkoutSession>;

/** A line of an invoice. @see https://docs.stripe.com/api/invoice-line-item/object */
export type StripeInvoiceLine = z.output<typeof lineItem>;

/** A refund. @see https://docs.stripe.com/api/refunds/object */
export type StripeRefund = z.output<typeof refund>;

/** A charge. @see https://docs.stripe.com/api/charges/object */
export type StripeCharge = z.output<typeof charge>;
