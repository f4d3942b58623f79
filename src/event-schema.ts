import * as z from "zod/mini";
import { describeIssues, describeType, RelayError, type RelayErrorCode } from "./errors.js";
import {
  type EventFromCode,
  hasIdentity,
  ID_PATTERN,
  type RelayEvent,
  type RelayRecord,
  type RelayRecordInput,
} from "./event.js";
import { isExact } from "./money.js";
import { isObject, isPlainObject } from "./objects.js";
import { quickParse } from "./quick-schema.js";

// The rules of what event.ts describes. The types are written there by hand, since the compiler keeps no comment of a type
// that it inferred, and whoever hovers over a field should read what it is; the tests hold the two together.

const id = z.string().check(z.regex(ID_PATTERN, "expected 1 to 255 characters, no control characters"));

const TIME = "expected a Date or ISO 8601 text with its zone";

/** A timestamp as a `Date` or as ISO 8601 text with its zone; kept as ISO 8601 text in UTC. */
const timestamp = z.pipe(
  z.union([z.iso.datetime({ offset: true, error: TIME }), z.date()], TIME),
  // 24 characters are that already.
  z.transform((value) =>
    typeof value === "string" && value.length === 24 && value.endsWith("Z") ? value : new Date(value).toISOString(),
  ),
);

const positiveMoney = z.strictObject({
  minorUnits: z.int().check(z.gt(0, "expected more than 0; answer nothing for a sale of 0")),
  currency: z.string().check(z.regex(/^[A-Z]{3}$/, "expected three upper-case letters (ISO 4217)")),
  decimals: z.optional(z.int().check(z.gte(0), z.lte(4))),
});

/** An amount that is sent. One that can't be written must be found before anything of its webhook is. */
const exactMoney = positiveMoney.check(z.refine(isExact, "expected no more digits than JSON can carry"));

/** Where an id is absent, providers and apps say null or an empty string as often as nothing at all. */
const optionalId = z.pipe(
  z.pipe(
    z.nullish(z.string()),
    z.transform((value: string | null | undefined) => (value?.trim() ? value : undefined)),
  ),
  z.optional(id),
);

const identitySchema = z.strictObject({
  referralId: z.optional(optionalId),
  customerId: z.optional(optionalId),
  externalUserId: z.optional(optionalId),
  clickId: z.optional(optionalId),
});

const referencesSchema = z.strictObject({
  customer: z.optional(optionalId),
  subscription: z.optional(optionalId),
  invoice: z.optional(optionalId),
  session: z.optional(optionalId),
  payment: z.optional(optionalId),
  charge: z.optional(optionalId),
  transaction: z.optional(optionalId),
});

const MAX_METADATA_DEPTH = 16;

const metadata = z.pipe(
  // Before anything walks it: a value that is nested by the thousand ends in a stack overflow.
  z.custom<Record<string, unknown>>(
    (value) => isPlainObject(value) && depthWithin(value, MAX_METADATA_DEPTH),
    `expected an object of at most ${MAX_METADATA_DEPTH} levels`,
  ),
  z.catchall(z.object({}), z.union([z.string(), z.json()])),
);

const neededForSales = (field: "externalEventId" | "sale") =>
  z.refine<Pick<RelayEvent, "type" | typeof field>>(
    (event) => event.type !== "conversion" || event[field] !== undefined,
    { path: [field], message: "a conversion needs one" },
  );

const relayEventSchema = z
  .strictObject({
    kind: z._default(z.literal("event"), "event"),
    source: id,
    name: id,
    type: z.enum(["conversion", "lead", "trial", "milestone"]),
    externalEventId: z.optional(id),
    businessKey: z.optional(id),
    identity: identitySchema,
    references: z._default(referencesSchema, {}),
    occurredAt: z.optional(timestamp),
    sale: z.optional(exactMoney),
    paid: z.optional(positiveMoney),
    productIds: z.optional(z.array(id)),
    priceIds: z.optional(z.array(id)),
    interval: z.optional(z.enum(["monthly", "yearly"])),
    isSubscription: z.optional(z.boolean()),
    metadata: z.optional(metadata),
  })
  .check(neededForSales("externalEventId"), neededForSales("sale"));

const refundSchema = z.strictObject({
  kind: z.literal("refund"),
  source: id,
  externalEventId: id,
  businessKey: id,
  saleKey: z.optional(id),
  references: z._default(referencesSchema, {}),
  amount: exactMoney,
  reason: z.optional(id),
  occurredAt: z.optional(timestamp),
  metadata: z.optional(metadata),
});

const linkSchema = z.strictObject({
  kind: z.literal("link"),
  source: id,
  referralId: z.optional(optionalId),
  references: referencesSchema,
});

const skipSchema = z.strictObject({
  kind: z.literal("skip"),
  source: id,
  reason: z.enum([
    "unmapped",
    "test_mode",
    "no_amount",
    "not_final",
    "no_referral",
    "reported_elsewhere",
    "no_identity",
    "dropped",
  ]),
  externalEventId: z.optional(id),
  message: z.optional(z.string()),
});

/** By kind; exported for the test that they say what the types say. */
export const SCHEMAS = { event: relayEventSchema, refund: refundSchema, link: linkSchema, skip: skipSchema };

/**
 * Checks a record and completes it.
 *
 * @throws RelayError `invalid_event` that names each wrong field.
 */
export function parseRecord(input: RelayRecordInput, source: string): RelayRecord {
  if (typeof input !== "object" || input === null) {
    throw new RelayError(
      "invalid_event",
      `a record of ${source} breaks the contract: expected an object, got ${describeType(input)}`,
    );
  }
  const kind = input.kind ?? "event";
  const kinds = Object.keys(SCHEMAS);
  // Not by asking for the property, which makes text of whatever it is given.
  if (!kinds.includes(kind)) {
    throw new RelayError(
      "invalid_event",
      `a record of ${source} breaks the contract: kind: expected one of ${kinds.join(", ")}`,
    );
  }
  // In this order, since adding to a copy takes longer than copying into it.
  const record = { kind, source, ...input };
  record.source = source;
  return accept<RelayRecord>(quickParse(SCHEMAS[kind], record), "invalid_event", `a record of ${source}`);
}

const eventFromCodeSchema = relayEventSchema.check(
  z.refine((event) => hasIdentity(event.identity), {
    path: ["identity"],
    message: "expected at least one id",
  }),
  // Keys are each source's own: one that a webhook's adapter makes would not be known again.
  z.refine((event) => event.businessKey === undefined, {
    path: ["businessKey"],
    message: "is for adapters; use externalEventId",
  }),
);

/**
 * Checks an event that the app's own code made.
 *
 * @throws RelayError `send_refused` that names each wrong field.
 */
export function parseEventFromCode(input: EventFromCode, source: string): RelayEvent {
  // By zod itself, which copies: the app may go on with what it gave.
  const result = eventFromCodeSchema.safeParse({ ...input, source });
  return accept(result, "send_refused", `the event given to ${source}`);
}

/**
 * Checks an event again after the app had it in hands.
 *
 * @param by - Whose work it is, for the error message.
 */
export function parseEvent(input: unknown, by: string): RelayEvent {
  return accept(quickParse(relayEventSchema, input), "invalid_event", `a record of ${by}`);
}

function accept<Output>(
  { data, error }: z.core.util.SafeParseResult<Output>,
  code: RelayErrorCode,
  what: string,
): Output {
  if (error === undefined) return data;
  throw new RelayError(code, `${what} breaks the contract: ${describeIssues(error.issues)}`);
}

function depthWithin(value: unknown, levels: number): boolean {
  if (!isObject(value)) return true;
  return levels > 0 && Object.values(value).every((inner) => depthWithin(inner, levels - 1));
}
