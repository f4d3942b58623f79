import { putReferral } from "../../src/referral.js";

/** Params of any call; only those of a Checkout session have a mode. Literals in the types keep yours literal. */
type StripeParams = object & {
  readonly mode?: "payment" | "setup" | "subscription" | (string & {}) | undefined;
  readonly metadata?: object | "" | null | undefined;
};

/** What a Checkout session makes, and in which mode: Stripe refuses `subscription_data` in another one, say. */
const MADE_IN: Readonly<Record<string, string>> = {
  subscription_data: "subscription",
  payment_intent_data: "payment",
  setup_intent_data: "setup",
};

/**
 * Puts the visitor's referral into the params of a Stripe call, as `affonso_referral` in the metadata of everything that
 * the call makes: Stripe hands a Checkout session's metadata on to nothing, and `invoice.paid` carries its
 * subscription's.
 *
 * | params | beside `metadata`, it stands in |
 * | --- | --- |
 * | of a Checkout session, `mode: "subscription"` | `subscription_data.metadata` |
 * | of a Checkout session, `mode: "payment"` | `payment_intent_data.metadata` |
 * | of a Checkout session, `mode: "setup"` | `setup_intent_data.metadata` |
 * | with `invoice_creation.enabled` | `invoice_creation.invoice_data.metadata` |
 * | without a mode: subscriptions, invoices, quotes, payment links | those of the above that are there |
 *
 * A customer's metadata is handed on to nothing either, and read nowhere: put the referral into what the customer buys.
 * A payment link is opened by everybody: leave it as it is, and give the referral to its URL as `client_reference_id`.
 *
 * The params themselves are not changed, other metadata stays, and a referral that is there already is replaced. Without
 * a referral, or with one that can't be an id, the answer is the params as they are.
 *
 * @throws RelayError `invalid_options` where params are no object, or the referral is something else, such as the request.
 * @example
 * stripeClient.checkout.sessions.create(withReferral({ mode: "subscription", line_items }, referralFrom(request)))
 *
 * @see https://support.stripe.com/questions/how-metadata-works-with-related-objects
 * @see https://docs.stripe.com/api/checkout/sessions/create
 */
export function withReferral<Params extends StripeParams>(params: Params, referral: string | null | undefined): Params {
  let marked = putReferral(params, "metadata", referral);
  if (marked === params) return params;
  for (const [part, mode] of Object.entries(MADE_IN)) {
    if (params.mode === mode || partOf(params, part) !== undefined) marked = markPart(marked, part, referral);
  }
  const invoiceCreation = partOf(params, "invoice_creation");
  if (invoiceCreation === undefined || Reflect.get(invoiceCreation, "enabled") !== true) return marked;
  return { ...marked, invoice_creation: markPart(invoiceCreation, "invoice_data", referral) };
}

/** A copy of the params with the referral in the metadata of one part of them. */
function markPart<Params extends object>(params: Params, part: string, referral: unknown): Params {
  return { ...params, [part]: putReferral(partOf(params, part) ?? {}, "metadata", referral) };
}

function partOf(params: object, part: string): object | undefined {
  const value: unknown = Reflect.get(params, part);
  return typeof value === "object" && value !== null ? value : undefined;
}
