import type { RelayEvent } from "../event.js";
import { toMajorUnits } from "../money.js";

/** The body of `POST /events`: https://docs.affonso.io/api/endpoint/events/create */
export interface WireEvent {
  readonly event_name: string;
  readonly event_type: RelayEvent["type"];
  readonly referral_id?: string | undefined;
  readonly customer_id?: string | undefined;
  readonly external_user_id?: string | undefined;
  readonly click_id?: string | undefined;
  readonly occurred_at?: string | undefined;
  readonly external_event_id?: string | undefined;
  readonly sale_amount?: number | undefined;
  readonly sale_amount_currency?: string | undefined;
  readonly product_ids?: readonly string[] | undefined;
  readonly price_ids?: readonly string[] | undefined;
  readonly interval?: RelayEvent["interval"];
  readonly is_subscription?: boolean | undefined;
  readonly metadata?: RelayEvent["metadata"];
}

/**
 * The event as the endpoint spells it: the one place where names become snake_case and money becomes a decimal.
 *
 * @throws RelayError `invalid_event` when the amount can't be written exactly.
 */
export function toWire(event: RelayEvent): WireEvent {
  const { identity, sale } = event;
  return {
    event_name: event.name,
    event_type: event.type,
    referral_id: identity.referralId,
    customer_id: identity.customerId,
    external_user_id: identity.externalUserId,
    click_id: identity.clickId,
    occurred_at: event.occurredAt,
    external_event_id: event.externalEventId,
    sale_amount: sale && toMajorUnits(sale),
    sale_amount_currency: sale?.currency,
    product_ids: nonEmpty(event.productIds),
    price_ids: nonEmpty(event.priceIds),
    interval: event.interval,
    is_subscription: event.isSubscription,
    metadata: event.metadata,
  };
}

function nonEmpty(ids: readonly string[] | undefined): readonly string[] | undefined {
  return ids?.length ? ids : undefined;
}
