import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Money } from "../../../src/money.js";
import { toWireRefund } from "../../../src/outbox/refund.js";
import { refund } from "./support.js";

const eur = (minorUnits: number): Money => ({ minorUnits, currency: "EUR" });
const wire = (minorUnits: number, sale: Money | undefined, paid?: Money) =>
  toWireRefund(refund({ amount: eur(minorUnits) }), sale, paid);
/** What is asked for, in minor units; all of the sale where no amount is named. */
const shareOf = (minorUnits: number, sale: number, paid: number) => {
  const { amount } = wire(minorUnits, eur(sale), eur(paid));
  return amount === undefined ? BigInt(sale) : BigInt(Math.round(amount * 100));
};

const amounts = fc.integer({ min: 1, max: 100_000_000 });

describe("a refund on the wire", () => {
  it("is compared with its sale as money, however many decimals each is written with", () => {
    const ugx = (minorUnits: number, decimals: number): Money => ({ minorUnits, currency: "UGX", decimals });
    const half = refund({ amount: ugx(250_000, 2) });
    expect(toWireRefund(half, ugx(5_000, 0)).amount).toBe(2_500);
    expect(toWireRefund(half, ugx(4_000, 0), ugx(5_000, 0)).amount).toBe(2_000);
    expect(toWireRefund(refund({ amount: ugx(5_000, 0) }), ugx(500_000, 2)).amount).toBeUndefined();
  });

  it("carries its own id, so that it counts once", () => {
    const record = refund({ reason: "requested_by_customer", occurredAt: "2026-01-02T03:04:05Z" });
    expect(toWireRefund(record, eur(10_000))).toEqual({
      amount: 59.5,
      currency: "EUR",
      reason: "requested_by_customer",
      external_event_id: "re_1",
      refunded_at: "2026-01-02T03:04:05.000Z",
    });
  });

  it.each<[string, number, Money, Money | undefined, number | undefined]>([
    ["a part of a sale that was paid as it is", 2_500, eur(10_000), undefined, 25],
    ["half of what was paid with tax", 5_950, eur(10_000), eur(11_900), 50],
    ["a part that does not come out even, rounded down", 1_000, eur(10_000), eur(11_900), 8.4],
    ["all of it", 10_000, eur(10_000), undefined, undefined],
    ["all that was paid with tax", 11_900, eur(10_000), eur(11_900), undefined],
    ["more than was paid", 20_000, eur(10_000), eur(11_900), undefined],
    ["the amount of the sale, where more was paid", 10_000, eur(10_000), eur(11_900), 84.03],
    ["one cent less than all", 11_899, eur(10_000), eur(11_900), 99.99],
    ["so little that its share is nothing: the smallest amount there is", 1, eur(10_000), eur(11_900), 0.01],
  ])("of %s", (_, amount, sale, paid, expected) => {
    expect(wire(amount, sale, paid).amount).toBe(expected);
  });

  it("of all that was paid names no amount at all, so that what is left is given back whatever rounding did", () => {
    expect(JSON.parse(JSON.stringify(wire(11_900, eur(10_000), eur(11_900))))).not.toHaveProperty("amount");
  });

  it("of a currency without decimals is a whole number", () => {
    const yen = (minorUnits: number): Money => ({ minorUnits, currency: "JPY" });
    const record = refund({ amount: yen(550) });
    expect(toWireRefund(record, yen(1_000), yen(1_100))).toMatchObject({ amount: 500, currency: "JPY" });
  });

  it("keeps the decimals that the provider counts in", () => {
    const isk = (minorUnits: number): Money => ({ minorUnits, currency: "ISK", decimals: 2 });
    expect(toWireRefund(refund({ amount: isk(5_000) }), isk(10_000))).toMatchObject({ amount: 50 });
  });

  it("is of the sale's currency where it is measured by the sale, whatever it was paid in", () => {
    const [dollars, euros] = [{ minorUnits: 11_000, currency: "USD" }, eur(10_000)];
    const part = refund({ amount: { minorUnits: 5_500, currency: "USD" } });
    expect(toWireRefund(part, euros, dollars)).toMatchObject({ amount: 50, currency: "EUR" });
    const whole = toWireRefund(refund({ amount: dollars }), euros, dollars);
    expect(whole.currency).toBe("EUR");
    expect(whole.amount).toBeUndefined();
    const yen = { minorUnits: 1_500, currency: "JPY" };
    expect(toWireRefund(part, yen, dollars)).toMatchObject({ amount: 750, currency: "JPY" });
  });

  it("in another currency than was paid is told as it is, and is nobody's share", () => {
    const record = refund({ amount: { minorUnits: 20_000, currency: "USD" } });
    expect(toWireRefund(record, eur(10_000), eur(11_900))).toMatchObject({ amount: 200, currency: "USD" });
  });

  it("of a sale without an amount is told as it is", () => {
    expect(wire(5_950, undefined)).toMatchObject({ amount: 59.5, currency: "EUR" });
  });
});

describe("shares", () => {
  it("are the exact quotient, rounded down, never nothing, never more than the sale", () => {
    fc.assert(
      fc.property(amounts, amounts, amounts, (amount, sale, paid) => {
        const share = shareOf(amount, sale, paid);
        const exact = (BigInt(amount) * BigInt(sale)) / BigInt(paid);
        const expected = amount >= paid ? BigInt(sale) : exact > 0n ? exact : 1n;
        expect(share).toBe(expected);
        expect(share).toBeGreaterThan(0n);
        expect(share).toBeLessThanOrEqual(BigInt(sale));
      }),
    );
  });

  it("are exact where a number would be rounded", () => {
    const paid = 9_007_199_254_740_991;
    const { amount } = wire(paid - 1, { minorUnits: paid - 1, currency: "JPY" }, { minorUnits: paid, currency: "EUR" });
    expect(BigInt(amount ?? 0)).toBe((BigInt(paid - 1) * BigInt(paid - 1)) / BigInt(paid));
  });

  it("of what was paid, however it is given back in parts, never add up to more than the sale", () => {
    const cases = fc
      .tuple(amounts, amounts, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }))
      .filter(([sale, paid]) => paid > 1 && sale > 0)
      .map(([sale, paid, cuts]) => {
        // Parts of at least one unit of the sale: of less, the smallest amount is asked for.
        const least = Math.ceil(paid / sale);
        const parts: number[] = [];
        let left = paid;
        for (const cut of cuts) {
          const part = Math.max(Math.floor(left * cut), least);
          if (part >= left) break;
          parts.push(part);
          left -= part;
        }
        return { sale, paid, parts: left >= least ? [...parts, left] : parts };
      });
    fc.assert(
      fc.property(cases, ({ sale, paid, parts }) => {
        const sum = parts.reduce((total, part) => total + shareOf(part, sale, paid), 0n);
        expect(sum).toBeLessThanOrEqual(BigInt(sale));
        // Each part loses less than one unit.
        const given = parts.reduce((total, part) => total + part, 0);
        const exact = (BigInt(given) * BigInt(sale)) / BigInt(paid);
        expect(sum).toBeGreaterThanOrEqual(exact - BigInt(parts.length));
      }),
      { numRuns: 1_000 },
    );
  });

  it("of everything at once are the same as the sale, whatever was paid for it", () => {
    fc.assert(
      fc.property(amounts, amounts, (sale, paid) => {
        expect(wire(paid, eur(sale), eur(paid)).amount).toBeUndefined();
      }),
    );
  });
});
