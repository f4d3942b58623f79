import { describe, expect, it } from "vitest";
import { type PaddleAmount, paddle } from "../../../adapters/paddle/index.js";
import { recordsOf } from "../../helpers/records.js";
import { fixture, SECRET, withData, withTotals } from "./webhook.js";

const RENEWAL = "transaction-completed.renewal";
const adapter = paddle({ webhookSecret: SECRET });
const by = (amount: PaddleAmount) => paddle({ webhookSecret: SECRET, amount });

describe("the amount of a Paddle transaction", () => {
  it("has no decimals in a currency without a minor unit", async () => {
    expect(await recordsOf(adapter, fixture("transaction-completed.jpy"))).toMatchObject([
      { sale: { minorUnits: 1000, currency: "JPY", decimals: 0 } },
    ]);
  });

  it.each([
    ...["JPY", "KRW", "CLP", "VND"].map((currency) => [currency, 0] as const),
    // ISO 4217 gives ISK no decimals and KWD three; Paddle has neither, and two is what its documentation says.
    ...["USD", "HUF", "COP", "TWD", "ISK", "KWD"].map((currency) => [currency, 2] as const),
  ])("counts %s with %i decimals", async (currency, decimals) => {
    expect(await recordsOf(adapter, withTotals(RENEWAL, { currency_code: currency }))).toMatchObject([
      { sale: { currency, decimals } },
    ]);
  });

  it("counts decimals as currencyDecimals says, in any case of letters", async () => {
    const own = paddle({ webhookSecret: SECRET, currencyDecimals: { clp: 2, HUF: 0 } });
    for (const [currency, decimals] of [
      ["CLP", 2],
      ["huf", 0],
      ["JPY", 0],
      ["USD", 2],
    ] as const) {
      const [event] = await recordsOf(own, withTotals(RENEWAL, { currency_code: currency }));
      expect(event).toMatchObject({ sale: { currency: currency.toUpperCase(), decimals } });
    }
  });

  it("takes the currency of the transaction where the totals name none", async () => {
    const event = withTotals(RENEWAL, { currency_code: null });
    expect(await recordsOf(adapter, event)).toMatchObject([{ sale: { currency: "USD" } }]);
  });

  it("takes the tax share from Paddle when a credit was applied", async () => {
    expect(await recordsOf(adapter, fixture("transaction-completed.credit"))).toMatchObject([
      { sale: { minorUnits: 7000 - 1167 } },
    ]);
  });

  it("works the tax share out where Paddle sends none", async () => {
    // 2000 of tax in 12000 is 1166.67 in 7000.
    expect(await recordsOf(adapter, fixture("transaction-completed.credit-before-2026"))).toMatchObject([
      { sale: { minorUnits: 7000 - 1167 } },
    ]);
  });

  it("works the tax share out where Paddle repeats the whole tax, as it does for transactions from before 2026", async () => {
    const event = withTotals("transaction-completed.credit", { grand_total_tax: "2000" });
    expect(await recordsOf(adapter, event)).toMatchObject([{ sale: { minorUnits: 7000 - 1167 } }]);
  });

  it.each([
    ["2000", "12000", "7003", 7003 - 1167],
    ["1", "2", "1", 0],
    ["1", "3", "1", 1],
    ["0", "100", "40", 40],
    ["900719925474099", "9007199254740990", "4503599627370495", 4053239664633445],
  ])("rounds half a unit of tax up: %s of %s in %s", async (tax, total, grand_total, expected) => {
    const credit = String(BigInt(total) - BigInt(grand_total));
    const event = withTotals("transaction-completed.credit-before-2026", { tax, total, grand_total, credit });
    const [record] = await recordsOf(adapter, event);
    expect(record).toMatchObject(expected > 0 ? { sale: { minorUnits: expected } } : { reason: "no_amount" });
  });

  it("is the total without tax in old payloads without credit", async () => {
    const event = withTotals(RENEWAL, { grand_total_tax: undefined, credit: undefined });
    expect(await recordsOf(adapter, event)).toMatchObject([{ sale: { minorUnits: 9000 } }]);
  });

  it.each(["transaction-completed.payment-method-change", "transaction-completed.negative"])(
    "is skipped at 0 or less, whichever amount is asked for: %s",
    async (name) => {
      for (const amount of ["net", "gross", "earnings"] as const) {
        expect(await recordsOf(by(amount), fixture(name))).toMatchObject([
          {
            kind: "skip",
            reason: "no_amount",
            message: expect.stringMatching(/^txn_\w+ is for nothing .* or a credit$/),
          },
        ]);
      }
    },
  );

  it("is what the buyer paid with gross", async () => {
    expect(await recordsOf(by("gross"), fixture("transaction-completed.credit"))).toMatchObject([
      { sale: { minorUnits: 7000 } },
    ]);
  });

  it("is what Paddle pays out with earnings", async () => {
    expect(await recordsOf(by("earnings"), fixture(RENEWAL))).toMatchObject([{ sale: { minorUnits: 8410 } }]);
  });

  it("says what to do when earnings are asked for and absent", async () => {
    await expect(recordsOf(by("earnings"), withTotals(RENEWAL, { earnings: null }))).rejects.toMatchObject({
      code: "malformed_payload",
      message: expect.stringMatching(/no details\.totals\.earnings.*amount: "net"/),
    });
  });

  it("is what a function answers, which sees every field that Paddle sent", async () => {
    const own = by(async ({ details, collection_mode }) =>
      collection_mode === "automatic" ? Number(details.totals.subtotal) - 1 : 0,
    );
    expect(await recordsOf(own, fixture(RENEWAL))).toMatchObject([{ sale: { minorUnits: 8999 } }]);
    const manual = withData(RENEWAL, { collection_mode: "manual" });
    expect(await recordsOf(own, manual)).toMatchObject([{ reason: "no_amount" }]);
  });

  it.each([
    ["throws", () => Promise.reject(new Error("no database")), /amount of paddle\(\) threw/],
    ["answers a decimal", () => 19.99, /integer of minor units/],
    ["answers nothing", () => undefined, /integer of minor units/],
    ["answers NaN", () => Number.NaN, /integer of minor units/],
  ])("is a failed mapping when a function %s", async (_what, amount, says) => {
    await expect(recordsOf(by(amount as never), fixture(RENEWAL))).rejects.toMatchObject({
      code: "mapping_failed",
      message: expect.stringMatching(says),
    });
  });

  it.each(["", " 10800", "108.00", "1e4", "0x10", "+1", "1,000", "NaN", "١٢"])(
    "is refused when it is no integer: %j",
    async (grand_total) => {
      await expect(recordsOf(adapter, withTotals(RENEWAL, { grand_total }))).rejects.toMatchObject({
        code: "malformed_payload",
        message: expect.stringContaining("details.totals.grand_total is not an integer of minor units"),
      });
    },
  );

  it.each(["9007199254740993", "-9007199254740993", "9".repeat(400)])(
    "is refused when it is unsafe: %s",
    async (total) => {
      await expect(recordsOf(adapter, withTotals(RENEWAL, { grand_total: total, total }))).rejects.toMatchObject({
        code: "malformed_payload",
        message: expect.stringContaining("larger than a number can carry exactly"),
      });
    },
  );

  it("is kept with what was paid where a function measures it, since refunds are of what was paid", async () => {
    const [event] = await recordsOf(
      by(() => 500),
      fixture(RENEWAL),
    );
    expect(event).toMatchObject({ sale: { minorUnits: 500 }, paid: { minorUnits: 10800, currency: "USD" } });
    const [net] = await recordsOf(adapter, fixture(RENEWAL));
    expect(net).not.toHaveProperty("paid", expect.anything());
  });
});
