import type { Refund, RelayEvent } from "../event.js";
import { tenThousandths, toMajorUnits } from "../money.js";

/** The body of `POST /conversions/{id}/refund`: https://docs.affonso.io/api/endpoint/conversions/refund */
export interface WireRefund {
  /** Without an amount, all that is left of the sale is refunded. */
  readonly amount?: number | undefined;
  readonly currency: string;
  readonly reason?: string | undefined;
  readonly external_event_id: string;
  readonly refunded_at?: string | undefined;
}

/**
 * A refund as the endpoint spells it, measured like its sale: of 119.00 that were paid for a sale of 100.00, 59.50 given
 * back are 50.00 of the sale. The endpoint refuses more than is left of a sale, so shares are rounded down.
 */
export function toWireRefund(refund: Refund, sale: RelayEvent["sale"], paid = sale): WireRefund {
  const { amount, reason, externalEventId, occurredAt } = refund;
  const common = { reason, external_event_id: externalEventId, refunded_at: occurredAt };
  if (sale === undefined || paid === undefined || amount.currency !== paid.currency) {
    return { ...common, currency: amount.currency, amount: toMajorUnits(amount) };
  }
  const { currency } = sale;
  const given = tenThousandths(amount);
  const whole = tenThousandths(paid);
  if (given >= whole) return { ...common, currency };
  const share = (given * BigInt(sale.minorUnits)) / whole;
  return { ...common, currency, amount: toMajorUnits({ ...sale, minorUnits: Math.max(Number(share), 1) }) };
}
