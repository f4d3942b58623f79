import { describe, expect, it } from "vitest";
import { currencyDecimals, decimalOf, share, subtract, toNumber } from "../../../src/sandbox/decimal.js";

describe("decimals", () => {
  it("subtract without float artefacts", () => {
    expect(toNumber(subtract(decimalOf(0.3), decimalOf(0.1)))).toBe(0.2);
    expect(0.3 - 0.1).not.toBe(0.2);
  });

  it("read numbers whose text has an exponent", () => {
    expect(decimalOf(1e-7)).toEqual({ digits: 1n, scale: 7 });
    expect(decimalOf(1.5e21)).toEqual({ digits: 1_500_000_000_000_000_000_000n, scale: 0 });
  });

  it("refuse what is no finite number", () => {
    expect(() => decimalOf(Number.NaN)).toThrow(RangeError);
    expect(() => decimalOf(Number.POSITIVE_INFINITY)).toThrow(RangeError);
  });

  it.each([
    [1.005, 100, 1.01],
    [99.99, 20, 20],
    [19.99, 30, 6],
    [0.07, 50, 0.04],
    [33.33, 33.3, 11.1],
  ])("share %s at %s percent as %s, half up", (total, percent, expected) => {
    expect(toNumber(share(decimalOf(total), decimalOf(percent), decimalOf(100), 2))).toBe(expected);
  });

  it.each([
    ["USD", 2],
    ["JPY", 0],
    ["KWD", 3],
    ["XQZ", 2],
  ])("know that %s has %s places", (currency, places) => {
    expect(currencyDecimals(currency)).toBe(places);
  });
});
