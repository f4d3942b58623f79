import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromMajorUnits, isoDecimals, toMajorUnits } from "../../../src/money.js";
import { failureOf } from "./support.js";

const FIFTEEN_DIGITS = 999_999_999_999_999;
const CURRENCY_OF_DECIMALS = new Map([
  [0, "JPY"],
  [2, "USD"],
  [3, "KWD"],
  [4, "CLF"],
]);

/** The decimal as JSON writes a number: no trailing zeros, no sign before zero. */
function decimalText(minorUnits: bigint, decimals: number): string {
  const scale = 10n ** BigInt(decimals);
  const size = minorUnits < 0n ? -minorUnits : minorUnits;
  const fraction = (size % scale).toString().padStart(decimals, "0").replace(/0+$/, "");
  const text = decimals === 0 || fraction === "" ? `${size / scale}` : `${size / scale}.${fraction}`;
  return minorUnits < 0n ? `-${text}` : text;
}

describe("the decimals of a currency", () => {
  it.each("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" "))(
    "are 0 for %s by ISO 4217",
    (currency) => {
      expect(isoDecimals(currency)).toBe(0);
      expect(toMajorUnits({ minorUnits: 500, currency })).toBe(500);
      expect(fromMajorUnits("500", currency)).toEqual({ minorUnits: 500, currency, decimals: 0 });
    },
  );

  it.each("BHD IQD JOD KWD LYD OMR TND".split(" "))("are 3 for %s by ISO 4217", (currency) => {
    expect(isoDecimals(currency)).toBe(3);
    expect(toMajorUnits({ minorUnits: 1234, currency })).toBe(1.234);
    expect(fromMajorUnits("1.234", currency)).toEqual({ minorUnits: 1234, currency, decimals: 3 });
  });

  it.each("CLF UYW".split(" "))("are 4 for %s by ISO 4217", (currency) => {
    expect(isoDecimals(currency)).toBe(4);
    expect(toMajorUnits({ minorUnits: 1, currency })).toBe(0.0001);
  });

  it.each("USD EUR GBP BRL INR MGA MRU HUF TWD constructor __proto__".split(" "))("are 2 for %s", (currency) => {
    expect(isoDecimals(currency)).toBe(2);
  });

  it.each(["", "J", "JP", "F C", "JPY KMF"])("are 2 for %j, which is no code", (currency) => {
    expect(isoDecimals(currency)).toBe(2);
  });

  it("do not depend on the case of the code", () => {
    expect([isoDecimals("jpy"), isoDecimals("Kwd")]).toEqual([0, 3]);
  });
});

describe("toMajorUnits", () => {
  it.each([0, 1, 2, 3, 4])("writes every amount of up to fifteen digits with %i decimals exactly", (decimals) => {
    fc.assert(
      fc.property(fc.integer({ min: -FIFTEEN_DIGITS, max: FIFTEEN_DIGITS }), (minorUnits) => {
        const written = JSON.stringify(toMajorUnits({ minorUnits, currency: "USD", decimals }));
        expect(written).toBe(decimalText(BigInt(minorUnits), decimals));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([0, 1, 2, 3, 4])("writes every small amount with %i decimals exactly", (decimals) => {
    for (let minorUnits = -20_000; minorUnits <= 20_000; minorUnits++) {
      const written = JSON.stringify(toMajorUnits({ minorUnits, currency: "USD", decimals }));
      if (written !== decimalText(BigInt(minorUnits), decimals)) expect.fail(`${minorUnits} became ${written}`);
    }
  });

  it("writes every safe integer of a currency without decimals", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (minorUnits) => {
        expect(toMajorUnits({ minorUnits, currency: "JPY" })).toBe(minorUnits);
      }),
    );
  });

  it.each([0, 1, 2, 3, 4])("writes every safe integer with %i decimals exactly, or refuses it", (decimals) => {
    const large = fc.integer({ min: 2 ** 45, max: Number.MAX_SAFE_INTEGER });
    const anyAmount = fc.oneof(
      fc.maxSafeInteger(),
      large,
      large.map((minorUnits) => -minorUnits),
    );
    const written = (minorUnits: number) => {
      try {
        return String(toMajorUnits({ minorUnits, currency: "USD", decimals }));
      } catch (error) {
        expect(error).toMatchObject({ code: "invalid_event" });
        return "refused";
      }
    };
    fc.assert(
      fc.property(anyAmount, (minorUnits) => {
        const exact = decimalText(BigInt(minorUnits), decimals);
        expect(written(minorUnits)).toBe(String(Number(exact)) === exact ? exact : "refused");
      }),
      { numRuns: 5_000, examples: [[7_036_874_417_816_391], [-7_036_874_417_816_391], [Number.MAX_SAFE_INTEGER]] },
    );
  });

  it("refuses an amount whose shortest text is another amount", async () => {
    const money = { minorUnits: 7_036_874_417_816_391, currency: "USD" };
    expect(String(Number("70368744178163.91"))).not.toBe("70368744178163.91");
    expect((await failureOf(() => toMajorUnits(money))).code).toBe("invalid_event");
  });

  it("takes the decimals that it is given before those of ISO 4217", () => {
    expect(toMajorUnits({ minorUnits: 500_000, currency: "UGX", decimals: 2 })).toBe(5_000);
    expect(toMajorUnits({ minorUnits: 500_000, currency: "UGX" })).toBe(500_000);
  });

  it.each([
    ["a decimal", 19.99],
    ["NaN", Number.NaN],
    ["infinity", Number.POSITIVE_INFINITY],
    ["2^53", 2 ** 53],
    ["-2^53", -(2 ** 53)],
  ])("refuses %s", async (_, minorUnits) => {
    const error = await failureOf(() => toMajorUnits({ minorUnits, currency: "USD" }));
    expect(error.code).toBe("invalid_event");
  });

  it("refuses an amount with more digits than a number carries, rather than rounding it", async () => {
    const money = { minorUnits: Number.MAX_SAFE_INTEGER - 1, currency: "USD" };
    const neighbours = [money, { ...money, minorUnits: Number.MAX_SAFE_INTEGER }];
    const refused = await Promise.all(
      neighbours.map(async (one) => {
        try {
          return `${toMajorUnits(one)}`;
        } catch {
          return "refused";
        }
      }),
    );
    expect(refused).toContain("refused");
  });
});

describe("fromMajorUnits", () => {
  it.each([...CURRENCY_OF_DECIMALS])(
    "reads every decimal text with up to %i decimals exactly",
    (decimals, currency) => {
      fc.assert(
        fc.property(
          fc.bigInt({ min: 0n, max: BigInt(FIFTEEN_DIGITS) }),
          fc.integer({ min: 0, max: decimals }),
          fc.integer({ min: 0, max: 3 }),
          (digits, places, zeros) => {
            const text = digits.toString().padStart(places + 1, "0");
            const whole = text.slice(0, text.length - places);
            const fraction = text.slice(text.length - places) + "0".repeat(zeros);
            const minorUnits = digits * 10n ** BigInt(decimals - places);
            fc.pre(minorUnits <= BigInt(Number.MAX_SAFE_INTEGER));
            expect(fromMajorUnits(fraction === "" ? whole : `${whole}.${fraction}`, currency)).toEqual({
              minorUnits: Number(minorUnits),
              currency,
              decimals,
            });
          },
        ),
        { numRuns: 1_000 },
      );
    },
  );

  it("reads back what toMajorUnits wrote", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: FIFTEEN_DIGITS }),
        fc.constantFrom(...CURRENCY_OF_DECIMALS.values()),
        (minorUnits, currency) => {
          expect(fromMajorUnits(toMajorUnits({ minorUnits, currency }), currency).minorUnits).toBe(minorUnits);
        },
      ),
    );
  });

  it("takes a number by its shortest text", () => {
    expect(fromMajorUnits(19.99, "usd")).toEqual({ minorUnits: 1999, currency: "USD", decimals: 2 });
    expect(fromMajorUnits(0.07, "USD").minorUnits).toBe(7);
  });

  it("takes sixteen digits as text alone: a number may have been another one before it was parsed", async () => {
    expect(fromMajorUnits("70368744178163.91", "USD").minorUnits).toBe(7_036_874_417_816_391);
    const parsed: number = JSON.parse("70368744178163.91");
    expect(String(parsed)).toBe("70368744178163.9");
    expect((await failureOf(() => fromMajorUnits(parsed, "USD"))).code).toBe("malformed_payload");
    expect(fromMajorUnits(9_999_999_999_999.99, "USD").minorUnits).toBe(999_999_999_999_999);
  });

  it("keeps zero without a sign", () => {
    expect(Object.is(fromMajorUnits("-0.00", "USD").minorUnits, 0)).toBe(true);
    expect(Object.is(fromMajorUnits(-0, "USD").minorUnits, 0)).toBe(true);
  });

  it.each([
    ["an exponent", "1e5", "USD"],
    ["full-width digits", "１２", "USD"],
    ["a thousands separator", "1,999.00", "USD"],
    ["a decimal comma", "19,99", "USD"],
    ["white space before", " 19.99", "USD"],
    ["a line feed after", "19.99\n", "USD"],
    ["a plus sign", "+19.99", "USD"],
    ["a currency sign", "$19.99", "USD"],
    ["hexadecimal", "0x10", "USD"],
    ["no digits at all", "", "USD"],
    ["a dot alone", ".", "USD"],
    ["no whole part", ".5", "USD"],
    ["no fraction after the dot", "5.", "USD"],
    ["two dots", "1.2.3", "USD"],
    ["NaN", Number.NaN, "USD"],
    ["infinity", Number.POSITIVE_INFINITY, "USD"],
    ["a number written with an exponent", 1e21, "USD"],
    ["a tiny number", 1e-7, "USD"],
    ["a sum of floats", 0.1 + 0.2, "USD"],
    ["three decimals of a currency with two", "19.999", "USD"],
    ["a fraction of a currency without", "500.5", "JPY"],
    ["four decimals of a currency with three", "1.2345", "KWD"],
    ["more digits than a number carries", "999999999999999.99", "USD"],
    ["seventeen digits", "12345678901234567", "JPY"],
  ])("refuses %s", async (_, amount, currency) => {
    const error = await failureOf(() => fromMajorUnits(amount, currency));
    expect(error.code).toBe("malformed_payload");
    if (amount !== "" && amount !== ".") expect(error.message).not.toContain(String(amount));
  });

  it.each(["", "US", "USDC", "U5D", "$", "usd\n", " usd", "ＵＳＤ", "jane@example.com"])(
    "refuses a currency that is not three letters, without showing it (%#)",
    async (currency) => {
      const error = await failureOf(() => fromMajorUnits("19.99", currency));
      expect(error.message).toBe("malformed_payload: a currency must have three letters (ISO 4217)");
    },
  );
});
