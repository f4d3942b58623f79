import type { WebhookAdapter } from "../../src/adapter.js";
import { assertOneOf } from "../../src/errors.js";
import { defineProviderAdapter } from "../../src/provider-adapter.js";
import { stripeEvents } from "./events.js";
import { assertAmount } from "./money.js";
import type { StripeOptions, StripeSettings } from "./options.js";
import { eventSchema, type StripeEventInput } from "./schema.js";
import { createVerify } from "./verify.js";

export { stripeEvents } from "./events.js";
export type { StripeAmount, StripeAmountFunction } from "./money.js";
export type {
  ClientReferenceId,
  RefundSource,
  StripeContext,
  StripeEventHandler,
  StripeEventType,
  StripeOptions,
  StripeSettings,
} from "./options.js";
export { withReferral } from "./referral.js";
export type { StripeCheckoutSession, StripeEvent, StripeEventInput, StripeInvoice } from "./schema.js";

/**
 * The adapter for Stripe's webhooks: sales, trials, refunds and lost disputes, of every generation of payloads.
 *
 * Stripe's endpoint should send `invoice.paid`, `checkout.session.completed`,
 * `checkout.session.async_payment_succeeded`, `customer.subscription.created`, `invoice_payment.paid`, `refund.created`,
 * `refund.updated` and `charge.dispute.closed`. Others are answered 200 and ignored. An endpoint whose API version is
 * older than 2024-10-28 sends `charge.refunded` and `charge.refund.updated` in place of those of the refund; see
 * `refundsFrom`.
 *
 * @example
 * createRelay({ adapters: [stripe({ webhookSecret: process.env.STRIPE_WEBHOOK_SECRET })] })
 *
 * @throws RelayError `invalid_options` that says which option is wrong and what was expected.
 * @see https://docs.stripe.com/webhooks
 */
export function stripe<const Name extends string = "stripe">(
  options: StripeOptions<Name>,
  // NoInfer, or within createRelay's list the name would be what the list asks for: any string.
): WebhookAdapter<NoInfer<Name>, StripeEventInput> {
  // Without an argument, the check of the options says what is missing.
  const { amount = "net", clientReferenceId = "auto", refundsFrom = "refund" } = options ?? {};
  assertAmount(amount);
  assertOneOf("clientReferenceId", clientReferenceId, ["auto", "referral", "externalUser", "ignore"]);
  assertOneOf("refundsFrom", refundsFrom, ["refund", "charge"]);
  const settings: StripeSettings = Object.freeze({ amount, clientReferenceId, refundsFrom });
  return defineProviderAdapter({
    name: "stripe",
    schema: eventSchema,
    optionNames: ["amount", "clientReferenceId", "refundsFrom"],
    settings,
    handlers: stripeEvents,
    createVerify,
    describe: ({ id, type, livemode }) => ({ id, type, isTest: !livemode }),
    options,
  });
}
