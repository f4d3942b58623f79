import * as z from "zod/mini";
import type { StandardSchemaV1 } from "./adapter.js";

/** What a reader answers where zod has to say whether a value is right, and what is wrong with it. */
export const UNSURE = Symbol("unsure");

/** What a schema makes of a value that is plainly right. */
type Reader = (value: unknown) => unknown;

/**
 * What a schema makes of a value that is plainly right, in a fraction of zod's time, most of which goes into lists of
 * issues and into copies. Whatever else comes is left to zod, so that the schema stays the one set of rules.
 *
 * It differs from zod in one thing: lists and objects in which nothing has to be changed are handed on as they are, and
 * not as copies. Records are copied.
 *
 * @see https://zod.dev/library-authors on walking a schema by `_zod.def`
 */
export function createReader<Schema extends z.ZodMiniType>(
  schema: Schema,
): (value: unknown) => z.output<Schema> | typeof UNSURE {
  let read: Reader | undefined;
  return (value) => {
    // At the first use, since an import should cost nothing.
    read ??= readerOf(schema);
    return read(value) as z.output<Schema> | typeof UNSURE;
  };
}

/** The schema of a payload, asked only where {@link createReader} is unsure. */
export function quick<Schema extends z.ZodMiniType>(
  schema: Schema,
): StandardSchemaV1<z.input<Schema>, z.output<Schema>> {
  const read = createReader(schema);
  return {
    "~standard": {
      version: 1,
      vendor: "zod",
      validate(value) {
        const known = read(value);
        return known === UNSURE ? schema["~standard"].validate(value) : { value: known };
      },
    },
  };
}

/**
 * A list whose length is looked at before its items are: zod makes an issue of each part that is wrong, and a megabyte
 * has 100,000 of them.
 */
export function listOf<Item extends z.ZodMiniType>(item: Item) {
  const isShort = (value: unknown) => Array.isArray(value) && value.length <= 1_000;
  return z.pipe(z.custom<z.input<Item>[]>(isShort, "expected a list of at most 1000"), z.array(item));
}

/** Each is made once: a field asks for that of its schema and for that of what its schema wraps. */
const readers = /* @__PURE__ */ new WeakMap<z.core.$ZodType, Reader>();

function readerOf(schema: z.core.$ZodType): Reader {
  const made = readers.get(schema) ?? makeReader(schema);
  readers.set(schema, made);
  return made;
}

function makeReader(schema: z.core.$ZodType): Reader {
  const ask: Reader = (value) => settled(schema._zod.run({ value, issues: [] }, { async: false }));
  const read = typeReader(schema as z.core.$ZodTypes, ask);
  const checks = checksOf(schema);
  if (read === ask || checks.length === 0) return read;
  // Which checks run at all, only zod knows.
  return checks.some((check) => check._zod.def.when) ? ask : checks.map(checkReader).reduce(inTurn, read);
}

/** Some schemas are their own check. */
function checksOf(schema: z.core.$ZodType): readonly z.core.$ZodCheck<never>[] {
  const { checks = [] } = schema._zod.def;
  return isCheck(schema) ? [schema, ...checks] : checks;
}

function isCheck(schema: z.core.$ZodType): schema is z.core.$ZodType & z.core.$ZodCheck<never> {
  return schema._zod.traits.has("$ZodCheck");
}

/** Nearly all checks are patterns or functions, which need no list of issues to pass. */
function checkReader(check: z.core.$ZodCheck<never>): Reader {
  const def = check._zod.def as z.core.$ZodCheckRegexDef | z.core.$ZodCustomDef;
  if (def.check === "string_format" && isPattern(def)) {
    const { pattern } = def;
    return (value) => {
      // A global one goes on where it found something.
      pattern.lastIndex = 0;
      return pattern.test(value as string) ? value : UNSURE;
    };
  }
  if (def.check === "custom") return (value) => (def.fn(value) === true ? value : UNSURE);
  return (value) => {
    const payload = { value: value as never, issues: [] };
    return check._zod.check(payload) instanceof Promise ? UNSURE : settled(payload);
  };
}

/** Formats that are their pattern and nothing else. */
function isPattern({ format, pattern }: { readonly format?: unknown; readonly pattern?: RegExp | undefined }): boolean {
  return pattern !== undefined && (format === "regex" || format === "datetime");
}

function settled(payload: z.core.ParsePayload | Promise<unknown>): unknown {
  return "value" in payload && payload.issues.length === 0 ? payload.value : UNSURE;
}

/** Reads by the type alone, without the schema's checks; where the type is none of these, zod is asked for all of it. */
function typeReader(schema: z.core.$ZodTypes, ask: Reader): Reader {
  const { def } = schema._zod;
  switch (def.type) {
    case "string":
      return "format" in def && !isPattern(def) ? ask : (value) => (typeof value === "string" ? value : UNSURE);
    case "number":
      return (value) => (Number.isFinite(value) ? value : UNSURE);
    case "boolean":
      return (value) => (typeof value === "boolean" ? value : UNSURE);
    case "literal":
    case "enum": {
      const values: ReadonlySet<unknown> = schema._zod.values ?? new Set();
      return (value) => (values.has(value) ? value : UNSURE);
    }
    case "custom":
    case "unknown":
      return (value) => value;
    case "nullable":
      return unless(null, readerOf(def.innerType));
    case "optional":
      // What has a default has it here as well.
      return def.innerType._zod.optin === "defaulted" ? ask : unless(undefined, readerOf(def.innerType));
    case "default": {
      const read = readerOf(def.innerType);
      return (value) => (value === undefined ? def.defaultValue : read(value));
    }
    case "transform":
      return (value) => {
        const payload = { value, issues: [] };
        const result: unknown = def.transform(value, payload);
        return payload.issues.length > 0 || result instanceof Promise ? UNSURE : result;
      };
    case "pipe":
      return inTurn(readerOf(def.in), readerOf(def.out));
    case "union":
      return firstOf(def.options, ask);
    case "array":
      return listReader(readerOf(def.element));
    case "object":
      return objectReader(def) ?? ask;
    case "record":
      return isText(def.keyType) ? recordReader(readerOf(def.valueType)) : ask;
    default:
      return ask;
  }
}

function unless(none: null | undefined, read: Reader): Reader {
  return (value) => (value === none ? value : read(value));
}

function inTurn(first: Reader, second: Reader): Reader {
  return (value) => {
    const between = first(value);
    return between === UNSURE ? UNSURE : second(between);
  };
}

/** Zod takes the first option that fits: of one behind it, only zod can say that those before it do not. */
function firstOf([option]: readonly z.core.$ZodType[], ask: Reader): Reader {
  const read = option === undefined ? ask : readerOf(option);
  return (value) => {
    const result = read(value);
    return result === UNSURE ? ask(value) : result;
  };
}

function listReader(read: Reader): Reader {
  return (value) => {
    if (!Array.isArray(value)) return UNSURE;
    let list: unknown[] = value;
    for (let at = 0; at < value.length; at++) {
      const item = read(value[at]);
      if (item === UNSURE) return UNSURE;
      if (item === value[at]) continue;
      if (list === value) list = [...value];
      list[at] = item;
    }
    return list;
  };
}

interface Field {
  readonly key: string;
  /** Most fields of most webhooks are null, absent or text: these stay as they are, and nothing has to be called. */
  readonly keepsNull: boolean;
  readonly keepsUndefined: boolean;
  readonly keepsText: boolean;
  readonly read: Reader;
  /** What becomes of an object that has not the key. */
  readonly absent: "refused" | "left out" | "read";
}

function fieldOf(key: string, schema: z.core.$ZodType): Field {
  const whole = readerOf(schema);
  const { optin, optout } = schema._zod;
  const absent = optin === undefined ? "refused" : optin === "optional" && optout === "optional" ? "left out" : "read";
  const keepsNull = keeps(whole, null);
  const keepsUndefined = absent === "left out" && keeps(whole, undefined);
  const core = coreOf(schema, keepsNull, keepsUndefined);
  return { key, keepsNull, keepsUndefined, keepsText: isText(core), read: readerOf(core), absent };
}

function keeps(read: Reader, value: null | undefined): boolean {
  try {
    return read(value) === value;
  } catch {
    // A transform that does not expect it.
    return false;
  }
}

/** What a field's schema says of all that is kept without it. */
function coreOf(schema: z.core.$ZodType, keepsNull: boolean, keepsUndefined: boolean): z.core.$ZodType {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  const isWrapper = (def.type === "nullable" && keepsNull) || (def.type === "optional" && keepsUndefined);
  return isWrapper && !def.checks?.length ? coreOf(def.innerType, keepsNull, keepsUndefined) : schema;
}

/** Whether any text will do. */
function isText({ _zod: { def } }: z.core.$ZodType): boolean {
  return def.type === "string" && !("format" in def) && !def.checks?.length;
}

function objectReader(def: z.core.$ZodObjectDef): Reader | undefined {
  const others = def.catchall?._zod.def.type;
  if (others !== "unknown" && others !== "never") return undefined;
  const read = fieldsReader(Object.entries(def.shape).map(([key, schema]) => fieldOf(key, schema)));
  if (others === "unknown") return read;
  const keys = new Set(Object.keys(def.shape));
  return (value) => {
    const object = read(value);
    if (object !== UNSURE) for (const key in object) if (!keys.has(key)) return UNSURE;
    return object;
  };
}

function fieldsReader(fields: readonly Field[]): (value: unknown) => Record<string, unknown> | typeof UNSURE {
  return (value) => {
    if (!isPlainObject(value)) return UNSURE;
    let object = value;
    for (const field of fields) {
      const { key } = field;
      const before = value[key];
      if (before === undefined) {
        if (field.keepsUndefined) continue;
        if (field.absent !== "read" && !(key in value)) {
          if (field.absent === "refused") return UNSURE;
          continue;
        }
      } else if (before === null ? field.keepsNull : field.keepsText && typeof before === "string") continue;
      const after = field.read(before);
      if (after === UNSURE) return UNSURE;
      if (after === before) continue;
      if (object === value) object = { ...value };
      object[key] = after;
    }
    return object;
  };
}

/** A flat one of keys that are plain text: a copy, since the app has the other. */
function recordReader(read: Reader): Reader {
  return (value) => {
    if (!isPlainObject(value)) return UNSURE;
    const keys = Object.keys(value);
    if (keys.length !== Reflect.ownKeys(value).length) return UNSURE;
    const record: Record<string, unknown> = {};
    for (const key of keys) {
      const item = read(value[key]);
      if (item === UNSURE || (typeof item === "object" && item !== null)) return UNSURE;
      record[key] = item;
    }
    return record;
  };
}

/** As JSON and literals make them, and without the one key that zod drops, since it may replace a prototype. */
function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  return Object.getPrototypeOf(value) === Object.prototype && !Object.hasOwn(value, "__proto__");
}
