import { type NormalizeResult, parsePayload } from "../../src/adapter.js";
import { skip } from "../../src/provider-records.js";
import { referralIn } from "../../src/referral.js";
import { disputeClosed } from "./disputes.js";
import { customerOf } from "./identity.js";
import type { StripeContext, StripeEventHandler, StripeEventType } from "./options.js";
import { chargeRefunded, refundChanged } from "./refunds.js";
import { checkoutDone, invoicePaid, isoTime, metadataOf } from "./sales.js";
import { invoicePaymentEventSchema, type StripeEvent, subscriptionEventSchema } from "./schema.js";

/** `customer.subscription.created`: a trial where it begins with one, else a link to its referral. */
async function subscriptionCreated(event: StripeEvent, context: StripeContext): Promise<NormalizeResult> {
  const { object: subscription } = (await parsePayload(subscriptionEventSchema, event, event.type)).data;
  const found = { referralId: referralIn(subscription.metadata), customerId: customerOf(subscription) };
  const identity = await context.identify(event, found);
  const references = {
    subscription: subscription.id,
    customer: found.customerId,
    invoice: subscription.latest_invoice,
  };
  if (subscription.status !== "trialing") {
    if (identity.referralId) return { kind: "link", referralId: identity.referralId, references };
    return skip(event.id, "no_referral", `${subscription.id} begins without a trial and names no referral`);
  }
  return {
    name: "trial_started",
    type: "trial",
    externalEventId: event.id,
    businessKey: `trial:${subscription.id}`,
    identity,
    references,
    occurredAt: isoTime(subscription.trial_start ?? event.created),
    isSubscription: true,
    metadata: metadataOf(event, context, {
      subscription: subscription.id,
      trial_end: subscription.trial_end == null ? undefined : isoTime(subscription.trial_end),
    }),
  };
}

/** `invoice_payment.paid`: since basil the only word on which payment, and so which refund, an invoice has. */
async function invoicePaymentPaid(event: StripeEvent): Promise<NormalizeResult> {
  const { object } = (await parsePayload(invoicePaymentEventSchema, event, event.type)).data;
  const { payment_intent: payment, charge } = object.payment ?? {};
  if (object.invoice == null || (payment ?? charge) == null) {
    return skip(event.id, "unmapped", `${object.id} names no invoice or no payment`);
  }
  return { kind: "link", references: { invoice: object.invoice, payment, charge } };
}

/**
 * What the kit makes of each type of Stripe event. A type that is not here is skipped as `unmapped`.
 *
 * One sale fires several events; one of them is sent: `invoice.paid`, or the session where there is no invoice.
 *
 * @see https://docs.stripe.com/api/events/types
 */
export const stripeEvents = Object.freeze({
  "invoice.paid": invoicePaid,
  "invoice.payment_succeeded": (event: StripeEvent) =>
    skip(event.id, "reported_elsewhere", "invoice.paid reports the sale"),
  "checkout.session.completed": checkoutDone,
  "checkout.session.async_payment_succeeded": checkoutDone,
  "customer.subscription.created": subscriptionCreated,
  "invoice_payment.paid": invoicePaymentPaid,
  "refund.created": refundChanged,
  "refund.updated": refundChanged,
  "charge.refunded": chargeRefunded,
  "charge.refund.updated": refundChanged,
  "charge.dispute.closed": disputeClosed,
} satisfies Record<StripeEventType, StripeEventHandler>);
