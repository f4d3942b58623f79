import { describe, expect, it } from "vitest";
import { paddle, withReferral } from "../../../adapters/paddle/index.js";
import { recordsOf } from "../../helpers/records.js";
import { SECRET, withData } from "./webhook.js";

const referral = { affonso_referral: "ref_ada" };
const items = [{ priceId: "pri_1", quantity: 1 }];
const adapter = paddle({ webhookSecret: SECRET });

describe("withReferral of Paddle", () => {
  it.each<[string, object, object]>([
    ["a checkout", { items }, { items, customData: referral }],
    ["what has custom data", { items, customData: { order: 7 } }, { items, customData: { order: 7, ...referral } }],
    ["what has null", { items, customData: null }, { items, customData: referral }],
    ["what has undefined", { items, customData: undefined }, { items, customData: referral }],
    ["a body of the API", { custom_data: { order: 7 } }, { custom_data: { order: 7, ...referral } }],
    ["a body of the API with null", { custom_data: null }, { custom_data: referral }],
    ["what has another referral", { customData: { affonso_referral: "ref_old" } }, { customData: referral }],
  ])("marks %s", (_, params, marked) => {
    const before = structuredClone(params);
    expect(withReferral(params, "ref_ada")).toStrictEqual(marked);
    expect(params).toStrictEqual(before);
  });

  it.each([undefined, null, "", " ", "ref\nada", "x".repeat(256)])("answers the very params for %j", (none) => {
    const params = { items, customData: { order: 7 } };
    expect(withReferral(params, none)).toBe(params);
  });
});

describe("what withReferral has put into a Paddle checkout", () => {
  it("is read from the transaction, the subscription and its renewals, to which Paddle copies it", async () => {
    const { customData } = withReferral<{ customData?: object }>({ customData: { order: 7 } }, "ref_ada");
    for (const name of [
      "transaction-completed.one-off",
      "transaction-completed.first-payment",
      "subscription-created.trialing",
      "transaction-completed.renewal",
    ]) {
      expect(await recordsOf(adapter, withData(name, { custom_data: customData }))).toMatchObject([
        { identity: { referralId: "ref_ada" } },
      ]);
    }
  });
});
