import { ID_PATTERN, type RelayRecordInput } from "./event.js";

/** A record that says why nothing is sent. */
export function skip(
  externalEventId: string,
  reason: Extract<RelayRecordInput, { kind: "skip" }>["reason"],
  message: string,
): RelayRecordInput {
  return { kind: "skip", reason, externalEventId, message };
}

/** Affonso's name for the referral: of the cookie its browser script sets, and of the key in a payment's metadata. */
export const REFERRAL_KEY = "affonso_referral";

/**
 * The referral that a value is: an id, without the white space around it.
 *
 * Whoever checks out can write it: nonsense in it must cost neither the checkout nor the sale, which the customer's id
 * may still attribute.
 */
export function asReferral(value: unknown): string | undefined {
  const referral = typeof value === "string" ? value.trim() : "";
  return ID_PATTERN.test(referral) ? referral : undefined;
}

/** The referral that Affonso's convention puts into a payment's metadata. */
export function referralIn(metadata: unknown): string | undefined {
  if (typeof metadata !== "object" || metadata === null || !Object.hasOwn(metadata, REFERRAL_KEY)) return undefined;
  return asReferral(Reflect.get(metadata, REFERRAL_KEY));
}

/** A copy of `params` whose metadata, called `key`, has the referral beside what is there; as they are without one. */
export function putReferral<Params extends object>(params: Params, key: string, referral: unknown): Params {
  const id = asReferral(referral);
  if (id === undefined) return params;
  const metadata: unknown = Reflect.get(params, key);
  return { ...params, [key]: { ...(typeof metadata === "object" ? metadata : {}), [REFERRAL_KEY]: id } };
}

/** Each id once, in order; what is null, undefined or empty is left out. */
export function distinct(ids: readonly (string | null | undefined)[]): string[] {
  return [...new Set(ids.filter((id) => typeof id === "string" && id !== ""))] as string[];
}

/** Only the entries that say something, for an event's metadata. */
export function compact(entries: Readonly<Record<string, string | boolean | null | undefined>>) {
  const kept = Object.entries(entries).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return Object.fromEntries(kept) as Record<string, string | boolean>;
}

/** The endpoint's word for a billing cycle; undefined for all cycles that it has no word for. */
export function intervalOf(unit: string, count: number): "monthly" | "yearly" | undefined {
  if (unit === "month" && count === 1) return "monthly";
  return (unit === "year" && count === 1) || (unit === "month" && count === 12) ? "yearly" : undefined;
}
