import Stripe from "stripe";
import { stripe } from "../../../adapters/stripe/index.js";
import { describeWebhookAdapter } from "../../contract/webhook-adapter.js";
import { invoicePaid } from "../../helpers/webhooks.js";

describeWebhookAdapter("stripe", {
  make: (webhookSecret) => stripe({ webhookSecret }),
  secrets: ["whsec_one_of_two_endpoints", "whsec_two_of_two_endpoints"],
  signatureHeader: "stripe-signature",
  hasTimestamp: true,
  sign: (payload, secret, timestamp) => ({
    "stripe-signature": Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp }),
  }),
  sale: (webhookId) => ({ ...JSON.parse(invoicePaid("1")), id: webhookId }),
  unknown: { ...JSON.parse(invoicePaid("1")), type: "source.chargeable" },
  hasBusinessKey: true,
});
