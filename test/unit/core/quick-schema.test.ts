import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import * as z from "zod/mini";
import { listOf, quick } from "../../../src/payload-schema.js";
import { quickParse } from "../../../src/quick-schema.js";

/** What a schema makes of a value without zod's help; UNSURE where zod was asked. */
function readAlone(schema: z.ZodMiniType, value: unknown): unknown {
  const byZod = vi.spyOn(schema, "safeParse").mockReturnValue({ success: true, data: UNSURE });
  try {
    return quickParse(schema, value).data;
  } finally {
    byZod.mockRestore();
  }
}

const UNSURE = Symbol("zod was asked");

/** A schema, and values of which most are right for it. */
interface Case {
  readonly schema: z.ZodMiniType;
  readonly values: fc.Arbitrary<unknown>;
}

const ODD = fc.constantFrom(
  undefined,
  null,
  "",
  " ",
  0,
  -0,
  1.5,
  Number.NaN,
  2 ** 60,
  true,
  [],
  {},
  { id: "a" },
  "b",
  [1],
);
const often = (values: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 30, arbitrary: values }, { weight: 1, arbitrary: ODD });

const LEAVES: readonly Case[] = [
  { schema: z.string(), values: fc.string() },
  { schema: z.string().check(z.regex(/^[ab]+$/)), values: fc.stringMatching(/^[ab]{1,3}$/) },
  { schema: z.string().check(z.minLength(2)), values: fc.string({ minLength: 1 }) },
  { schema: z.iso.datetime({ offset: true }), values: fc.constantFrom("2026-01-02T03:04:05Z", "2026-13-02T03:04:05Z") },
  { schema: z.number(), values: fc.double() },
  { schema: z.int().check(z.gte(0)), values: fc.integer({ min: -1 }) },
  { schema: z.boolean(), values: fc.boolean() },
  { schema: z.null(), values: fc.constant(null) },
  { schema: z.unknown(), values: fc.anything() },
  { schema: z.literal(["a", 1]), values: fc.constantFrom("a", 1, "c") },
  { schema: z.enum(["a", "b"]), values: fc.constantFrom("a", "b", "c") },
  { schema: z.date(), values: fc.date({ noInvalidDate: false }) },
  { schema: z.custom((value) => value !== "b"), values: fc.string() },
  { schema: z._default(z.string(), "none"), values: fc.option(fc.string(), { nil: undefined }) },
  { schema: z.record(z.string(), z.json()), values: fc.dictionary(fc.string(), fc.jsonValue()) },
  { schema: z.json(), values: fc.jsonValue() },
  {
    schema: z.catchall(z.object({ a: z.optional(z.string()) }), z.union([z.string(), z.json()])),
    values: fc.dictionary(fc.constantFrom("a", "b", "toString"), fc.jsonValue()),
  },
];

function objectOf(inner: fc.Arbitrary<Case>): fc.Arbitrary<Case> {
  const field = fc.record({ of: inner, presence: fc.constantFrom("required", "optional", "nullish") });
  return fc.tuple(fc.dictionary(fc.constantFrom("a", "b", "c", "d"), field), fc.boolean()).map(([fields, isLoose]) => {
    const entries = Object.entries(fields);
    const shape = Object.fromEntries(
      entries.map(([key, { of, presence }]) => [
        key,
        presence === "required" ? of.schema : presence === "optional" ? z.optional(of.schema) : z.nullish(of.schema),
      ]),
    );
    const values = Object.fromEntries(entries.map(([key, { of }]) => [key, often(of.values)]));
    const required = entries.flatMap(([key, { presence }]) => (presence === "required" ? [key] : []));
    const others = fc.oneof({ weight: 9, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: fc.constant({ z: 1 }) });
    return {
      schema: isLoose ? z.looseObject(shape) : z.strictObject(shape),
      values: fc
        .tuple(fc.record(values, { requiredKeys: required }), others)
        .map(([own, more]) => ({ ...own, ...more })),
    };
  });
}

const { schemas } = fc.letrec<{ schemas: Case }>((tie) => ({
  schemas: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.constantFrom(...LEAVES),
    objectOf(tie("schemas")),
    tie("schemas").map(({ schema, values }) => ({
      schema: listOf(schema),
      values: fc.array(often(values), { maxLength: 3 }),
    })),
    fc.tuple(tie("schemas"), tie("schemas")).map(([one, other]) => ({
      schema: z.union([one.schema, other.schema]),
      values: fc.oneof(one.values, other.values),
    })),
    tie("schemas").map(({ schema, values }) => ({
      schema: z.pipe(
        z.nullish(schema),
        z.transform((value) => value ?? "nothing"),
      ),
      values,
    })),
    tie("schemas").map(({ schema, values }) => ({
      schema: schema.check(z.refine((value) => value !== "b")),
      values,
    })),
  ),
}));

describe("a reader of a schema", () => {
  it("answers what zod would, or leaves it to zod", () => {
    let known = 0;
    fc.assert(
      fc.property(
        schemas.chain(({ schema, values }) =>
          fc.tuple(fc.constant(schema), fc.array(often(values), { minLength: 5, maxLength: 5 })),
        ),
        ([schema, values]) => {
          for (const value of values) {
            const answer = readAlone(schema, value);
            if (answer === UNSURE) continue;
            known++;
            expect(z.safeParse(schema, value)).toEqual({ success: true, data: answer });
          }
        },
      ),
      { numRuns: 2_000 },
    );
    // Most values are right: a reader that is never sure would be of no use, and would pass.
    expect(known).toBeGreaterThan(2_000);
  });

  // Made twice on each level, it would be made a million million times here.
  it("is made once for each schema, however deep it lies", () => {
    let schema: z.ZodMiniType = z.string();
    let value: unknown = "text";
    for (let level = 0; level < 40; level++) {
      schema = z.looseObject({ inner: z.nullish(schema) });
      value = { inner: value };
    }
    expect(readAlone(schema, value)).toBe(value);
  });

  it("hands on a list or an object in which nothing has to be changed, and copies one with a rule for other keys", () => {
    const list = z.array(z.looseObject({ id: z.string(), parent: z.nullish(z.strictObject({ id: z.string() })) }));
    const value = [{ id: "a", more: {}, parent: { id: "b" } }];
    expect(readAlone(list, value)).toBe(value);
    const record = { key: "value" };
    const copy = readAlone(z.catchall(z.object({}), z.json()), record);
    expect([copy, copy === record]).toEqual([record, false]);
  });

  it("changes nothing in what it is given", () => {
    const trimmed = z.pipe(
      z.string(),
      z.transform((text) => text.trim()),
    );
    const value = { list: [{ id: " a " }], id: " b " };
    const schema = z.looseObject({ list: z.array(z.looseObject({ id: trimmed })), id: trimmed });
    expect(readAlone(schema, value)).toEqual({ list: [{ id: "a" }], id: "b" });
    expect(value).toEqual({ list: [{ id: " a " }], id: " b " });
  });

  it.each([
    ["checks that answer later", z.string().check(z.refine(async () => false)), "text"],
    ["records with rules for their keys", z.record(z.enum(["a"]), z.string()), { b: "text" }],
  ])("leaves %s to zod", (_, schema, value) => {
    expect(readAlone(schema, value)).toBe(UNSURE);
  });

  it("does without trying what a transform makes of nothing, where that throws", () => {
    const schema = z.looseObject({
      price: z.optional(
        z.pipe(
          z.custom<{ id: string }>(),
          z.transform((price) => price.id),
        ),
      ),
    });
    expect(readAlone(schema, { price: { id: "price_1" } })).toEqual({ price: "price_1" });
  });

  it.each([
    ["a key of an object's prototype", z.looseObject({}), JSON.parse('{"__proto__":{"polluted":1}}')],
    ["a key of a record's prototype", z.record(z.string(), z.json()), JSON.parse('{"__proto__":{"polluted":1}}')],
    ["such a key where no other may be", z.strictObject({}), JSON.parse('{"__proto__":{"polluted":1}}')],
  ])("lets %s pollute nothing", (_, schema, value) => {
    readAlone(schema, value);
    quick(schema)["~standard"].validate(value);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  });
});

describe("a quick schema", () => {
  const schema = z.looseObject({ amount: z.int(), items: listOf(z.looseObject({ id: z.string() })) });

  it.each([
    { amount: 1.5, items: [] },
    { amount: 1, items: [{ id: 1 }] },
    { amount: 1, items: Array.from({ length: 1_001 }, () => ({ id: "a" })) },
    null,
  ])("finds the faults that zod finds: case %#", (value) => {
    expect(quick(schema)["~standard"].validate(value)).toEqual(schema["~standard"].validate(value));
  });
});
