import type { RelayRecordInput } from "./event.js";

/** A record that says why nothing is sent. */
export function skip(
  externalEventId: string,
  reason: Extract<RelayRecordInput, { kind: "skip" }>["reason"],
  message: string,
): RelayRecordInput {
  return { kind: "skip", reason, externalEventId, message };
}

/** Each id once, in order; what is null, undefined or empty is left out. */
export function distinct(ids: readonly (string | null | undefined)[]): string[] {
  const kept = new Set<string>();
  for (const id of ids) if (id) kept.add(id);
  return [...kept];
}

/** Only the entries that say something, for an event's metadata. */
export function compact(entries: Readonly<Record<string, string | boolean | null | undefined>>) {
  const kept: Record<string, string | boolean> = {};
  for (const key in entries) {
    const value = entries[key];
    if (value !== null && value !== undefined && value !== "") kept[key] = value;
  }
  return kept;
}

/** The endpoint's word for a billing cycle; undefined for all cycles that it has no word for. */
export function intervalOf(unit: string, count: number): "monthly" | "yearly" | undefined {
  if (unit === "month" && count === 1) return "monthly";
  return (unit === "year" && count === 1) || (unit === "month" && count === 12) ? "yearly" : undefined;
}
