import * as z from "zod/mini";
import { RelayError } from "../../src/errors.js";
import { listOf, quick } from "../../src/payload-schema.js";

// Lenient on purpose: only what is read is declared, null and absent are the same, and unknown fields pass, so that a
// field which Paddle adds tomorrow stops no sale. https://developer.paddle.com/webhooks/about/respond-to-webhooks

const text = z.nullish(z.string());
const currency = z.string().check(z.regex(/^[a-z]{3}$/i, "expected three letters"));
/** RFC 3339: https://developer.paddle.com/api-reference/about/data-types */
const time = z.iso.datetime({ offset: true });

/** Null and absent lists are empty ones. */
function maybeListOf<Item extends z.ZodMiniType>(item: Item) {
  return z.pipe(
    z.nullish(listOf(item)),
    z.transform((items) => items ?? []),
  );
}

const billingCycle = z.looseObject({ interval: z.string(), frequency: z.number() });

const item = z.looseObject({
  price: z.nullish(z.looseObject({ id: text, product_id: text, billing_cycle: z.nullish(billingCycle) })),
});

const transaction = z.looseObject({
  id: z.string(),
  customer_id: text,
  subscription_id: text,
  discount_id: text,
  origin: text,
  currency_code: currency,
  custom_data: z.optional(z.unknown()),
  items: maybeListOf(item),
  payments: maybeListOf(z.looseObject({ status: text, captured_at: z.nullish(time) })),
  details: z.looseObject({
    totals: z.looseObject({
      // Not read here: declared for the `amount` functions of apps.
      subtotal: text,
      discount: text,
      fee: text,
      tax: z.string(),
      total: z.string(),
      credit: text,
      grand_total: z.string(),
      grand_total_tax: text,
      earnings: text,
      currency_code: z.nullish(currency),
    }),
    line_items: maybeListOf(z.looseObject({ price_id: text, product: z.nullish(z.looseObject({ id: text })) })),
  }),
});

const subscription = z.looseObject({
  id: z.string(),
  status: z.string(),
  customer_id: text,
  transaction_id: text,
  custom_data: z.optional(z.unknown()),
  started_at: z.nullish(time),
  next_billed_at: text,
  items: maybeListOf(z.looseObject({ trial_dates: z.nullish(z.looseObject({ ends_at: text })) })),
});

const adjustment = z.looseObject({
  id: z.string(),
  action: z.string(),
  type: text,
  status: z.string(),
  reason: text,
  transaction_id: z.string(),
  customer_id: text,
  subscription_id: text,
  currency_code: z.nullish(currency),
  totals: z.looseObject({ total: z.string(), tax: text, earnings: text, currency_code: z.nullish(currency) }),
});

const envelope = z.looseObject({
  event_id: z.string().check(z.minLength(1)),
  event_type: z.string().check(z.minLength(1)),
  occurred_at: time,
  notification_id: text,
  data: z.looseObject({}),
});

/** What `receiveVerified` takes: the webhook's JSON as Paddle sent it, in snake_case. */
export type PaddleEventInput = z.input<typeof envelope>;

/**
 * One Paddle Billing notification, the same whatever its type; `data` is the entity.
 *
 * @see https://developer.paddle.com/webhooks/about/how-webhooks-work
 */
export type PaddleEvent = z.output<typeof envelope>;

/**
 * The transaction of `transaction.completed`, with every field that Paddle sent; amounts are text of minor units.
 *
 * @see https://developer.paddle.com/webhooks/transactions/transaction-completed
 */
export type PaddleTransaction = z.output<typeof transaction>;

/** The adjustment of `adjustment.created` and `adjustment.updated`. */
export type PaddleAdjustment = z.output<typeof adjustment>;

/** `webhooks.unmarshal` of Paddle's SDK answers camelCase classes, which are the likeliest wrong thing to pass on. */
function refuseCamelCase(event: PaddleEventInput): PaddleEventInput {
  if (typeof event === "object" && event !== null && "eventType" in event && !("event_type" in event)) {
    throw new RelayError(
      "malformed_payload",
      "this is the camelCase event of Paddle's SDK; pass JSON.parse(rawBody) instead",
    );
  }
  return event;
}

/** What all notifications share. */
export const eventSchema = quick(z.pipe(z.pipe(z.custom<PaddleEventInput>(), z.transform(refuseCamelCase)), envelope));

/** `transaction.*`, with `data` wrapped so that an error names the whole path. */
export const transactionEventSchema = quick(z.looseObject({ data: transaction }));

/** `subscription.*`. */
export const subscriptionEventSchema = quick(z.looseObject({ data: subscription }));

/** `adjustment.*`. */
export const adjustmentEventSchema = quick(z.looseObject({ data: adjustment }));
