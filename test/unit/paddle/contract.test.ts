import { paddle } from "../../../adapters/paddle/index.js";
import { describeWebhookAdapter } from "../../contract/webhook-adapter.js";
import { fixture, h1 } from "./webhook.js";

/** A one-off payment of 29.00 USD without tax, by a customer whom ref_ada brought. */
function sale(webhookId: string): object {
  const event = fixture("transaction-completed.one-off");
  const totals = { subtotal: "2900", discount: "0", tax: "0", total: "2900", credit: "0", credit_to_balance: "0" };
  const grand = { balance: "0", grand_total: "2900", grand_total_tax: "0", fee: "195", earnings: "2705" };
  const details = { totals: { ...totals, ...grand, currency_code: "USD" }, line_items: [] };
  const data = { ...event.data, details, currency_code: "USD", custom_data: { affonso_referral: "ref_ada" } };
  return { ...event, event_id: webhookId, data };
}

describeWebhookAdapter("paddle", {
  make: (webhookSecret) => paddle({ webhookSecret }),
  secrets: ["pdl_ntfset_01one_of_two", "pdl_ntfset_02two_of_two"],
  signatureHeader: "paddle-signature",
  hasTimestamp: true,
  sign: (body, secret, atSeconds) => ({ "paddle-signature": `ts=${atSeconds};h1=${h1(body, secret, atSeconds)}` }),
  sale,
  unknown: { ...sale("evt_1"), event_type: "report.created" },
  hasBusinessKey: true,
});
