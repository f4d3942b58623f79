import { describe, expect, it } from "vitest";
import { hasIdentity, ID_PATTERN } from "../../../src/event.js";
import { parseEvent, parseRecord } from "../../../src/event-schema.js";
import { failureOf, link, refund, sale } from "./support.js";

const parse = (input: object) => parseRecord(input as never, "billing");
const problemOf = async (input: object) => {
  const error = await failureOf(() => parse(input));
  expect(error.code).toBe("invalid_event");
  expect(error.message).toContain("invalid_event: a record of billing breaks the contract: ");
  return error.message.split("contract: ")[1];
};
const lead = (changes: object = {}) => ({ type: "lead", name: "signed_up", identity: { customerId: "c" }, ...changes });

describe("a record of an adapter", () => {
  it("without a kind is an event, and is given its source", () => {
    expect(parse(sale())).toEqual({ ...sale(), kind: "event", source: "billing", references: {} });
  });

  it("may be a refund, a link or a skip", () => {
    expect(parse(refund())).toEqual({ ...refund(), source: "billing", references: {} });
    expect(parse(link())).toEqual({ ...link(), source: "billing" });
    const skip = { kind: "skip", reason: "unmapped", externalEventId: "evt_1", message: "no mapping" };
    expect(parse(skip)).toEqual({ ...skip, source: "billing" });
  });

  it("cannot claim another source than the adapter's", () => {
    expect(parse(sale({ source: "stripe" }))).toMatchObject({ source: "billing" });
  });

  it.each([[{}], [Object.create(null)], [["event"]], [{ toString: 1, valueOf: 1 }], [7], [true], [Symbol.iterator]])(
    "is refused with a kind that is no text (%#)",
    async (kind) => {
      expect(await problemOf({ ...sale(), kind })).toBe("kind: expected one of event, refund, link, skip");
    },
  );

  it.each(["sale", "constructor", "__proto__", "toString", "Event"])("is refused with the kind %s", async (kind) => {
    expect(await problemOf({ ...sale(), kind })).toBe("kind: expected one of event, refund, link, skip");
  });

  it("keeps every field of an event", () => {
    const full = sale({
      kind: "event",
      businessKey: "invoice_1",
      identity: { referralId: "r", customerId: "c", externalUserId: "u", clickId: "k" },
      references: {
        ...{ customer: "cus", subscription: "sub", invoice: "in", session: "cs" },
        ...{ payment: "pi", charge: "ch", transaction: "txn" },
      },
      occurredAt: "2026-01-01T00:00:00.000Z",
      sale: { minorUnits: 1, currency: "KWD", decimals: 3 },
      productIds: ["a", "b"],
      priceIds: [],
      interval: "yearly",
      isSubscription: false,
      metadata: { text: "x", number: 1.5, flag: true, nothing: null, list: [1, { a: [] }], object: { deep: {} } },
    });
    expect(parse(full)).toEqual({ ...full, source: "billing" });
  });
});

describe("the conversion contract", () => {
  it.each([
    ["no external event id", sale({ externalEventId: undefined }), "externalEventId: a conversion needs"],
    ["no amount", sale({ sale: undefined }), "sale: a conversion needs one"],
    ["an amount of zero", sale({ sale: { minorUnits: 0, currency: "USD" } }), "sale.minorUnits: expected more than 0"],
    ["a negative amount", sale({ sale: { minorUnits: -1, currency: "USD" } }), "sale.minorUnits: expected more than 0"],
    ["cents with a fraction", sale({ sale: { minorUnits: 19.99, currency: "USD" } }), "sale.minorUnits: expected int"],
    ["an amount as text", sale({ sale: { minorUnits: "1999", currency: "USD" } }), "sale.minorUnits: expected number"],
    ["NaN", sale({ sale: { minorUnits: Number.NaN, currency: "USD" } }), "sale.minorUnits: expected number"],
    ["an unsafe integer", sale({ sale: { minorUnits: 2 ** 53, currency: "USD" } }), "sale.minorUnits: "],
    ["no currency", sale({ sale: { minorUnits: 1 } }), "sale.currency: expected string"],
    ["a currency in lower case", sale({ sale: { minorUnits: 1, currency: "usd" } }), "sale.currency: expected three"],
    [
      "a currency of four letters",
      sale({ sale: { minorUnits: 1, currency: "USDC" } }),
      "sale.currency: expected three",
    ],
    ["five decimals", sale({ sale: { minorUnits: 1, currency: "USD", decimals: 5 } }), "sale.decimals: "],
    ["negative decimals", sale({ sale: { minorUnits: 1, currency: "USD", decimals: -1 } }), "sale.decimals: "],
    ["half a decimal", sale({ sale: { minorUnits: 1, currency: "USD", decimals: 0.5 } }), "sale.decimals: "],
    ["a field of money that nobody reads", sale({ sale: { minorUnits: 1, currency: "USD", tax: 1 } }), "sale: unknown"],
    ["no name", sale({ name: undefined }), "name: expected string"],
    ["an empty name", sale({ name: "" }), "name: expected 1 to 255 characters"],
    ["no type", sale({ type: undefined }), "type: "],
    ["a type that is not the endpoint's", sale({ type: "sale" }), "type: "],
    ["no identity object", sale({ identity: undefined }), "identity: expected object"],
    ["a number for an id", sale({ identity: { customerId: 42 } }), "identity.customerId: expected string"],
    ["an interval that the endpoint has no word for", sale({ interval: "weekly" }), "interval: "],
    ["text for a flag", sale({ isSubscription: "true" }), "isSubscription: expected boolean"],
    ["one product as text", sale({ productIds: "prod" }), "productIds: expected array"],
    ["an empty product id", sale({ productIds: ["a", ""] }), "productIds.1: expected 1 to 255"],
    ["a null product id", sale({ productIds: [null] }), "productIds.0: expected string"],
  ])("refuses a conversion with %s", async (_, input, problem) => {
    expect(await problemOf(input)).toContain(problem);
  });

  it.each(["lead", "trial", "milestone"])("lets a %s be without amount and without external event id", (type) => {
    expect(parse(lead({ type }))).toEqual({ ...lead({ type }), kind: "event", source: "billing", references: {} });
  });

  it("names every problem at once", async () => {
    const problem = await problemOf(sale({ name: 1, interval: "weekly", isSubscription: 1 }));
    expect(problem).toMatch(/name: .*; interval: .*; isSubscription: /);
  });

  it("never shows a value in what it says", async () => {
    const secret = "jane@example.com";
    const wrong = sale({ type: secret, interval: secret, sale: secret, occurredAt: secret, productIds: secret });
    expect(await problemOf(wrong)).not.toContain(secret);
  });
});

describe("unknown fields", () => {
  it.each([
    ["an event", sale({ sale_amount: 1, saleAmount: 2 }), "unknown field sale_amount, saleAmount"],
    ["an identity", sale({ identity: { email: "jane@example.com" } }), "identity: unknown field email"],
    ["references", sale({ references: { order: "o" } }), "references: unknown field order"],
    ["a refund", refund({ reasons: "x" }), "unknown field reasons"],
    ["a link", link({ referral: "x" }), "unknown field referral"],
    ["a skip", { kind: "skip", reason: "unmapped", why: "x" }, "unknown field why"],
  ])("of %s are refused by name", async (_, input, problem) => {
    expect(await problemOf(input)).toBe(problem);
  });
});

describe("a refund", () => {
  it.each([
    ["external event id", refund({ externalEventId: undefined }), "externalEventId: expected string"],
    ["business key", refund({ businessKey: undefined }), "businessKey: expected string"],
    ["amount", refund({ amount: undefined }), "amount: expected object"],
  ])("needs its %s", async (_, input, problem) => {
    expect(await problemOf(input)).toBe(problem);
  });

  it("needs an amount above zero", async () => {
    expect(await problemOf(refund({ amount: { minorUnits: 0, currency: "USD" } }))).toContain("amount.minorUnits");
  });
});

describe("a link", () => {
  it("may lack the referral, and never what it links", async () => {
    expect(parse(link({ referralId: null }))).toMatchObject({ referralId: undefined });
    expect(await problemOf(link({ references: undefined }))).toBe("references: expected object");
  });
});

describe("a skip", () => {
  it("needs a reason from the list", async () => {
    expect(await problemOf({ kind: "skip", reason: "because" })).toContain("reason: ");
    expect(await problemOf({ kind: "skip" })).toContain("reason: ");
  });
});

describe("an identity", () => {
  it.each([
    ["null", null],
    ["undefined", undefined],
    ["an empty string", ""],
    ["white space", " \t"],
  ])("takes %s for an id that is absent", (_, absent) => {
    const identity = { referralId: absent, customerId: absent, externalUserId: absent, clickId: absent };
    const event = parse(lead({ identity, references: { customer: absent } }));
    const parsed = event.kind === "event" ? event : expect.fail("not an event");
    expect(hasIdentity(parsed.identity)).toBe(false);
    expect(parsed.references.customer).toBeUndefined();
  });

  it.each(["referralId", "customerId", "externalUserId", "clickId"])("names somebody by %s alone", (key) => {
    const event = parse(lead({ identity: { [key]: "x" } }));
    expect(event.kind === "event" && hasIdentity(event.identity)).toBe(true);
  });

  it("keeps an id byte for byte", () => {
    for (const id of [" padded ", "cafe\u0301", "caf\u00e9", "日本", "😀"]) {
      expect(parse(lead({ identity: { customerId: id } }))).toMatchObject({ identity: { customerId: id } });
    }
  });
});

describe("an id", () => {
  it.each([
    ["a NUL", "a\0b"],
    ["a line feed at its end", "a\n"],
    ["a carriage return", "a\rb"],
    ["a tab", "a\tb"],
    ["an escape", "a\u001bb"],
    ["a C1 control", "a\u0085b"],
    ["a high surrogate alone", "a\ud83d"],
    ["a low surrogate alone", "\ude00a"],
    ["a line separator", "a\u2028b"],
    ["a paragraph separator at its end", "a\u2029"],
    ["256 characters", "a".repeat(256)],
  ])("may not have %s", async (_, id) => {
    expect(ID_PATTERN.test(id)).toBe(false);
    expect(await problemOf(sale({ externalEventId: id }))).toContain("externalEventId: expected 1 to 255 characters");
    expect(await problemOf(sale({ identity: { customerId: id } }))).toContain("identity.customerId: expected 1 to 255");
    expect(await problemOf(sale({ productIds: [id] }))).toContain("productIds.0: expected 1 to 255");
    expect(await problemOf(sale({ references: { invoice: id } }))).toContain("references.invoice: expected 1 to 255");
  });

  it("may have 255 characters, counted as people count them", () => {
    for (const id of ["a".repeat(255), "😀".repeat(255)]) {
      expect(parse(sale({ externalEventId: id }))).toMatchObject({ externalEventId: id });
    }
  });
});

describe("when it happened", () => {
  it.each([
    ["a Date", new Date(1_767_225_600_123), "2026-01-01T00:00:00.123Z"],
    ["UTC", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z"],
    ["an offset", "2026-01-01T01:30:00+01:30", "2026-01-01T00:00:00.000Z"],
    ["microseconds", "2026-01-01T00:00:00.123456Z", "2026-01-01T00:00:00.123Z"],
    ["a leap day", "2024-02-29T12:00:00Z", "2024-02-29T12:00:00.000Z"],
  ])("is kept in UTC where it came as %s", (_, occurredAt, kept) => {
    expect(parse(sale({ occurredAt }))).toMatchObject({ occurredAt: kept });
  });

  it.each([
    ["an invalid Date", new Date(Number.NaN)],
    ["no zone", "2026-01-01T00:00:00"],
    ["no time", "2026-01-01"],
    ["a day that never was", "2025-02-29T00:00:00Z"],
    ["the thirteenth month", "2026-13-01T00:00:00Z"],
    ["unix seconds", 1_767_225_600],
    ["unix seconds as text", "1767225600"],
    ["another format", "Thu, 01 Jan 2026 00:00:00 GMT"],
    ["an empty string", ""],
    ["null", null],
  ])("is refused as %s", async (_, occurredAt) => {
    expect(await problemOf(sale({ occurredAt }))).toMatch(/^occurredAt: [^;]+$/);
  });

  it.each(["2026-01-01T00:00:00", "2026-01-01T00:00:00.000", "2026-01-01 00:00:00", "2026-01-01"])(
    "is refused without a zone, and the message says that one is missing: %s",
    async (occurredAt) => {
      const problem = "occurredAt: expected a Date or ISO 8601 text with its zone";
      expect(await problemOf(sale({ occurredAt }))).toBe(problem);
      expect(await problemOf(refund({ occurredAt }))).toBe(problem);
    },
  );
});

describe("metadata", () => {
  it.each([
    ["a Date", new Date(0)],
    ["a bigint", 1n],
    ["a function", () => 1],
    ["undefined", undefined],
    ["NaN", Number.NaN],
    ["infinity", Number.POSITIVE_INFINITY],
    ["a Map", new Map()],
    ["a symbol", Symbol("x")],
  ])("is refused with %s in it, which JSON cannot say", async (_, value) => {
    expect(await problemOf(sale({ metadata: { nested: value } }))).toContain("metadata.nested");
    expect(await problemOf(sale({ metadata: { list: [{ deep: value }] } }))).toContain("metadata.list");
  });

  it.each([[[1]], ["text"], [null], [42]])("is refused where it is no object (%#)", async (metadata) => {
    expect(await problemOf(sale({ metadata }))).toContain("metadata");
  });

  const nest = { objects: (inner: object) => ({ inner }), lists: (inner: object) => [inner] };
  const nested = (levels: number, around: (inner: object) => object) => {
    let metadata: object = {};
    for (let level = 2; level < levels; level++) metadata = around(metadata);
    return { metadata };
  };

  it.each(Object.entries(nest))("may be nested sixteen levels deep, in %s, and no deeper", async (_, around) => {
    const sixteen = { metadata: nested(16, around) };
    expect(parse(sale(sixteen))).toMatchObject(sixteen);
    for (const levels of [17, 1_000, 100_000]) {
      const tooDeep = { metadata: nested(levels, around) };
      expect(await problemOf(sale(tooDeep))).toBe("metadata: expected an object of at most 16 levels");
      expect(await problemOf(refund(tooDeep))).toBe("metadata: expected an object of at most 16 levels");
    }
  });

  it("that contains itself is refused", async () => {
    const metadata: Record<string, unknown> = {};
    metadata["itself"] = metadata;
    expect(await problemOf(sale({ metadata }))).toBe("metadata: expected an object of at most 16 levels");
  });

  it("with __proto__ in it changes no prototype", () => {
    const hostile =
      '{"__proto__":{"polluted":1},"a":{"__proto__":{"polluted":1}},"constructor":{"prototype":{"polluted":1}}}';
    const event = parse(sale({ metadata: JSON.parse(hostile) }));
    const metadata = (event as { metadata?: Record<string, object> }).metadata ?? expect.fail("no metadata");
    expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype);
    expect(Reflect.get(metadata, "polluted")).toBeUndefined();
    expect(Reflect.get(metadata["a"] ?? {}, "polluted")).toBeUndefined();
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  });

  it("is another object than the adapter's, so that neither changes the other", () => {
    const metadata = { list: [1] };
    const event = parse(sale({ metadata }));
    metadata.list.push(2);
    expect(event).toMatchObject({ metadata: { list: [1] } });
  });
});

describe("what is no record", () => {
  it.each([
    [null, "null"],
    [undefined, "undefined"],
    ["jane@example.com", "a string"],
    [42, "a number"],
  ])("is refused (%#)", async (input, words) => {
    expect(await problemOf(input as never)).toBe(`expected an object, got ${words}`);
  });
});

describe("parseEvent", () => {
  it("finds an event that it has checked before as it was", () => {
    const once = parse(sale({ occurredAt: new Date(0), identity: { customerId: " ", clickId: "k" }, metadata: {} }));
    expect(parseEvent(once, "billing")).toEqual(once);
  });

  it.each([
    ["a refund", { ...refund(), source: "billing", references: {} }],
    ["a list", [sale()]],
    ["an event without source", sale()],
    ["a conversion that lost its amount", { ...sale(), source: "billing", sale: undefined }],
  ])("refuses %s", async (_, input) => {
    expect((await failureOf(() => parseEvent(input, "billing"))).code).toBe("invalid_event");
  });
});
