import type { RelayEvent } from "../event.js";

/** What is kept of a sale's payload once it is pruned: what its refunds are measured by, and nothing about its customer. */
export function remainsOf(payload: string): string {
  const { sale, paid }: RelayEvent = JSON.parse(payload);
  return JSON.stringify({ sale, paid });
}
