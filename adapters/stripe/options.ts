import type { ProviderContext, ProviderEventHandler, ProviderOptions } from "../../src/provider-adapter.js";
import type { StripeAmount } from "./money.js";
import type { StripeEvent } from "./schema.js";

/** A type of Stripe event that the kit maps by default. @see https://docs.stripe.com/api/events/types */
export type StripeEventType =
  | "invoice.paid"
  | "invoice.payment_succeeded"
  | "checkout.session.completed"
  | "checkout.session.async_payment_succeeded"
  | "customer.subscription.created"
  | "invoice_payment.paid"
  | "refund.created"
  | "refund.updated"
  | "charge.refunded"
  | "charge.refund.updated"
  | "charge.dispute.closed";

/** Where the referral is in a session's `client_reference_id`, if it is there at all. */
export type ClientReferenceId = "auto" | "referral" | "externalUser" | "ignore";

/** Which webhook reports a refund. */
export type RefundSource = "refund" | "charge";

/** Options of `stripe()`. */
export interface StripeOptions<Name extends string = string>
  extends ProviderOptions<Name, StripeEvent, StripeSettings, StripeEventType> {
  /** Which amount is the sale: without tax, with tax, or your own integer of minor units. @default "net" */
  readonly amount?: StripeAmount | undefined;
  /**
   * What a session's `client_reference_id` is: the referral, your user's id, or neither. `"auto"` takes it for the
   * referral on a payment link's session that has no `affonso_referral` in its metadata, and ignores it elsewhere.
   *
   * @default "auto"
   */
  readonly clientReferenceId?: ClientReferenceId | undefined;
  /**
   * Which webhook reports refunds: `refund.created`, or `charge.refunded` for endpoints whose API version is from
   * 2022-11-15 to before 2024-10-28 (older ones need no setting). The other one is ignored, so that none counts twice.
   *
   * @default "refund"
   */
  readonly refundsFrom?: RefundSource | undefined;
}

/** The options that handlers read, complete and frozen. */
export interface StripeSettings {
  /** Which amount is the sale. */
  readonly amount: StripeAmount;
  /** What a session's `client_reference_id` is. */
  readonly clientReferenceId: ClientReferenceId;
  /** Which webhook reports refunds. */
  readonly refundsFrom: RefundSource;
}

/** What a handler is lent beside the event. */
export type StripeContext = ProviderContext<StripeEvent, StripeSettings>;

/** Turns one type of Stripe event into records; null means there is nothing to send. */
export type StripeEventHandler = ProviderEventHandler<StripeEvent, StripeSettings>;
