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
 * The event with its ids mapped; the event passed in stays as it is. A promise only where a mapping is a function.
 *
 * @throws RelayError `mapping_failed` when a mapping throws or answers something that is no id.
 */
export function mapIds(event: RelayEvent, mappings: Mappings): RelayEvent | Promise<RelayEvent> {
  const { customerId } = event.identity;
  const mapped = [
    mapAll("customers", mappings, customerId ? [customerId] : [], event),
    mapAll("products", mappings, event.productIds, event),
    mapAll("prices", mappings, event.priceIds, event),
  ] as const;
  const put = ([customerIds, productIds, priceIds]: readonly MappedIds[]): RelayEvent => ({
    ...event,
    identity: { ...event.identity, customerId: customerIds?.[0] },
    productIds,
    priceIds,
  });
  return mapped.every(isKnown) ? put(mapped) : Promise.all(mapped).then(put);
}

type MappedIds = string[] | undefined;

function isKnown(ids: MappedIds | Promise<MappedIds>): ids is MappedIds {
  return ids === undefined || Array.isArray(ids);
}

function mapAll(
  kind: keyof Mappings,
  mappings: Mappings,
  ids: readonly string[] | undefined,
  event: RelayEvent,
): MappedIds | Promise<MappedIds> {
  const mapping = mappings[kind];
  if (mapping === undefined || ids === undefined) return ids && [...ids];
  const kept = (mapped: readonly (string | null)[]) => [...new Set(mapped.filter((id) => id !== null))];
  if (typeof mapping !== "function") {
    return kept(ids.map((id) => (Object.hasOwn(mapping, id) ? (mapping[id] ?? null) : id)));
  }
  return Promise.all(ids.map((id) => ask(`mappings.${kind}`, mapping, id, copyFor(event)))).then(kept);
}

async function ask(
  option: string,
  mapping: Extract<IdMapping, (...about: never) => unknown>,
  id: string,
  event: RelayEvent,
): Promise<string | null> {
  const mapped: unknown = await blame("mapping_failed", option, () => mapping(id, event));
  if (mapped === null || mapped === undefined || mapped === "") return null;
  if (typeof mapped === "string") return mapped;
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
