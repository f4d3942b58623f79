import { assertKnownKeys, describeType, invalidOption, nameOf, RelayError } from "./errors.js";
import type { RelayEvent } from "./event.js";

/**
 * How ids of one kind become yours.
 *
 * A record maps the ids it names and leaves all others as they are; null there drops the id. A function answers for
 * every id: null or undefined drops it, a throw keeps the webhook with the provider (503) until the function works again.
 */
export type IdMapping =
  | Readonly<Record<string, string | null>>
  | ((id: string, event: RelayEvent) => string | null | undefined | Promise<string | null | undefined>);

/** Mappings from the provider's ids to yours. */
export interface Mappings {
  /** Applied to `identity.customerId`. @default the provider's id */
  readonly customers?: IdMapping | undefined;
  /** Applied to each of `productIds`. @default the provider's ids */
  readonly products?: IdMapping | undefined;
  /** Applied to each of `priceIds`. @default the provider's ids */
  readonly prices?: IdMapping | undefined;
}

/**
 * The event with its ids mapped; the event passed in stays as it is.
 *
 * @throws RelayError `mapping_failed` when a mapping throws or answers something that is no id.
 */
export async function mapIds(event: RelayEvent, mappings: Mappings): Promise<RelayEvent> {
  const [customerIds, productIds, priceIds] = await Promise.all([
    mapAll("customers", mappings.customers, event.identity.customerId ? [event.identity.customerId] : [], event),
    mapAll("products", mappings.products, event.productIds ?? [], event),
    mapAll("prices", mappings.prices, event.priceIds ?? [], event),
  ]);
  return {
    ...event,
    identity: { ...event.identity, customerId: customerIds[0] },
    productIds: event.productIds && productIds,
    priceIds: event.priceIds && priceIds,
  };
}

async function mapAll(
  option: keyof Mappings,
  mapping: IdMapping | undefined,
  ids: readonly string[],
  event: RelayEvent,
): Promise<string[]> {
  if (mapping === undefined) return [...ids];
  const mapped = await Promise.all(ids.map((id) => mapOne(option, mapping, id, event)));
  return [...new Set(mapped.filter((id) => id !== null))];
}

async function mapOne(option: string, mapping: IdMapping, id: string, event: RelayEvent): Promise<string | null> {
  if (typeof mapping !== "function") return Object.hasOwn(mapping, id) ? (mapping[id] ?? null) : id;
  let mapped: unknown;
  try {
    mapped = await mapping(id, event);
  } catch (cause) {
    throw new RelayError(
      "mapping_failed",
      `mappings.${option} threw; the provider keeps the webhook and sends it again`,
      { cause },
    );
  }
  if (mapped === null || mapped === undefined || mapped === "") return null;
  if (typeof mapped === "string") return mapped;
  throw new RelayError(
    "mapping_failed",
    `mappings.${option} answered ${describeType(mapped)}; answer a string, or null to drop the id`,
  );
}

/**
 * The mappings, checked and copied, so that what the app changes later changes nothing here.
 *
 * @throws RelayError `invalid_options`.
 */
export function resolveMappings(mappings: unknown): Mappings {
  assertMappings(mappings);
  const { customers, products, prices } = mappings;
  const copy = (mapping: IdMapping | undefined) =>
    typeof mapping === "object" ? Object.freeze({ ...mapping }) : mapping;
  return Object.freeze({ customers: copy(customers), products: copy(products), prices: copy(prices) });
}

function assertMappings(mappings: unknown): asserts mappings is Mappings {
  if (!isPlainObject(mappings))
    throw invalidOption("mappings", "an object with customers, products or prices", mappings);
  assertKnownKeys("mappings", mappings, ["customers", "products", "prices"]);
  for (const [name, mapping] of Object.entries(mappings)) {
    if (mapping === undefined || typeof mapping === "function") continue;
    // A promise, a Map or a class instance has no ids of its own: all would go through unmapped, without a word.
    if (!isPlainObject(mapping))
      throw invalidOption(`mappings.${name}`, "a record of ids or a function of an id", mapping);
    for (const [id, mapped] of Object.entries(mapping)) {
      if (mapped !== null && (typeof mapped !== "string" || mapped === "")) {
        throw invalidOption(`mappings.${name}["${nameOf(id)}"]`, "an id, or null to drop it", mapped);
      }
    }
  }
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
