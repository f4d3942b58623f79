import { Webhook } from "standardwebhooks";
import * as z from "zod";
import { custom, hmacSha256, standardWebhooks, type WebhookVerifier } from "../../../adapters/custom/index.js";
import { describeWebhookAdapter } from "../../contract/webhook-adapter.js";
import { nodeHmac } from "./support.js";

const order = z.object({
  id: z.string(),
  number: z.string(),
  referral: z.string(),
  cents: z.number(),
  currency: z.string(),
});

const shop = (verify: WebhookVerifier) =>
  custom({
    name: "shop",
    verify,
    schema: order,
    normalize: ({ id, number, referral, cents, currency }) => ({
      name: "order_paid",
      type: "conversion",
      externalEventId: id,
      businessKey: `order:${number}`,
      identity: { referralId: referral },
      sale: { minorUnits: cents, currency },
    }),
  });

const shared = {
  sale: (id: string) => ({ id, number: "1001", referral: "ref_ada", cents: 2900, currency: "USD" }),
  unknown: undefined,
  hasBusinessKey: true,
};

describeWebhookAdapter("custom, signed by HMAC", {
  ...shared,
  make: (secret) => shop(hmacSha256({ header: "x-signature", secret })),
  secrets: ["one of two endpoints", "two of two endpoints"],
  signatureHeader: "x-signature",
  hasTimestamp: false,
  sign: (body, secret) => ({ "x-signature": nodeHmac("sha256", secret, body) }),
});

describeWebhookAdapter("custom, signed by Standard Webhooks", {
  ...shared,
  make: (secret) => shop(standardWebhooks({ secret })),
  secrets: ["whsec_b25lIG9mIHR3byBlbmRwb2ludHMgaGVyZSE=", "whsec_dHdvIG9mIHR3byBlbmRwb2ludHMgaGVyZSE="],
  signatureHeader: "webhook-signature",
  hasTimestamp: true,
  sign: (body, secret, atSeconds) => ({
    "webhook-id": "msg_1",
    "webhook-timestamp": String(atSeconds),
    "webhook-signature": new Webhook(secret).sign("msg_1", new Date(atSeconds * 1000), body),
  }),
});
