import type { Identity } from "../../src/event.js";
import { asReferral, referralIn } from "../../src/referral.js";
import type { ClientReferenceId } from "./options.js";
import type { StripeCheckoutSession, StripeInvoice } from "./schema.js";

/** The customer; a guest has none, and an e-mail address is no id. */
export function customerOf(object: {
  readonly customer?: string | null | undefined;
  readonly customer_account?: string | null | undefined;
}): string | undefined {
  return object.customer ?? object.customer_account ?? undefined;
}

/**
 * Who an invoice belongs to. The referral is where the subscription's metadata was copied at finalization, on a line,
 * or in the invoice's own metadata; a Checkout session's metadata never reaches its invoice.
 */
export function invoiceIdentity(invoice: StripeInvoice): Identity {
  const places = [
    invoice.parent?.subscription_details?.metadata,
    invoice.subscription_details?.metadata,
    ...invoice.lines.data.map((line) => line.metadata),
    invoice.metadata,
  ];
  return { referralId: firstReferral(places), customerId: customerOf(invoice) };
}

/** Who a Checkout session belongs to. */
export function sessionIdentity(session: StripeCheckoutSession, clientReferenceId: ClientReferenceId): Identity {
  const referralId = referralIn(session.metadata);
  const customerId = customerOf(session);
  // Read like metadata: whoever opens a payment link can write into its URL.
  const reference = asReferral(session.client_reference_id);
  if (reference === undefined || clientReferenceId === "ignore") return { referralId, customerId };
  if (clientReferenceId === "externalUser") return { referralId, customerId, externalUserId: reference };
  // Identifiers that disagree are refused by the endpoint, and many apps keep their own user's id here.
  const isReferral = clientReferenceId === "referral" || session.payment_link != null;
  return { referralId: referralId ?? (isReferral ? reference : undefined), customerId };
}

function firstReferral(places: readonly unknown[]): string | undefined {
  for (const place of places) {
    const referral = referralIn(place);
    if (referral !== undefined) return referral;
  }
  return undefined;
}
