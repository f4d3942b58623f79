import { type NormalizeResult, parsePayload } from "../../src/adapter.js";
import type { Identity } from "../../src/event.js";
import { compact, skip } from "../../src/provider-records.js";
import { referralIn } from "../../src/referral.js";
import { cadenceOf, capturedAt, idsOf } from "./items.js";
import { paidFor, refundOf, saleOf } from "./money.js";
import type { PaddleContext, PaddleEventHandler, PaddleEventType } from "./options.js";
import { adjustmentEventSchema, type PaddleEvent, subscriptionEventSchema, transactionEventSchema } from "./schema.js";

async function transactionCompleted(event: PaddleEvent, context: PaddleContext): Promise<NormalizeResult> {
  const { data: transaction } = await parsePayload(transactionEventSchema, event, event.event_type);
  const sale = await saleOf(transaction, context.options);
  if (sale.minorUnits <= 0) {
    return skip(
      event.event_id,
      "no_amount",
      `${transaction.id} is for nothing (a trial, a new payment method) or a credit`,
    );
  }
  const { recurring, interval, raw } = cadenceOf(transaction);
  return {
    name: "transaction_completed",
    type: "conversion",
    externalEventId: event.event_id,
    businessKey: `transaction:${transaction.id}`,
    identity: await context.identify(event, identityOf(transaction)),
    references: {
      transaction: transaction.id,
      customer: transaction.customer_id,
      subscription: transaction.subscription_id,
    },
    occurredAt: capturedAt(transaction) ?? event.occurred_at,
    sale,
    paid: paidFor(transaction, context.options),
    ...idsOf(transaction),
    interval,
    isSubscription: recurring || Boolean(transaction.subscription_id),
    metadata: metadataOf(context, {
      transaction: transaction.id,
      subscription: transaction.subscription_id,
      origin: transaction.origin,
      discount: transaction.discount_id,
      billing_interval: raw,
    }),
  };
}

async function subscriptionCreated(event: PaddleEvent, context: PaddleContext): Promise<NormalizeResult> {
  const { data: subscription } = await parsePayload(subscriptionEventSchema, event, event.event_type);
  const identity = await context.identify(event, identityOf(subscription));
  const references = {
    subscription: subscription.id,
    customer: subscription.customer_id,
    transaction: subscription.transaction_id,
  };
  if (subscription.status !== "trialing") {
    if (identity.referralId) return { kind: "link", referralId: identity.referralId, references };
    return skip(event.event_id, "no_referral", `${subscription.id} has no affonso_referral in its custom_data`);
  }
  const trialEnd = subscription.items.find((item) => item.trial_dates?.ends_at)?.trial_dates?.ends_at;
  return {
    name: "trial_started",
    type: "trial",
    externalEventId: event.event_id,
    businessKey: `trial:${subscription.id}`,
    identity,
    references,
    occurredAt: subscription.started_at ?? event.occurred_at,
    isSubscription: true,
    metadata: metadataOf(context, {
      subscription: subscription.id,
      trial_ends_at: trialEnd ?? subscription.next_billed_at,
    }),
  };
}

async function adjustmentChanged(event: PaddleEvent, context: PaddleContext): Promise<NormalizeResult> {
  const { data: adjustment } = await parsePayload(adjustmentEventSchema, event, event.event_type);
  const { id, action, status } = adjustment;
  if (action !== "refund" && action !== "chargeback") {
    return skip(event.event_id, "unmapped", `${id}: a ${action} gives no money back`);
  }
  if (status === "pending_approval") {
    return skip(event.event_id, "not_final", `${id}: Paddle has not approved the ${action} yet`);
  }
  if (status !== "approved") {
    return skip(event.event_id, "unmapped", `${id}: the ${action} is ${status}, so no money is given back`);
  }
  const amount = refundOf(adjustment, context.options);
  if (amount.minorUnits <= 0) return skip(event.event_id, "no_amount", `${id}: a ${action} of nothing`);
  return {
    kind: "refund",
    // The adjustment's own id, since its creation and its update may both report it.
    externalEventId: id,
    businessKey: `refund:${id}`,
    saleKey: `transaction:${adjustment.transaction_id}`,
    references: {
      transaction: adjustment.transaction_id,
      customer: adjustment.customer_id,
      subscription: adjustment.subscription_id,
    },
    amount,
    reason: oneLine(adjustment.reason) || action,
    occurredAt: event.occurred_at,
    metadata: metadataOf(context, { adjustment: id, action, type: adjustment.type }),
  };
}

/**
 * What the kit makes of each type of Paddle event. A type that is not here is skipped as `unmapped`.
 *
 * One sale fires several events; `transaction.completed` is the one that is sent, since `transaction.paid` may still
 * lack the subscription and Paddle's fee.
 *
 * @see https://developer.paddle.com/webhooks/about/how-webhooks-work
 */
export const paddleEvents = Object.freeze({
  "transaction.completed": transactionCompleted,
  "transaction.paid": (event: PaddleEvent) =>
    skip(event.event_id, "reported_elsewhere", "transaction.completed reports the sale"),
  "subscription.created": subscriptionCreated,
  "subscription.trialing": (event: PaddleEvent) =>
    skip(event.event_id, "reported_elsewhere", "subscription.created reports the trial"),
  "adjustment.created": adjustmentChanged,
  "adjustment.updated": adjustmentChanged,
} satisfies Record<PaddleEventType, PaddleEventHandler>);

/** Whether Paddle's webhook simulator made this up. Its ids look like `ntfsimevt_…` and `ntfsimntf_…`. */
export function isSimulated(event: PaddleEvent): boolean {
  return event.event_id.startsWith("ntfsim") || (event.notification_id ?? "").startsWith("ntfsim");
}

/**
 * Who a transaction or a subscription belongs to, by itself: Checkout's `customData` is copied to the transaction, its
 * subscription and all renewals.
 *
 * @see https://developer.paddle.com/build/transactions/custom-data
 */
function identityOf(entity: { custom_data?: unknown; customer_id?: string | null | undefined }): Identity {
  return { referralId: referralIn(entity.custom_data), customerId: entity.customer_id ?? undefined };
}

function metadataOf({ source, isTest }: PaddleContext, ids: Record<string, string | null | undefined>) {
  return compact({ source, ...ids, test_mode: isTest || undefined });
}

// A reason is free text of the seller's staff, and a record takes one line of at most 255 characters.
function oneLine(text: string | null | undefined): string {
  return [...(text ?? "").replace(/[\p{Cc}\p{Cs}]+/gu, " ").trim()].slice(0, 255).join("");
}
