import { putReferral } from "../../src/referral.js";

/**
 * Puts the visitor's referral into the params of a checkout, as `metadata.affonso_referral`, for providers that copy a
 * checkout's metadata to its orders and subscriptions (Polar, Dodo, Creem), and for billing of your own. Your `normalize`
 * reads it from there.
 *
 * The params themselves are not changed, other metadata stays, and a referral that is there already is replaced. Without
 * a referral, or with one that can't be an id, the answer is the params as they are.
 *
 * @throws RelayError `invalid_options` where params are no object, or the referral is something else, such as the request.
 * @example
 * polar.checkouts.create(withReferral({ products: ["prod_1"] }, referralFrom(request)))
 *
 * @see https://polar.sh/docs/api-reference/checkouts/create-session
 * @see https://docs.dodopayments.com/api-reference/metadata
 */
export function withReferral<Params extends object>(params: Params, referral: string | null | undefined): Params {
  return putReferral(params, "metadata", referral);
}
