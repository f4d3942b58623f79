import { copyFor } from "./copy.js";
import { assertKnownKeys, blame, invalidOption, nameOf, wrongAnswer } from "./errors.js";
import { ID_PATTERN, type RelayEvent } from "./event.js";
import { isPlainObject } from "./objects.js";

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
  const { customerId } = event.identity;
  const [customerIds, productIds, priceIds] = await Promise.all([
    mapAll("customers", mappings, customerId ? [customerId] : [], event),
    mapAll("products", mappings, event.productIds, event),
    mapAll("prices", mappings, event.priceIds, event),
  ]);
  return { ...event, identity: { ...event.identity, customerId: customerIds?.[0] }, productIds, priceIds };
}

async function mapAll(
  kind: keyof Mappings,
  mappings: Mappings,
  ids: readonly string[] | undefined,
  event: RelayEvent,
): Promise<string[] | undefined> {
  const mapping = mappings[kind];
  if (mapping === undefined || ids === undefined) return ids && [...ids];
  const mapped = await Promise.all(
    ids.map((id) => {
      if (typeof mapping === "function") return ask(`mappings.${kind}`, mapping, id, event);
      return Object.hasOwn(mapping, id) ? mapping[id] : id;
    }),
  );
  return [...new Set(mapped.filter((id) => typeof id === "string"))];
}

async function ask(
  option: string,
  mapping: Extract<IdMapping, (...about: never) => unknown>,
  id: string,
  event: RelayEvent,
): Promise<string | null> {
  const mapped: unknown = (await blame("mapping_failed", option, () => mapping(id, copyFor(event)))) ?? "";
  if (typeof mapped === "string") return mapped === "" ? null : mapped;
  throw wrongAnswer(option, mapped, "a string, or null to drop the id");
}

/**
 * The mappings, checked and copied, so that what the app changes later changes nothing here.
 *
 * @throws RelayError `invalid_options`.
 */
export function resolveMappings(mappings: unknown): Mappings {
  if (!isPlainObject(mappings)) throw invalidOption("mappings", "a plain object", mappings);
  assertKnownKeys("mappings", mappings, ["customers", "products", "prices"]);
  const copies = Object.entries(mappings).map(([name, mapping]) => [name, copyOf(`mappings.${name}`, mapping)]);
  return Object.freeze(Object.fromEntries(copies));
}

function copyOf(option: string, mapping: unknown): unknown {
  if (mapping === undefined || typeof mapping === "function") return mapping;
  // A promise, a Map or a class instance has no ids of its own: all would go through unmapped, without a word.
  if (!isPlainObject(mapping)) throw invalidOption(option, "a record of ids or a function of an id", mapping);
  for (const [id, mapped] of Object.entries(mapping)) {
    // Here, since what a record answers is not checked again.
    if (mapped !== null && (typeof mapped !== "string" || mapped.trim() === "" || !ID_PATTERN.test(mapped))) {
      throw invalidOption(`${option}["${nameOf(id)}"]`, "an id of 1 to 255 characters, or null to drop it", mapped);
    }
  }
  return Object.freeze({ ...mapping });
}
