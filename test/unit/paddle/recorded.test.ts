import { describe, expect, it } from "vitest";
import { paddle } from "../../../adapters/paddle/index.js";
import { recordsOf } from "../../helpers/records.js";
import { sharedFixtures } from "../../helpers/shared-fixtures.js";
import { SECRET } from "./webhook.js";

const recorded = sharedFixtures("paddle");

const EXPECTED: Record<string, object> = {
  "adjustment_created.json": { kind: "skip", reason: "not_final" },
  "customer_created.json": { kind: "skip", reason: "unmapped" },
  "subscription_created.json": { kind: "skip", reason: "no_referral" },
  "subscription_trialing.json": { kind: "skip", reason: "reported_elsewhere" },
  "transaction_completed.json": {
    kind: "event",
    type: "conversion",
    externalEventId: "evt_01h8e1jxjnw9ra6zarhnz1a7y1",
    businessKey: "transaction:txn_01h8dzxgkvdwemdhbpcapj2tbj",
    identity: { customerId: "ctm_01h8e18bxp9hby49dnm8ewf0m0" },
    occurredAt: "2023-08-22T07:15:43.792Z",
    sale: { minorUnits: 59900, currency: "USD", decimals: 2 },
    productIds: ["pro_01gsz4t5hdjse780zja8vvr7jg", "pro_01h1vjes1y163xfj1rh1tkfb65", "pro_01gsz97mq9pa4fkyy0wqenepkz"],
    interval: "monthly",
    isSubscription: true,
  },
  "transaction_paid.json": { kind: "skip", reason: "reported_elsewhere" },
};

describe.runIf(recorded.length > 0)("payloads recorded from Paddle", () => {
  it.each(recorded)("become what they should: $file", async ({ file, payload }) => {
    const expected = EXPECTED[file];
    const records = await recordsOf(paddle({ webhookSecret: SECRET }), payload as never);
    expect(records).toHaveLength(1);
    if (expected !== undefined) expect(records).toMatchObject([expected]);
  });

  it.each([
    ["gross", 65215],
    ["earnings", 56589],
  ] as const)("have the figures of %s", async (amount, minorUnits) => {
    const completed = recorded.find(({ file }) => file === "transaction_completed.json");
    const adapter = paddle({ webhookSecret: SECRET, amount });
    expect(await recordsOf(adapter, completed?.payload as never)).toMatchObject([{ sale: { minorUnits } }]);
  });
});
