import type {
  Claim,
  ClaimedEntry,
  ClaimRequest,
  NewEntry,
  NewLink,
  Outbox,
  PutResult,
  Settlement,
} from "../../../src/outbox/outbox.js";

export const NOW = Date.UTC(2026, 0, 1);
export const MINUTE = 60_000;
export const DAY = 24 * 60 * MINUTE;

/** A sale that names no referral, all its keys made of its number. */
export function sale(number: number | string, overrides: Partial<NewEntry> = {}): NewEntry {
  return {
    kind: "event",
    source: "stripe",
    externalEventId: `evt_${number}`,
    businessKey: `in_${number}`,
    fingerprint: "2900 USD",
    payload: JSON.stringify({ kind: "event", number }),
    references: [`customer:cus_${number}`, `invoice:in_${number}`],
    awaitsReferral: true,
    ...overrides,
  };
}

export function refund(number: number | string, overrides: Partial<NewEntry> = {}): NewEntry {
  return sale(number, {
    kind: "refund",
    externalEventId: `evt_refund_${number}`,
    businessKey: `re_${number}`,
    references: [`payment:pi_${number}`],
    awaitsReferral: false,
    ...overrides,
  });
}

export function link(references: readonly string[], referralId: string | null = null, source = "stripe"): NewLink {
  return { source, referralId, references };
}

export async function put(outbox: Outbox, entry: NewEntry, nowMs = NOW): Promise<PutResult> {
  const [result] = await outbox.put({ entries: [entry], links: [] }, nowMs);
  if (result === undefined) throw new Error("put answered nothing");
  return result;
}

export async function putLink(outbox: Outbox, ...[of, nowMs = NOW]: [NewLink, number?]): Promise<void> {
  await outbox.put({ entries: [], links: [of] }, nowMs);
}

/** Claims whatever is due. */
export function claim(outbox: Outbox, nowMs = NOW, overrides: Partial<ClaimRequest> = {}): Promise<Claim> {
  return outbox.claim({
    nowMs,
    leaseMs: MINUTE,
    max: 100,
    maxStarts: 5,
    admit: (lane, available) => ({ count: available, lane }),
    ...overrides,
  });
}

/** Claims the one entry that is due. */
export async function claimOne(outbox: Outbox, nowMs = NOW): Promise<ClaimedEntry> {
  const { entries } = await claim(outbox, nowMs);
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) throw new Error(`expected one entry, got ${entries.length}`);
  return entry;
}

/** Settles and leaves the lane as it is. */
export function settle(
  outbox: Outbox,
  entry: Pick<ClaimedEntry, "id" | "lease">,
  settlement: Settlement,
  nowMs = NOW,
): ReturnType<Outbox["settle"]> {
  return outbox.settle(entry, settlement, nowMs, (lane) => lane);
}

/** Puts an entry and settles it. Answers its id. */
export async function done(outbox: Outbox, entry: NewEntry, settlement: Settlement, nowMs = NOW): Promise<string> {
  const { id } = await put(outbox, entry, nowMs);
  const { entries } = await claim(outbox, nowMs);
  const claimed = entries.find((one) => one.id === id);
  if (claimed === undefined) throw new Error("not claimed");
  await settle(outbox, claimed, settlement, nowMs);
  const others = entries.filter((one) => one.id !== id);
  await outbox.release(others, nowMs);
  return id;
}

export function idsOf(entries: readonly { readonly externalEventId: string }[]): string[] {
  return entries.map(({ externalEventId }) => externalEventId);
}
