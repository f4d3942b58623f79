import { describe, expect, it } from "vitest";
import { toNumber } from "../../../src/sandbox/decimal.js";
import { commissionOf, type Incentive, matchIncentive } from "../../../src/sandbox/incentives.js";

const base: Incentive = { id: "base", type: "percentage", amount: 10 };
const yearly: Incentive = { ...base, id: "yearly", interval: "yearly" };
const product: Incentive = { ...base, id: "product", productIds: ["pro", "team"] };
const price: Incentive = { ...base, id: "price", priceIds: ["pro-yearly"] };
const all = [base, yearly, product, price];

describe("matchIncentive", () => {
  it.each([
    ["base", {}],
    ["base", { product_ids: ["free"], price_ids: ["free"], interval: "monthly" as const }],
    ["yearly", { interval: "yearly" as const }],
    ["product", { product_ids: ["addon", "team"], interval: "yearly" as const }],
    ["price", { product_ids: ["pro"], price_ids: ["pro-yearly"], interval: "yearly" as const }],
  ])("picks %s for %j", (id, sale) => {
    expect(matchIncentive(all, sale)?.id).toBe(id);
  });

  it("picks the first of two that are equally specific", () => {
    expect(matchIncentive([yearly, { ...yearly, id: "second" }], { interval: "yearly" })?.id).toBe("yearly");
  });

  it("asks for every condition of an incentive", () => {
    expect(matchIncentive([{ ...product, interval: "yearly" }], { product_ids: ["pro"] })).toBeUndefined();
  });

  it("finds nothing where no condition is met", () => {
    expect(matchIncentive([yearly, product, price], { interval: "monthly" })).toBeUndefined();
  });
});

describe("commissionOf", () => {
  it("pays nothing without an incentive", () => {
    expect(toNumber(commissionOf(undefined, 100, "USD"))).toBe(0);
  });

  it("pays a fixed amount whatever the sale is", () => {
    expect(toNumber(commissionOf({ ...base, type: "fixed", amount: 5.5 }, 1, "USD"))).toBe(5.5);
  });

  it("rounds to the currency's minor unit", () => {
    expect(toNumber(commissionOf(base, 1995, "JPY"))).toBe(200);
    expect(toNumber(commissionOf(base, 1.005, "KWD"))).toBe(0.101);
  });
});
