import { type NormalizeResult, parsePayload } from "../../src/adapter.js";
import { skip } from "../../src/provider-records.js";
import { stripeMoney } from "./money.js";
import type { StripeContext } from "./options.js";
import { isoTime, metadataOf } from "./sales.js";
import { disputeEventSchema, type StripeEvent } from "./schema.js";

/**
 * `charge.dispute.closed`: what a lost dispute took back is given back like a refund, and no webhook of a refund tells of
 * it. A dispute that was won, or an inquiry, took nothing.
 *
 * @see https://docs.stripe.com/api/disputes/object
 */
export async function disputeClosed(event: StripeEvent, context: StripeContext): Promise<NormalizeResult> {
  const { object: dispute } = (await parsePayload(disputeEventSchema, event, event.type)).data;
  const { id, amount, status } = dispute;
  if (status !== "lost") {
    return skip(event.id, "not_final", `${id} is ${status}, and only one that is lost gives money back`);
  }
  if (amount <= 0) return skip(event.id, "no_amount", `${id} gives nothing back`);
  return {
    kind: "refund",
    externalEventId: id,
    businessKey: `dispute:${id}`,
    references: { charge: dispute.charge, payment: dispute.payment_intent },
    amount: stripeMoney(amount, dispute.currency),
    reason: dispute.reason || "dispute",
    // Not when it was opened: until it is lost, the money may come back.
    occurredAt: isoTime(event.created),
    metadata: metadataOf(event, context, { dispute: id }),
  };
}
