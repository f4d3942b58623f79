import * as z from "zod/mini";
import { describeIssues, describeType, RelayError, type SchemaIssue } from "./errors.js";
import type { Money } from "./money.js";

/** What any id may look like: one line of 1 to 255 characters. */
export const ID_PATTERN = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]{1,255}$/u;

const id = z.string().check(z.regex(ID_PATTERN, "expected 1 to 255 characters, none of them a control character"));

const TIME = "expected a Date or ISO 8601 text with a time zone";

/** A timestamp as a `Date` or as ISO 8601 text with its zone; kept as ISO 8601 text in UTC. */
const timestamp = z.pipe(
  z.union([z.date(TIME), z.iso.datetime({ offset: true, error: TIME })], TIME),
  z.transform((value) => new Date(value).toISOString()),
);

const money = z.strictObject({
  minorUnits: z.int(),
  currency: z.string().check(z.regex(/^[A-Z]{3}$/, "expected three upper-case letters (ISO 4217)")),
  decimals: z.optional(z.int().check(z.gte(0), z.lte(4))),
});

const positiveMoney = money.check(
  z.refine((value) => value.minorUnits > 0, {
    path: ["minorUnits"],
    message: "expected more than 0; answer nothing for a sale of 0",
  }),
);

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
  z
    .custom<Record<string, unknown>>((value) => typeof value === "object" && value !== null, "expected an object")
    // Before anything walks it: a value that is nested by the thousand ends in a stack overflow.
    .check(
      z.refine((value) => depthWithin(value, MAX_METADATA_DEPTH), `nested deeper than ${MAX_METADATA_DEPTH} levels`),
    ),
  z.record(z.string(), z.json()),
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
    sale: z.optional(positiveMoney),
    /** What was paid for the sale where that is another amount, tax included say: refunds are measured against it. */
    paid: z.optional(positiveMoney),
    productIds: z.optional(z.array(id)),
    priceIds: z.optional(z.array(id)),
    interval: z.optional(z.enum(["monthly", "yearly"])),
    isSubscription: z.optional(z.boolean()),
    metadata: z.optional(metadata),
  })
  .check(
    z.refine((event) => event.type !== "conversion" || event.externalEventId !== undefined, {
      path: ["externalEventId"],
      message: "a conversion needs the upstream webhook's id",
    }),
    z.refine((event) => event.type !== "conversion" || event.sale !== undefined, {
      path: ["sale"],
      message: "a conversion needs its amount and currency",
    }),
  );

const refundSchema = z.strictObject({
  kind: z.literal("refund"),
  source: id,
  externalEventId: id,
  businessKey: id,
  saleKey: z.optional(id),
  references: z._default(referencesSchema, {}),
  amount: positiveMoney,
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

const SCHEMAS = { event: relayEventSchema, refund: refundSchema, link: linkSchema, skip: skipSchema };

/** Who a provider event belongs to. At least one id is needed before an event can be sent. */
export type Identity = z.output<typeof identitySchema>;

/** Ids of the provider's objects that one record speaks of, as the provider spells them. */
export type References = z.output<typeof referencesSchema>;

/** Something worth a commission: a sale, a lead, a trial or a milestone, in the kit's own words. */
export type RelayEvent = z.output<typeof relayEventSchema>;

/** Money given back for a sale, which is named by its business key or by what it refers to. */
export type Refund = z.output<typeof refundSchema>;

/** These provider objects belong together and, where it is known, to this referral. */
export type Link = z.output<typeof linkSchema>;

/** A webhook that is understood and has nothing to send, and why. */
export type Skip = z.output<typeof skipSchema>;

/** What a webhook becomes: one of four kinds, told apart by `kind`. */
export type RelayRecord = RelayEvent | Refund | Link | Skip;

type FromAdapter<T> = T extends unknown ? Omit<T, "source"> : never;

/** An event as an adapter hands it over: no `source` yet, `kind` optional, dates and empty ids as they come. */
export type RelayEventInput = FromAdapter<z.input<typeof relayEventSchema>>;

type IdentityInput = RelayEventInput["identity"];

/** An identity that names at least one id for certain; others may be undefined. */
export type NamedIdentity = {
  [Id in keyof Identity]-?: IdentityInput & { readonly [Name in Id]: string };
}[keyof Identity];

interface EventFromCodeBase
  extends Omit<RelayEventInput, "kind" | "type" | "identity" | "references" | "sale" | "paid" | "externalEventId"> {
  /** Whose it is: `referralId` from {@link referralFrom}, your `externalUserId`, `customerId` or `clickId`. */
  readonly identity: NamedIdentity;
}

/** An event that your own code sends: what {@link Relay.send} takes. */
export type EventFromCode = EventFromCodeBase &
  (
    | {
        /** What happened, as the endpoint counts it. */
        readonly type: "lead" | "trial" | "milestone";
        /** Your id of this very event, so that sending it twice counts once. @default none; with an outbox a random one */
        readonly externalEventId?: string | undefined;
      }
    | {
        /** A sale. */
        readonly type: "conversion";
        /** Your id of this very sale, such as the order's: sending it twice counts once. */
        readonly externalEventId: string;
        /** What the commission is worked out from, in minor units. */
        readonly sale: Money;
        /** What was paid, where that is another amount. @default the sale */
        readonly paid?: Money | undefined;
      }
  );

/** Any record as an adapter hands it over. */
export type RelayRecordInput = FromAdapter<z.input<(typeof SCHEMAS)[keyof typeof SCHEMAS]>>;

/**
 * Checks a record and completes it.
 *
 * @throws RelayError `invalid_event` that names each wrong field.
 */
export function parseRecord(input: RelayRecordInput, source: string): RelayRecord {
  if (typeof input !== "object" || input === null) {
    throw invalidEvent(source, [{ message: `a record must be an object, got ${describeType(input)}` }]);
  }
  const kind = input.kind ?? "event";
  if (!Object.hasOwn(SCHEMAS, kind)) {
    throw invalidEvent(source, [{ path: ["kind"], message: `expected one of ${Object.keys(SCHEMAS).join(", ")}` }]);
  }
  const result = SCHEMAS[kind].safeParse({ ...input, source });
  if (result.success) return result.data;
  throw invalidEvent(source, result.error.issues);
}

/**
 * Checks an event that the app's own code made.
 *
 * @throws RelayError `invalid_event` that names each wrong field.
 */
export function parseEventFromCode(input: EventFromCode, source: string): RelayEvent {
  const event = parseEvent({ ...input, source }, source);
  if (hasIdentity(event.identity)) return event;
  throw invalidEvent(source, [
    { path: ["identity"], message: "expected at least one id, or nobody could be credited" },
  ]);
}

/**
 * Checks an event again after the app had it in hands.
 *
 * @param by - Whose work it is, for the error message.
 */
export function parseEvent(input: unknown, by: string): RelayEvent {
  const result = relayEventSchema.safeParse(input);
  if (result.success) return result.data;
  throw invalidEvent(by, result.error.issues);
}

function depthWithin(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => depthWithin(inner, levels - 1));
}

function invalidEvent(source: string, issues: readonly SchemaIssue[]): RelayError {
  return new RelayError("invalid_event", `${source} made a record that breaks the contract: ${describeIssues(issues)}`);
}

/** Whether the event names anybody at all. */
export function hasIdentity(identity: Identity): boolean {
  return Object.values(identity).some((value) => value !== undefined);
}
