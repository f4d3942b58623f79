import { conversionIdOf, type EndpointError, type Outcome } from "../endpoint/outcome.js";
import { nextAttemptAtMs, type RetryPolicy } from "../endpoint/retry.js";
import { type PauseReason, PROBE_INTERVAL_MS } from "./lane.js";
import { type Entry, type EntryError, isRelating, type Settlement } from "./outbox.js";

/** What an attempt's outcome means for its entry. What it means for all others, `lane.ts` says. */
export function settlementOf(
  outcome: Outcome,
  entry: Pick<Entry, "attempts" | "createdAtMs" | "references">,
  { nowMs, retry, random }: { readonly nowMs: number; readonly retry: RetryPolicy; readonly random: number },
): Settlement {
  // What waits for this sale speaks of it, and not just of its customer.
  const wake = entry.references.filter(isRelating);
  switch (outcome.kind) {
    case "delivered":
      return { state: "delivered", conversionId: conversionIdOf(outcome), error: null, wake };
    case "unmatched":
      return { state: "unmatched", error: entryError("not_found", outcome.error), wake };
    case "rejected":
      return { state: "dead", countsAttempt: true, error: entryError("rejected", outcome.error), wake };
    case "blocked":
      return { state: "pending", dueAtMs: nowMs, error: entryError(outcome.reason, outcome.error) };
    case "throttled":
      return { state: "pending", dueAtMs: nowMs };
    case "failed": {
      const attempts = entry.attempts + 1;
      const at = nextAttemptAtMs(retry, { attempts, createdAtMs: entry.createdAtMs }, nowMs, random);
      const error: EntryError = { reason: outcome.reason, status: outcome.status, code: outcome.code };
      if (at === undefined) return { state: "dead", countsAttempt: true, error: { ...error, reason: "too_old" }, wake };
      return { state: "pending", dueAtMs: at, countsAttempt: true, error };
    }
  }
}

/**
 * The same for an entry that probes a paused lane: it asks after the endpoint. That it is still down, or still refuses
 * whatever it gets, is no fault of the entry, which probes again or waits its turn.
 */
export function settlementOfProbe(
  settlement: Settlement,
  outcome: Outcome | undefined,
  paused: PauseReason,
  nowMs: number,
): Settlement {
  const isDown = outcome?.kind === "failed" && settlement.state === "pending";
  if (!isDown && !(outcome?.kind === "rejected" && paused === "rejecting")) return settlement;
  return { state: "pending", dueAtMs: nowMs + PROBE_INTERVAL_MS, error: settlement.error };
}

function entryError(reason: string, error: EndpointError | undefined): EntryError {
  return { reason, ...error };
}
