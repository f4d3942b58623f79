import { createHmac } from "node:crypto";
import * as z from "zod/mini";
import { custom, hmacSha256 } from "../../../../adapters/custom/index.js";

export const SIGNING_SECRET = "signing_secret_of_the_proofs";
export const REFERRAL = "ref_ada";
const SHOP_SECRET = "shop_secret_of_the_proofs";

/** One webhook of the shop. Several with different ids may speak of one sale, as providers' twin events do. */
export interface ShopWebhook {
  readonly id: string;
  readonly sale: string;
}

/** The shop's adapter: signed webhooks, each of which is a sale of 29.00 USD. */
export const shop = () =>
  custom({
    name: "shop",
    verify: hmacSha256({ header: "x-shop-signature", secret: SHOP_SECRET }),
    schema: z.object({ id: z.string(), sale: z.string() }),
    normalize: ({ id, sale }) => ({
      type: "conversion",
      name: "sale",
      externalEventId: id,
      businessKey: sale,
      identity: { referralId: REFERRAL },
      references: { invoice: sale, customer: `cus_${sale}` },
      sale: { minorUnits: 2900, currency: "USD" },
    }),
  });

/** The webhook's bytes and headers, as the shop would send them again and again. */
export function signedRequest({ id, sale }: ShopWebhook): { body: string; headers: Record<string, string> } {
  const body = JSON.stringify({ id, sale });
  const signature = createHmac("sha256", SHOP_SECRET).update(body).digest("hex");
  return { body, headers: { "content-type": "application/json", "x-shop-signature": signature } };
}

/** The webhook of a sale; `twin` tells several of one sale apart. */
export const webhookOf = (sale: string, twin = "a"): ShopWebhook => ({ id: `evt_${sale}.${twin}`, sale });

/** The sale that an event at the endpoint stands for. */
export const saleOf = (externalEventId: string | undefined): string =>
  /^evt_(.+)\.\w+$/.exec(externalEventId ?? "")?.[1] ?? `unknown ${externalEventId}`;
