import { putReferral } from "../../src/referral.js";

/**
 * Puts the visitor's referral into the params of a checkout (`Paddle.Checkout.open`) or a transaction
 * (`paddle.transactions.create`), as `customData.affonso_referral`. Paddle copies it to the subscription, and from there
 * to every renewal.
 *
 * Params that have a `custom_data`, as bodies for Paddle's API do, get it there: write `custom_data: {}` into such a body
 * if there is nothing else to put into it.
 *
 * The params themselves are not changed, other custom data stays, and a referral that is there already is replaced.
 * Without a referral, or with one that can't be an id, the answer is the params as they are.
 *
 * @throws RelayError `invalid_options` where params are no object, or the referral is something else, such as the request.
 * @example
 * Paddle.Checkout.open(withReferral({ items: [{ priceId: "pri_1", quantity: 1 }] }, referralFrom(document.cookie)))
 *
 * @see https://developer.paddle.com/build/transactions/custom-data
 */
export function withReferral<Params extends object>(params: Params, referral: string | null | undefined): Params {
  return putReferral(params, Object.hasOwn(Object(params), "custom_data") ? "custom_data" : "customData", referral);
}
