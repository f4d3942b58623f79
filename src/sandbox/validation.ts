import * as z from "zod/mini";
import { type FieldProblem, validationError } from "./api-error.js";
import { readIdentifiers } from "./identifiers.js";

const must = (expected: string) => ({
  error: (issue: { readonly input?: unknown }) => (issue.input === undefined ? "is required" : `must be ${expected}`),
});

const text = z.string(must("a string")).check(z.regex(/\S/, "must not be empty"));
const texts = z.array(text, must("an array of strings"));
const time = z.iso.datetime({ offset: true, ...must("an ISO 8601 timestamp with its time zone") });
const currency = z
  .string(must("a string"))
  .check(z.regex(/^[A-Za-z]{3}$/, "must be a three-letter currency code"), z.toUpperCase());
const amount = z.number(must("a finite number")).check(z.gt(0, "must be more than 0"));
const metadata = z.record(z.string(), z.unknown(), must("an object"));

const COMMISSION_STATUSES = [
  ...(["pending", "pending_manual_approval", "ready_for_payment", "processing_payout"] as const),
  ...(["paid", "declined", "refunded", "dispute"] as const),
] as const;
const SALES_STATUSES = ["open", "complete", "trialing", "failed", "refunded", "partial_refunded"] as const;
const OTHER_EVENT_TYPES = ["lead", "trial", "milestone"] as const;
const INTERVALS = ["monthly", "yearly"] as const;

const oneOf = <const T extends readonly string[]>(values: T, more = "") =>
  z.enum(values, must(`one of ${more}${values.join(", ")}`));

const identity = {
  referral_id: z.optional(text),
  customer_id: z.optional(text),
  external_user_id: z.optional(text),
  click_id: z.optional(text),
};

const matching = {
  product_ids: z.optional(texts),
  price_ids: z.optional(texts),
  interval: z.optional(oneOf(INTERVALS)),
  is_subscription: z.optional(z.boolean(must("a boolean"))),
  metadata: z.optional(metadata),
};

const event = {
  event_name: text,
  ...identity,
  occurred_at: z.optional(time),
  external_event_id: z.optional(text),
  sale_amount: z.optional(amount),
  sale_amount_currency: z.optional(currency),
  ...matching,
};

const conversionEventSchema = z.object({
  ...event,
  event_type: z.literal("conversion"),
  external_event_id: text,
  sale_amount: amount,
  sale_amount_currency: currency,
});

const otherEventSchema = z.object({
  ...event,
  event_type: z._default(oneOf(OTHER_EVENT_TYPES, "conversion, "), "milestone"),
});

const conversionSchema = z.object({
  ...identity,
  external_event_id: text,
  sale_amount: amount,
  // Not required here, unlike on /events: https://docs.affonso.io/api/endpoint/conversions/create
  sale_amount_currency: z._default(currency, "USD"),
  ...matching,
  created_at: z.optional(time),
  status: z._default(oneOf(COMMISSION_STATUSES), "pending"),
  sales_status: z._default(oneOf(SALES_STATUSES), "complete"),
});

const refundSchema = z.object({
  amount: z.optional(amount),
  currency: z.optional(currency),
  reason: z.optional(z.string(must("a string"))),
  external_event_id: z.optional(text),
  refunded_at: z.optional(time),
});

const clickSchema = z.object({ programId: text, trackingId: text, createdAt: z.optional(time) });

const signupSchema = z.object({
  click_id: text,
  email: z.optional(z.email(must("an e-mail address"))),
  external_user_id: z.optional(text),
  name: z.optional(z.string(must("a string"))),
});

/** A sale as `POST /events` takes it. */
export type ConversionEventInput = z.output<typeof conversionEventSchema>;

/** A lead, a trial or a milestone as `POST /events` takes it. */
export type OtherEventInput = z.output<typeof otherEventSchema>;

/** An event as `POST /events` takes it. */
export type EventInput = ConversionEventInput | OtherEventInput;

/** A sale as `POST /conversions` takes it. */
export type ConversionInput = z.output<typeof conversionSchema>;

/** Money given back, as `POST /conversions/{id}/refund` takes it. */
export type RefundInput = z.output<typeof refundSchema>;

/** A visit, as `POST /clicks` takes it. */
export type ClickInput = z.output<typeof clickSchema>;

/** A registration, as `POST /signups` takes it. */
export type SignupInput = z.output<typeof signupSchema>;

/** Reads an event; throws `VALIDATION_ERROR` that names every wrong field. */
export function parseEvent(body: JsonObject): EventInput {
  const { fields, problems } = readIdentifiers(body);
  return isConversion(fields)
    ? parse(conversionEventSchema, fields, problems)
    : parse(otherEventSchema, fields, problems);
}

/** Reads a conversion. */
export function parseConversion(body: JsonObject): ConversionInput {
  const { fields, problems } = readIdentifiers(body);
  return parse(conversionSchema, fields, problems);
}

/** Reads a refund. */
export function parseRefund(body: JsonObject): RefundInput {
  return parse(refundSchema, body);
}

/** Reads a click. */
export function parseClick(body: JsonObject): ClickInput {
  return parse(clickSchema, body);
}

/** Reads a signup. */
export function parseSignup(body: JsonObject): SignupInput {
  const anybody = body["email"] !== undefined || body["external_user_id"] !== undefined;
  return parse(signupSchema, body, anybody ? [] : [{ field: "email", message: "or external_user_id is required" }]);
}

/** A JSON object whose fields nobody has looked at yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

function isConversion(body: JsonObject): boolean {
  return body["event_type"] === "conversion";
}

function parse<T extends z.ZodMiniType>(
  schema: T,
  body: JsonObject,
  problems: readonly FieldProblem[] = [],
): z.output<T> {
  const result = schema.safeParse(body);
  const details = (result.error?.issues ?? []).map(({ path, message }) => ({ field: path.join("."), message }));
  if (!result.success || problems.length > 0) throw validationError([...details, ...problems]);
  return result.data;
}
