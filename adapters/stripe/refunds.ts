import { type NormalizeResult, parsePayload } from "../../src/adapter.js";
import type { RelayRecordInput } from "../../src/event.js";
import { skip } from "../../src/provider-records.js";
import { stripeMoney } from "./money.js";
import type { StripeContext } from "./options.js";
import { isoTime, metadataOf } from "./sales.js";
import {
  chargeEventSchema,
  refundEventSchema,
  type StripeCharge,
  type StripeEvent,
  type StripeRefund,
} from "./schema.js";

/**
 * `refund.created`, `refund.updated` and, on old accounts, `charge.refund.updated`: money that has gone back. A refund
 * that is pending at first is reported by the update that makes it succeed.
 *
 * @see https://docs.stripe.com/changelog/acacia/2024-10-28/refund-webhook-update
 */
export async function refundChanged(event: StripeEvent, context: StripeContext): Promise<NormalizeResult> {
  const { object: refund } = (await parsePayload(refundEventSchema, event, event.type)).data;
  if (context.options.refundsFrom !== "refund") {
    return skip(event.id, "reported_elsewhere", `refundsFrom says that charge.refunded reports ${refund.id}`);
  }
  if (event.type !== "refund.created" && event.data.previous_attributes?.["status"] === undefined) {
    return skip(event.id, "reported_elsewhere", `${refund.id} changed, but not its status`);
  }
  return succeeded(refund) ? refundRecord(event, context, refund, {}) : notFinal(event, refund);
}

/**
 * `charge.refunded`. Old payloads carry the charge's refunds, of which those are reported that were not there before.
 * Later ones carry the sum of all refunds only, and what it was before.
 */
export async function chargeRefunded(event: StripeEvent, context: StripeContext): Promise<NormalizeResult> {
  const { object: charge, previous_attributes: before } = (await parsePayload(chargeEventSchema, event, event.type))
    .data;
  const refunds = charge.refunds?.data ?? [];
  if (refunds.length > 0) {
    const known = new Set(before?.refunds?.data?.map(({ id }) => id));
    const news = refunds.filter(({ id }) => !known.has(id));
    if (news.length === 0) return skip(event.id, "reported_elsewhere", `${charge.id} has no refund that is new`);
    return news.map((refund) =>
      succeeded(refund) ? refundRecord(event, context, refund, charge) : notFinal(event, refund),
    );
  }
  if (context.options.refundsFrom !== "charge") {
    return skip(event.id, "reported_elsewhere", `refund.created reports the refund of ${charge.id}; see refundsFrom`);
  }
  if (before?.amount_refunded == null) {
    return skip(event.id, "no_amount", `${charge.id} does not say how much was refunded before`);
  }
  const amount = charge.amount_refunded - before.amount_refunded;
  // No refund's id is here: the sum so far tells the refunds of one charge apart.
  const id = `${charge.id}:${charge.amount_refunded}`;
  return refundRecord(event, context, { id, amount, currency: charge.currency, created: event.created }, charge);
}

/** A refund without a status is of a time when all were done at once. */
function succeeded({ status }: Pick<StripeRefund, "status">): boolean {
  return (status ?? "succeeded") === "succeeded";
}

function notFinal(event: StripeEvent, { id, status }: StripeRefund): RelayRecordInput {
  return skip(event.id, "not_final", `${id} is ${status}`);
}

function refundRecord(
  event: StripeEvent,
  context: StripeContext,
  refund: Pick<StripeRefund, "id" | "amount" | "currency" | "created" | "reason" | "charge" | "payment_intent">,
  charge: Partial<Pick<StripeCharge, "id" | "invoice" | "customer" | "payment_intent">>,
): RelayRecordInput {
  if (refund.amount <= 0) return skip(event.id, "no_amount", `${refund.id} gives nothing back`);
  const { invoice } = charge;
  return {
    kind: "refund",
    // The refund's own id, since several webhooks, and one webhook for several refunds, may report it.
    externalEventId: refund.id,
    businessKey: `refund:${refund.id}`,
    saleKey: invoice == null ? undefined : `invoice:${invoice}`,
    references: {
      charge: refund.charge ?? charge.id,
      payment: refund.payment_intent ?? charge.payment_intent,
      invoice,
      customer: charge.customer,
    },
    amount: stripeMoney(refund.amount, refund.currency),
    reason: refund.reason || undefined,
    occurredAt: isoTime(refund.created),
    metadata: metadataOf(event, context, { refund: refund.id }),
  };
}
