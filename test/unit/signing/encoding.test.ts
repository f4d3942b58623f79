import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromBase64, fromCanonicalBase64, fromHex, toBase64, toHex, utf8Bytes } from "../../../src/signing/encoding.js";

const bytes = fc.uint8Array({ maxLength: 200 });
const plain = (value: Uint8Array | undefined) => (value === undefined ? undefined : [...value]);
const textOf = (alphabet: string) => fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 80 });

describe("hexadecimal", () => {
  it("is written as Node's Buffer writes it, and read back", () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect(toHex(value)).toBe(Buffer.from(value).toString("hex"));
        expect(plain(fromHex(toHex(value)))).toEqual([...value]);
        expect(plain(fromHex(toHex(value).toUpperCase()))).toEqual([...value]);
      }),
    );
  });

  it("is read whole or not at all, where Node's Buffer cuts at the first wrong digit", () => {
    fc.assert(
      fc.property(fc.oneof(textOf("0123456789abcdefABCDEF"), textOf("09afAFgG -\n"), fc.string()), (text) => {
        const read = Buffer.from(text, "hex");
        expect(plain(fromHex(text))).toEqual(read.length * 2 === text.length ? [...read] : undefined);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each(["0", "abc", "zz", "0x00", "ab cd", "ab\n", " ab", "ab:cd", "-1", "ａｂ", "0g"])("is not %j", (text) => {
    expect(fromHex(text)).toBeUndefined();
  });

  it("of nothing is nothing", () => {
    expect([toHex(new Uint8Array()), plain(fromHex(""))]).toEqual(["", []]);
  });
});

describe("base64", () => {
  it("is written as Node's Buffer writes it, and read back with and without padding", () => {
    fc.assert(
      fc.property(bytes, (value) => {
        const text = Buffer.from(value).toString("base64");
        expect(toBase64(value)).toBe(text);
        expect(plain(fromBase64(text))).toEqual([...value]);
        expect(plain(fromBase64(text.replace(/=+$/, "")))).toEqual([...value]);
      }),
    );
  });

  it("is written however long it is", () => {
    const long = Uint8Array.from({ length: 300_000 }, (_, at) => (at * 31) % 256);
    expect(toBase64(long)).toBe(Buffer.from(long).toString("base64"));
    expect(Buffer.from(fromBase64(toBase64(long)) ?? []).equals(long)).toBe(true);
  });

  it("reads nothing that Node's Buffer would read otherwise", () => {
    const almost = fc.oneof(textOf("ABCDwxyz0189+/"), textOf("AZaz09+/=-_ \n"), fc.string());
    fc.assert(
      fc.property(almost, (text) => {
        const read = fromBase64(text);
        if (read !== undefined) expect([...read]).toEqual([...Buffer.from(text, "base64")]);
        if (/[^A-Za-z0-9+/=]/.test(text)) expect(read).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ["URL-safe letters", "-_-_"],
    ["one letter alone", "A"],
    ["five letters", "QUJDR"],
    ["half of the padding", "QQ="],
    ["too much padding", "QUI=="],
    ["padding of nothing", "=="],
    ["three signs of padding", "Q==="],
    ["padding in the middle", "QQ==QQ=="],
    ["a line feed", "QUJD\n"],
    ["white space", "QU JD"],
    ["a BOM", "\ufeffQUJD"],
    ["full-width letters", "ＱＵＪＤ"],
  ])("is not read with %s", (_, text) => {
    expect(fromBase64(text)).toBeUndefined();
  });

  it("of nothing is nothing", () => {
    expect([toBase64(new Uint8Array()), plain(fromBase64(""))]).toEqual(["", []]);
  });
});

describe("canonical base64", () => {
  it("is read where it is spelt as Node's Buffer spells it, and nowhere else", () => {
    fc.assert(
      fc.property(bytes, textOf("AQRUgw9+/="), (value, text) => {
        const spelt = Buffer.from(value).toString("base64");
        expect(plain(fromCanonicalBase64(spelt))).toEqual([...value]);
        const read = Buffer.from(text, "base64");
        expect(plain(fromCanonicalBase64(text))).toEqual(read.toString("base64") === text ? [...read] : undefined);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ["other spare bits after one byte", "QR=="],
    ["all spare bits after one byte", "Qf=="],
    ["other spare bits after two bytes", "QUJ="],
    ["no padding", "QQ"],
    ["half of the padding", "QQ="],
    ["URL-safe letters", "-_-_"],
    ["a line feed", "QUJD\n"],
  ])("is not read with %s", (_, text) => {
    expect(fromCanonicalBase64(text)).toBeUndefined();
  });
});

describe("UTF-8", () => {
  it("is what Node's Buffer makes of a text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect([...utf8Bytes(text)]).toEqual([...Buffer.from(text, "utf8")]);
      }),
    );
  });
});
