import { type Entry, type EntryFilter, MAX_AHEAD_MS, MIN_AHEAD_MS, type NewEntry, type Settlement } from "../outbox.js";

/** An entry and what only the store knows of it. */
export interface Row {
  entry: Entry;
  starts: number;
  fence: number;
  leaseUntilMs: number | null;
  held: boolean;
  /** While it is leased: what came that it may wait for. */
  woken: "nothing" | "something" | "referral";
  /** What pruning has left of it. */
  kept: "all" | "sale" | "keys";
}

export function newRow(entry: NewEntry, id: string, nowMs: number): Row {
  const { kind, source, externalEventId, businessKey, fingerprint, payload } = entry;
  return {
    entry: {
      ...{ kind, source, externalEventId, businessKey, fingerprint, payload },
      references: [...entry.references],
      awaitsReferral: kind === "event" && entry.awaitsReferral,
      id,
      state: "pending",
      createdAtMs: nowMs,
      dueAtMs: nowMs,
      finishedAtMs: null,
      attempts: 0,
      conversionId: null,
      error: null,
    },
    starts: 0,
    fence: 0,
    leaseUntilMs: null,
    held: false,
    woken: "nothing",
    kept: "all",
  };
}

/** Makes it like one that was put just now. */
export function renew(row: Row, nowMs: number): void {
  const times = { createdAtMs: nowMs, dueAtMs: nowMs, finishedAtMs: null };
  row.entry = { ...row.entry, ...times, state: "pending", attempts: 0, error: null };
  Object.assign(row, { starts: 0, held: false, woken: "nothing" });
}

/** Takes over a settlement, and ends the lease. */
export function finish(row: Row, settlement: Settlement, nowMs: number): void {
  const { state, dueAtMs = nowMs, held = false, countsAttempt = false } = settlement;
  const { conversionId = row.entry.conversionId, error = row.entry.error } = settlement;
  const isPending = state === "pending";
  row.entry = {
    ...row.entry,
    ...{ state, conversionId },
    error: structuredClone(error),
    dueAtMs: isPending ? dueAtMs : row.entry.dueAtMs,
    finishedAtMs: isPending ? null : nowMs,
    attempts: row.entry.attempts + (countsAttempt ? 1 : 0),
  };
  Object.assign(row, { starts: 0, leaseUntilMs: null, held: isPending && held, woken: "nothing" });
}

export function makeDue(row: Row, nowMs: number): void {
  row.held = false;
  row.entry = { ...row.entry, dueAtMs: Math.min(row.entry.dueAtMs, nowMs) };
}

/** Dates it anew, where a clock that was ahead has dated it: see {@link MAX_AHEAD_MS}. */
export function redate(row: Row, nowMs: number): void {
  const { createdAtMs, dueAtMs } = row.entry;
  const isPutLater = createdAtMs > nowMs + MIN_AHEAD_MS && createdAtMs <= nowMs + MAX_AHEAD_MS;
  if (isPutLater) row.entry = { ...row.entry, createdAtMs: nowMs, dueAtMs: Math.min(dueAtMs, nowMs) };
  else row.entry = { ...row.entry, dueAtMs: nowMs };
}

/** Marks what is leased, should it be held next; what names its referral waits for its time alone. */
export function mark(row: Row, woken: "something" | "referral"): void {
  const { kind, awaitsReferral } = row.entry;
  if ((awaitsReferral || kind === "refund") && row.woken !== "referral") row.woken = woken;
}

export function fitsFilter(entry: Entry, filter: EntryFilter): boolean {
  const { state, source, reason, createdAfterMs, createdBeforeMs } = filter;
  return (
    (state === undefined || entry.state === state) &&
    (source === undefined || entry.source === source) &&
    (reason === undefined || entry.error?.reason === reason) &&
    (createdAfterMs === undefined || entry.createdAtMs >= createdAfterMs) &&
    (createdBeforeMs === undefined || entry.createdAtMs < createdBeforeMs)
  );
}
