import type * as z from "zod/mini";
import { isPlainObject } from "./objects.js";

/** What a reader answers where zod has to say whether a value is right, and what is wrong with it. */
const UNSURE = Symbol("unsure");

/** What a schema makes of a value that is plainly right. */
type Reader = (value: unknown) => unknown;

/** Each made at its schema's first use, since an import should cost nothing. */
const readers = new WeakMap<z.core.$ZodType, Reader>();

/**
 * What zod makes of a value, where that is plainly right in a fraction of its time, most of which goes into lists of
 * issues and into copies. Whatever else comes is left to zod, so that the schema stays the one set of rules.
 *
 * It differs from zod in one thing: lists and objects in which nothing has to be changed are handed on as they are, and
 * not as copies. Records are copied.
 *
 * @see https://zod.dev/library-authors on walking a schema by `_zod.def`
 */
export function quickParse<Schema extends z.ZodMiniType>(
  schema: Schema,
  value: unknown,
): z.core.util.SafeParseResult<z.output<Schema>> {
  let read = readers.get(schema);
  if (read === undefined) {
    read = readerOf(schema);
    readers.set(schema, read);
  }
  const known = read(value);
  return known === UNSURE ? schema.safeParse(value) : { success: true, data: known as z.output<Schema> };
}

function readerOf(schema: z.core.$ZodType): Reader {
  // Nothing here waits: what answers later is for zod.
  const read = typeReader(schema as z.core.$ZodTypes, (value) =>
    settled(schema._zod.parse({ value, issues: [] }, { async: false })),
  );
  return checksOf(schema).map(checkReader).reduce(inTurn, read);
}

/** Some schemas are their own check. */
function checksOf(schema: z.core.$ZodType): readonly z.core.$ZodCheck<never>[] {
  const { checks = [] } = schema._zod.def;
  return isCheck(schema) ? [schema, ...checks] : checks;
}

function isCheck(schema: z.core.$ZodType): schema is z.core.$ZodType & z.core.$ZodCheck<never> {
  return schema._zod.traits.has("$ZodCheck");
}

function checkReader({ _zod: { def, check } }: z.core.$ZodCheck<never>): Reader {
  const { format, pattern, when } = def as z.core.$ZodCheckRegexDef;
  if (format === "regex") {
    return (value) => {
      // A global one goes on where it found something.
      pattern.lastIndex = 0;
      return pattern.test(value as string) ? value : UNSURE;
    };
  }
  return (value) => {
    const payload = { value: value as never, issues: [] };
    if (when?.(payload) === false) return value;
    return settled(check(payload) ?? payload);
  };
}

function settled(payload: z.core.ParsePayload | Promise<unknown>): unknown {
  return "value" in payload && payload.issues.length === 0 ? payload.value : UNSURE;
}

/**
 * Reads by the type alone, without the schema's checks.
 *
 * @param ask - How zod does that: for types that it is quick with or that are seldom, and for what is seldom of the others.
 */
function typeReader({ _zod: { def, values } }: z.core.$ZodTypes, ask: Reader): Reader {
  switch (def.type) {
    case "string":
      return (value) => (typeof value === "string" ? value : UNSURE);
    case "number":
      return (value) => (Number.isFinite(value) ? value : UNSURE);
    case "literal":
    case "enum":
      return (value) => (values?.has(value as never) ? value : UNSURE);
    case "custom":
    case "unknown":
      return (value) => value;
    case "nullable":
    case "optional":
    case "default": {
      const read = readerOf(def.innerType);
      return (value) => (value === undefined || value === null ? ask(value) : read(value));
    }
    case "pipe":
      return inTurn(readerOf(def.in), readerOf(def.out));
    case "union":
      return firstOf(def.options, ask);
    case "array":
      return listReader(readerOf(def.element));
    case "object":
      // Without a rule for other keys, zod drops them.
      return def.catchall === undefined ? ask : objectReader(def.shape, def.catchall);
    default:
      return ask;
  }
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
  /** Whether an object that has not the key gets one. */
  readonly fills: boolean;
}

function fieldOf(key: string, schema: z.core.$ZodType, keepsNull = false, keepsUndefined = false): Field {
  const { def, optin, optout } = (schema as z.core.$ZodTypes)._zod;
  const isBare = checksOf(schema).length === 0;
  if (isBare && def.type === "optional" && optin === "optional") {
    return fieldOf(key, def.innerType, keepsNull, true);
  }
  if (isBare && def.type === "nullable") return fieldOf(key, def.innerType, true, keepsUndefined);
  return {
    key,
    keepsNull,
    keepsUndefined,
    keepsText: isBare && def.type === "string",
    read: readerOf(schema),
    fills: optin !== undefined && optout === undefined,
  };
}

function objectReader(shape: z.core.$ZodShape, catchall: z.core.$ZodType): Reader {
  const fields = Object.entries(shape).map(([key, schema]) => fieldOf(key, schema));
  const readOther = catchall._zod.def.type === "unknown" ? undefined : readerOf(catchall);
  return (value) => {
    // The one key that zod drops, since it may replace a prototype.
    if (!isPlainObject(value) || Object.hasOwn(value, "__proto__")) return UNSURE;
    let object = value;
    for (const field of fields) {
      const { key } = field;
      const before = value[key];
      if (before === undefined) {
        if (field.keepsUndefined) continue;
        if (!field.fills) return UNSURE;
      } else if (before === null ? field.keepsNull : field.keepsText && typeof before === "string") continue;
      const after = field.read(before);
      if (after === UNSURE) return UNSURE;
      if (after === before) continue;
      if (object === value) object = { ...value };
      object[key] = after;
    }
    if (readOther === undefined) return object;
    for (const key in value) {
      if (Object.hasOwn(shape, key)) continue;
      const after = readOther(value[key]);
      if (after === UNSURE) return UNSURE;
      if (object === value) object = { ...value };
      object[key] = after;
    }
    return object;
  };
}
