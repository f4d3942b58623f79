import type { Money } from "./money.js";

/** What any id may look like: one line of 1 to 255 characters. */
export const ID_PATTERN = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]{1,255}$/u;

/** Any value that JSON can carry. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue };

/** As providers and apps say it: where an id is absent, null or an empty string as often as nothing at all. */
type Loose<Ids> = { [Name in keyof Ids]?: Ids[Name] | null | undefined };

/** Who a provider event belongs to. At least one id is needed before an event can be sent. */
export interface Identity {
  /** The referral to credit: what the cookie or the metadata key `affonso_referral` holds. Sent as `referral_id`. */
  referralId?: string | undefined;
  /** The customer, mapped by `mappings.customers`: your id, or the provider's. Sent as `customer_id`. */
  customerId?: string | undefined;
  /** Your application's id of the user. Sent as `external_user_id`. */
  externalUserId?: string | undefined;
  /** The id that Affonso's `POST /clicks` answered. Sent as `click_id`. */
  clickId?: string | undefined;
}

/** Ids of the provider's objects that one record speaks of, as the provider spells them. */
export interface References {
  /** Stripe `cus_…`, Paddle `ctm_…`. */
  customer?: string | undefined;
  /** Stripe `sub_…`, Paddle `sub_…`. */
  subscription?: string | undefined;
  /** Stripe `in_…`. */
  invoice?: string | undefined;
  /** A Checkout session: Stripe `cs_…`. */
  session?: string | undefined;
  /** A payment: Stripe `pi_…`. */
  payment?: string | undefined;
  /** A charge: Stripe `ch_…`. */
  charge?: string | undefined;
  /** Paddle `txn_…`. */
  transaction?: string | undefined;
}

/** Something worth a commission: a sale, a lead, a trial or a milestone, in the kit's own words. */
export interface RelayEvent {
  /** What kind of record this is. */
  kind: "event";
  /** The adapter's name, or `"relay.send"`. */
  source: string;
  /** What happened, in words that a person reads: `invoice_paid`. Sent as `event_name`. */
  name: string;
  /** What happened, as the endpoint counts it. A conversion needs `externalEventId` and `sale`. */
  type: "conversion" | "lead" | "trial" | "milestone";
  /** The upstream webhook's id, or your own, under which the endpoint counts it once. Sent as `external_event_id`. */
  externalEventId?: string | undefined;
  /** The sale itself, such as the invoice: several webhooks that tell of one sale have one key, and it counts once. */
  businessKey?: string | undefined;
  /** Who it belongs to. */
  identity: Identity;
  /** The provider's objects that it speaks of: links and refunds find it by them. */
  references: References;
  /** When it happened at the provider: ISO 8601 in UTC. */
  occurredAt?: string | undefined;
  /** What the commission is worked out from, in minor units; more than 0. */
  sale?: Money | undefined;
  /** What was paid for the sale where that is another amount, tax included say: refunds are measured against it. */
  paid?: Money | undefined;
  /** What was sold, mapped by `mappings.products`. */
  productIds?: string[] | undefined;
  /** At which prices, mapped by `mappings.prices`. */
  priceIds?: string[] | undefined;
  /** How often it is billed; absent for what the endpoint has no word for. */
  interval?: "monthly" | "yearly" | undefined;
  /** Whether it belongs to a subscription. */
  isSubscription?: boolean | undefined;
  /** Kept by the endpoint beside the event: JSON, at most 16 levels deep. */
  metadata?: Record<string, JsonValue> | undefined;
}

/** Money given back for a sale, which is named by its business key or by what it refers to. */
export interface Refund {
  /** What kind of record this is. */
  kind: "refund";
  /** The adapter's name. */
  source: string;
  /** The refund's own id: several webhooks tell of one refund. */
  externalEventId: string;
  /** The refund itself, which counts once. */
  businessKey: string;
  /** The business key of the sale, where it is known. */
  saleKey?: string | undefined;
  /** The provider's objects that lead to the sale. */
  references: References;
  /** What was given back, in minor units, measured as the sale's `paid` is; more than 0. */
  amount: Money;
  /** Why, in the provider's words. */
  reason?: string | undefined;
  /** When it happened at the provider: ISO 8601 in UTC. */
  occurredAt?: string | undefined;
  /** Kept with the refund: JSON, at most 16 levels deep. */
  metadata?: Record<string, JsonValue> | undefined;
}

/** These provider objects belong together and, where it is known, to this referral. */
export interface Link {
  /** What kind of record this is. */
  kind: "link";
  /** The adapter's name. */
  source: string;
  /** The referral that they belong to. */
  referralId?: string | undefined;
  /** The objects. */
  references: References;
}

/** A webhook that is understood and has nothing to send, and why. */
export interface Skip {
  /** What kind of record this is. */
  kind: "skip";
  /** The adapter's name. */
  source: string;
  /** Why, as a code. */
  reason:
    | "unmapped"
    | "test_mode"
    | "no_amount"
    | "not_final"
    | "no_referral"
    | "reported_elsewhere"
    | "no_identity"
    | "dropped";
  /** The upstream webhook's id. */
  externalEventId?: string | undefined;
  /** Why, in words for the log. */
  message?: string | undefined;
}

/** What a webhook becomes: one of four kinds, told apart by `kind`. */
export type RelayRecord = RelayEvent | Refund | Link | Skip;

/** An event as an adapter hands it over: no `source` yet, `kind` optional, dates and empty ids as they come. */
export interface RelayEventInput
  extends Omit<RelayEvent, "source" | "kind" | "identity" | "references" | "occurredAt" | "metadata"> {
  /** What kind of record this is. @default "event" */
  kind?: "event" | undefined;
  /** Who it belongs to; null and empty ids count as absent. */
  identity: Loose<Identity>;
  /** The provider's objects that it speaks of. @default {} */
  references?: Loose<References> | undefined;
  /** When it happened at the provider: a Date, or ISO 8601 text with its time zone. */
  occurredAt?: string | Date | undefined;
  /** Kept by the endpoint beside the event: JSON, at most 16 levels deep. */
  metadata?: Record<string, unknown> | undefined;
}

/** A refund as an adapter hands it over. */
export interface RefundInput extends Omit<Refund, "source" | "references" | "occurredAt" | "metadata"> {
  /** The provider's objects that lead to the sale. @default {} */
  references?: Loose<References> | undefined;
  /** When it happened at the provider: a Date, or ISO 8601 text with its time zone. */
  occurredAt?: string | Date | undefined;
  /** Kept with the refund: JSON, at most 16 levels deep. */
  metadata?: Record<string, unknown> | undefined;
}

/** A link as an adapter hands it over. */
export interface LinkInput extends Omit<Link, "source" | "referralId" | "references"> {
  /** The referral that they belong to. */
  referralId?: string | null | undefined;
  /** The objects. */
  references: Loose<References>;
}

/** Any record as an adapter hands it over. */
export type RelayRecordInput = RelayEventInput | RefundInput | LinkInput | Omit<Skip, "source">;

/** An identity that names at least one id for certain; others may be undefined. */
export type NamedIdentity = {
  [Id in keyof Identity]-?: Loose<Identity> & { readonly [Name in Id]: string };
}[keyof Identity];

interface EventFromCodeBase
  extends Omit<
    RelayEventInput,
    "kind" | "type" | "identity" | "references" | "businessKey" | "sale" | "paid" | "externalEventId"
  > {
  /** Whose it is: `referralId` from {@link referralFrom}, your `externalUserId`, `customerId` or `clickId`. */
  readonly identity: NamedIdentity;
}

/** An event that your own code sends: what {@link Relay.send} takes. */
export type EventFromCode = EventFromCodeBase &
  (
    | {
        /** What happened, as the endpoint counts it. */
        readonly type: "lead" | "trial" | "milestone";
        /**
         * Your id of this very event, so that sending it twice counts once. Unlike any other id that is sent, of whatever
         * type and source: `signup_42`, not `42`.
         *
         * @default none; with an outbox a random one
         */
        readonly externalEventId?: string | undefined;
      }
    | {
        /** A sale. */
        readonly type: "conversion";
        /** Your id of this very sale, such as `order_42`: sending it twice counts once. Unlike any other id that is sent. */
        readonly externalEventId: string;
        /** What the commission is worked out from, in minor units. */
        readonly sale: Money;
        /** What was paid, where that is another amount. @default the sale */
        readonly paid?: Money | undefined;
      }
  );

/** Whether the event names anybody at all. */
export function hasIdentity(ids: Identity | References): boolean {
  return Object.values(ids).some((value) => value !== undefined);
}
