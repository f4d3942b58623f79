import { describe, expect, it } from "vitest";
import { type StripeEventInput, stripe } from "../../../adapters/stripe/index.js";
import { recordsOf } from "../../helpers/records.js";
import { sharedFixtures } from "../../helpers/shared-fixtures.js";
import { SECRET } from "./webhook.js";

const recorded = sharedFixtures("stripe");
const adapter = stripe({ webhookSecret: SECRET, testMode: "forward" });

/** Invoices of 2025-11-17.clover: made by hand, without a subscription, their ids replaced by the name of the recording. */
const manual = (recording: string, at: number, minorUnits: number, customerId = "cus_NORMALIZED") => ({
  kind: "event",
  source: "stripe",
  name: "invoice_paid",
  type: "conversion",
  externalEventId: `${recording}--Event.list.${at}.json`,
  businessKey: expect.stringMatching(`^invoice:${recording}--Event\\.list\\.\\d\\.json$`),
  identity: { customerId },
  references: { invoice: expect.stringContaining(recording), customer: customerId },
  occurredAt: "2001-09-09T01:46:40.000Z",
  sale: { minorUnits, currency: "USD", decimals: 2 },
  productIds: ["prod_NORMALIZED"],
  priceIds: ["price_NORMALIZED"],
  isSubscription: false,
  metadata: {
    source: "stripe",
    invoice: expect.stringContaining(recording),
    billing_reason: "manual",
    test_mode: true,
  },
});
const CLOVER = "2025-11-17.clover.invoice_paid";

const EXPECTED: Record<string, object> = {
  [`${CLOVER}.upgrade_by_card.json`]: manual("upgrade_by_card", 4, 48_000),
  [`${CLOVER}.attach_discount_to_realm.json`]: manual("attach_discount_to_realm", 3, 7_200),
  [`${CLOVER}.invoice_initial_remote_realm_upgrade.json`]: manual("invoice_initial_remote_realm_upgrade", 3, 1_850),
  [`${CLOVER}.non_sponsorship_billing.json`]: manual("non_sponsorship_billing", 3, 176_000),
  [`${CLOVER}.upgrade_by_invoice.json`]: manual(
    "upgrade_by_invoice",
    2,
    984_000,
    "upgrade_by_invoice--Customer.create.1.json",
  ),
  "2020-03-02.invoice_paid.json": {
    kind: "skip",
    source: "stripe",
    reason: "no_amount",
    externalEventId: "evt_1KJrGtJDPojXS6LN15fcthM3",
    message: expect.stringContaining("in_1KJqKBJDPojXS6LNJbvLUgEy"),
  },
  "2020-03-02.charge_refunded.json": {
    kind: "refund",
    source: "stripe",
    externalEventId: "re_3Kl36gJDPojXS6LN0eP4yPDz",
    businessKey: "refund:re_3Kl36gJDPojXS6LN0eP4yPDz",
    saleKey: "invoice:in_1KJdKkJDPojXS6LNSwSWkZSN",
    references: {
      charge: "ch_3Kl36gJDPojXS6LN0DCM4A8l",
      payment: "pi_3Kl36gJDPojXS6LN02fQVtKR",
      invoice: "in_1KJdKkJDPojXS6LNSwSWkZSN",
      customer: "cus_J7Mkgr8mvbl1eK",
    },
    amount: { minorUnits: 2500, currency: "USD", decimals: 2 },
    occurredAt: "2022-04-07T08:55:38.000Z",
    metadata: { source: "stripe", refund: "re_3Kl36gJDPojXS6LN0eP4yPDz", test_mode: true },
  },
  // Its invoice reports the sale, and nothing in it names a referral.
  "2020-03-02.checkout_session_completed.json": {
    kind: "skip",
    source: "stripe",
    reason: "no_referral",
    externalEventId: "evt_T8nSaZqtPudigUMqnnbY4D4v",
    message: expect.stringContaining("cs_live_9RBjcHiy2i5p99Tf1MYM90c3SHK1grU0E6Ae6pKWR2KPA4ZiuKiB2X1Y3X"),
  },
};

describe.runIf(recorded.length > 0)("payloads recorded from Stripe", () => {
  it.each(recorded)("become what they should: $file", async ({ file, payload }) => {
    const records = await recordsOf(adapter, payload as StripeEventInput);
    expect(records).toHaveLength(1);
    expect(EXPECTED).toHaveProperty([file]);
    expect(records).toEqual([EXPECTED[file]]);
  });

  it("are skipped in production where they are of the test mode", async () => {
    const live = stripe({ webhookSecret: SECRET });
    for (const { payload } of recorded) {
      const event = payload as StripeEventInput;
      if (event.livemode) continue;
      expect(await recordsOf(live, event)).toMatchObject([{ kind: "skip", reason: "test_mode" }]);
    }
  });

  it("have a year as their interval once their lines are a subscription's", async () => {
    const upgrade = recorded.find(({ file }) => file === `${CLOVER}.upgrade_by_card.json`);
    const text = JSON.stringify(upgrade?.payload).replace(
      '"subscription_item_details":null',
      '"subscription_item_details":{"subscription":"sub_1","subscription_item":"si_1","proration":false}',
    );
    expect(await recordsOf(adapter, JSON.parse(text))).toMatchObject([
      { interval: "yearly", isSubscription: true, references: { subscription: "sub_1" } },
    ]);
  });
});
