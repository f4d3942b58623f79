import { ID_PATTERN, type RelayRecordInput } from "./event.js";

/** A record that says why nothing is sent. */
export function skip(
  externalEventId: string,
  reason: Extract<RelayRecordInput, { kind: "skip" }>["reason"],
  message: string,
): RelayRecordInput {
  return { kind: "skip", reason, externalEventId, message };
}

/**
 * The referral that Affonso's convention puts into a payment's metadata, `affonso_referral`.
 *
 * Whoever checks out can write there: nonsense in it must not cost the sale, which the customer's id may still attribute.
 */
export function referralIn(metadata: unknown): string | undefined {
  if (typeof metadata !== "object" || metadata === null || !Object.hasOwn(metadata, "affonso_referral"))
    return undefined;
  const value: unknown = Reflect.get(metadata, "affonso_referral");
  const referral = typeof value === "string" ? value.trim() : "";
  return ID_PATTERN.test(referral) ? referral : undefined;
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
