import { type NormalizeResult, parsePayload } from "../../src/adapter.js";
import type { LinkInput, RelayRecordInput } from "../../src/event.js";
import { compact, skip } from "../../src/provider-records.js";
import { customerOf, invoiceIdentity, sessionIdentity } from "./identity.js";
import { billingInterval, idsOf, isRecurring, subscriptionOf } from "./lines.js";
import { invoiceAmount, paidOf, sessionAmount, stripeMoney } from "./money.js";
import type { StripeContext } from "./options.js";
import { checkoutEventSchema, invoiceEventSchema, type StripeCheckoutSession, type StripeEvent } from "./schema.js";

/** `invoice.paid`: the sale of everything that is invoiced, first payments and renewals. */
export async function invoicePaid(event: StripeEvent, context: StripeContext): Promise<NormalizeResult> {
  const { object: invoice } = (await parsePayload(invoiceEventSchema, event, event.type)).data;
  const minorUnits = await invoiceAmount(invoice, context.options.amount);
  if (minorUnits <= 0) {
    return skip(event.id, "no_amount", `${invoice.id} is for nothing (a trial, a full discount, a credit balance)`);
  }
  const lines = invoice.lines.data;
  const subscription =
    invoice.parent?.subscription_details?.subscription ??
    invoice.subscription ??
    lines.map(subscriptionOf).find((id) => id != null);
  return {
    name: "invoice_paid",
    type: "conversion",
    externalEventId: event.id,
    businessKey: `invoice:${invoice.id}`,
    identity: await context.identify(event, invoiceIdentity(invoice)),
    references: {
      invoice: invoice.id,
      customer: customerOf(invoice),
      subscription,
      payment: invoice.payment_intent,
      charge: invoice.charge,
    },
    // paid_at, since an event may be made, or made again, later than the payment.
    occurredAt: isoTime(invoice.status_transitions?.paid_at ?? event.created),
    ...soldFor(minorUnits, paidOf(invoice), invoice.currency),
    ...idsOf(lines),
    interval: billingInterval(lines),
    isSubscription: subscription != null || lines.some(isRecurring),
    metadata: metadataOf(event, context, {
      invoice: invoice.id,
      subscription,
      billing_reason: invoice.billing_reason,
    }),
  };
}

/**
 * `checkout.session.completed` and `checkout.session.async_payment_succeeded`: the sale where there is no invoice. Where
 * there is one, `invoice.paid` reports the sale, and the session says whose it is.
 */
export async function checkoutDone(event: StripeEvent, context: StripeContext): Promise<NormalizeResult> {
  const { object: session } = (await parsePayload(checkoutEventSchema, event, event.type)).data;
  const identity = await context.identify(event, sessionIdentity(session, context.options.clientReferenceId));
  const references: LinkInput["references"] = {
    session: session.id,
    customer: customerOf(session),
    subscription: session.subscription,
    invoice: session.invoice,
    payment: session.payment_intent,
  };
  // With invoice_creation, the invoice is made after the payment and may not be there yet. A subscription has invoices,
  // whatever the mode is called: presence decides.
  const invoiced =
    session.invoice != null ||
    session.subscription != null ||
    session.mode === "subscription" ||
    session.invoice_creation?.enabled === true;
  const isSale = session.payment_status === "paid" && !invoiced;
  if (!isSale || session.currency == null) return linkOr(event, identity.referralId, references, session);

  const minorUnits = await sessionAmount(session, context.options.amount);
  if (minorUnits <= 0) return skip(event.id, "no_amount", `${session.id} is for nothing`);
  return {
    name: "checkout_completed",
    type: "conversion",
    externalEventId: event.id,
    businessKey: `checkout:${session.id}`,
    identity,
    references,
    occurredAt: isoTime(event.created),
    ...soldFor(minorUnits, session.amount_total ?? minorUnits, session.currency),
    isSubscription: false,
    metadata: metadataOf(event, context, { session: session.id, payment: session.payment_intent }),
  };
}

function linkOr(
  event: StripeEvent,
  referralId: string | null | undefined,
  references: LinkInput["references"],
  session: StripeCheckoutSession,
): RelayRecordInput {
  if (referralId) return { kind: "link", referralId, references };
  // A pricing table has the referral there, and by default nothing says so.
  const hint = session.client_reference_id ? ", unless its client_reference_id is one: see clientReferenceId" : "";
  return skip(event.id, "no_referral", `${session.id} sells nothing by itself and names no referral${hint}`);
}

/** The sale and, where it is another amount, what was paid for it: refunds are of what was paid. */
function soldFor(minorUnits: number, paidMinorUnits: number, currency: string) {
  const sale = stripeMoney(minorUnits, currency);
  if (paidMinorUnits === minorUnits || paidMinorUnits <= 0) return { sale };
  return { sale, paid: stripeMoney(paidMinorUnits, currency) };
}

/** Unix seconds as ISO 8601 text. */
export function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

/** Where an event came from, for whoever reads it at the endpoint. */
export function metadataOf(
  event: StripeEvent,
  { source, isTest }: StripeContext,
  entries: Readonly<Record<string, string | null | undefined>>,
) {
  return compact({ source, ...entries, account: event.account, test_mode: isTest || undefined });
}
