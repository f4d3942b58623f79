import type { Outbox } from "affonso-relay";
import type { Claim } from "../../../src/outbox/outbox.js";

/** What is due, as a worker without a rate limit claims it. */
export function claimDue(outbox: Outbox, max: number): Promise<Claim> {
  const admit = (_: object, available: number) => ({ count: available, lane: {} });
  return outbox.claim({ nowMs: Date.now(), leaseMs: 60_000, max, maxStarts: 5, admit });
}

/** Delivers so many, as far as the store sees it. */
export async function claimAndSettle(outbox: Outbox, max: number): Promise<void> {
  await settleAll(outbox, await claimDue(outbox, max));
}

export async function settleAll(outbox: Outbox, { entries }: Claim): Promise<void> {
  const settlement = { state: "delivered", conversionId: "conv_1" } as const;
  await Promise.all(entries.map((entry) => outbox.settle(entry, settlement, Date.now(), (lane) => lane)));
}
