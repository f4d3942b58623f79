import { confirmedReference, expandReferences, resolveReferral } from "../attribution.js";
import { withTimeout } from "../deadline.js";
import type { EndpointClient } from "../endpoint/client.js";
import { classifyFailure, type Outcome } from "../endpoint/outcome.js";
import { postEvent } from "../endpoint/post-event.js";
import type { RetryPolicy } from "../endpoint/retry.js";
import { hasIdentity, type Identity, type Refund, type RelayEvent } from "../event.js";
import { confirmedLink } from "./batch.js";
import { settlementOf } from "./decide.js";
import { type Entry, isRelating, type Outbox, type Settlement } from "./outbox.js";
import { toWireRefund } from "./refund.js";

/** What one attempt came to. Without an outcome nothing was sent: the entry waits for another, or is done for. */
export interface AttemptResult {
  readonly settlement: Settlement;
  readonly outcome?: Outcome | undefined;
  /** The record as it was sent: a link may have completed it, or the endpoint refused some of its ids. */
  readonly payload?: string | undefined;
}

export interface DeliveryOptions {
  readonly outbox: Outbox;
  readonly client: EndpointClient;
  readonly clock: () => number;
  readonly random: () => number;
  readonly retry: RetryPolicy;
  /** How long one request may take. */
  readonly requestTimeoutMs: number;
  /** How long a sale that names no referral waits for a link that does. */
  readonly linkWaitMs: number;
  /** How long a refund waits for a sale that nobody has told us of. */
  readonly saleWaitMs: number;
  /** How long after the endpoint knew no such referral to ask once more; undefined for never. */
  readonly recheckUnmatchedMs?: number | undefined;
}

/** An entry on its way, and since when it is tried: what waited while the lane was paused is given the time of a new one. */
export interface AttemptedEntry extends Entry {
  readonly triesSinceMs?: number | undefined;
}

/** How soon a refund looks again for a sale that is not delivered yet, should nothing wake it. */
const SALE_POLL_MS = 15 * 60_000;

/** One attempt at one entry: who it belongs to, what it waits for, and the request. */
export class Delivery {
  readonly #options: DeliveryOptions;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  attempt(entry: AttemptedEntry, signal: AbortSignal): Promise<AttemptResult> {
    // Written by us and read by us: the schema was checked before it was put.
    const record: RelayEvent | Refund = JSON.parse(entry.payload);
    return record.kind === "refund" ? this.#refund(entry, record, signal) : this.#event(entry, record, signal);
  }

  /** The referral is looked up now and not when the webhook came: the link may have come since. */
  async #event(entry: AttemptedEntry, event: RelayEvent, signal: AbortSignal): Promise<AttemptResult> {
    const { outbox, linkWaitMs } = this.#options;
    const { source, references } = entry;
    const referralId = event.identity.referralId ?? (await resolveReferral(outbox, source, references));
    const mayWait = await this.#waits(entry.createdAtMs, linkWaitMs);
    if (!referralId && mayWait && (await this.#mayBeLinked(entry, event))) {
      return { settlement: { state: "pending", dueAtMs: entry.createdAtMs + linkWaitMs, held: true } };
    }
    const complete: RelayEvent = { ...event, identity: { ...event.identity, referralId } };
    // The endpoint would refuse it. A link may still come, and begins it anew.
    if (!hasIdentity(complete.identity)) {
      const wake = references.filter(isRelating);
      return { settlement: { state: "unmatched", error: { reason: "no_identity" }, wake } };
    }
    const isAlone = await this.#isOfAnother(complete);
    const posted = await postEvent(complete, isAlone, (payload) => this.#post("/events", payload, signal));
    const { outcome } = posted;
    const settlement = await this.#settlementOf(entry, outcome);
    const recheck = settlement.state === "unmatched" ? await this.#recheck(entry, settlement) : undefined;
    if (recheck !== undefined) return { outcome, settlement: recheck };
    // Its refund may speak of the payment alone, which only a link joins to the sale.
    const wake = settlement.wake && (await expandReferences(outbox, source, settlement.wake));
    // The customer belongs to the referral that has just been confirmed, unless it went alone because of the customer.
    const isConfirmed = outcome.kind === "delivered" && isSame(posted.event.identity, complete.identity);
    const link = isConfirmed ? confirmedLink(complete) : undefined;
    const payload = isSame(posted.event.identity, event.identity) ? undefined : JSON.stringify(posted.event);
    return { outcome, settlement: { ...settlement, wake, link }, payload };
  }

  /** Once: that it was asked before, the entry says by the error that it has kept. */
  async #recheck({ error }: Entry, settlement: Settlement): Promise<Settlement | undefined> {
    const { recheckUnmatchedMs } = this.#options;
    if (recheckUnmatchedMs === undefined || error?.reason === "not_found") return undefined;
    return {
      state: "pending",
      dueAtMs: (await this.#nowMs()) + recheckUnmatchedMs,
      held: true,
      error: settlement.error,
    };
  }

  /** A one-off sale, or the first of a subscription: those after it would have been linked by now. */
  async #mayBeLinked({ id, source }: Entry, { type, references }: RelayEvent): Promise<boolean> {
    if (type !== "conversion") return false;
    if (!references.subscription) return Boolean(references.customer);
    const first = await this.#options.outbox.findEvent(source, {
      references: [`subscription:${references.subscription}`],
    });
    return first === null || first.id === id;
  }

  /** Whether the customer is known to the endpoint under another referral: one who came back through another affiliate. */
  async #isOfAnother({ source, identity: { referralId }, references: { customer } }: RelayEvent): Promise<boolean> {
    if (!referralId || !customer) return false;
    const confirmed = confirmedReference(customer);
    const known = (await this.#options.outbox.referralsOf(source, [confirmed])).get(confirmed);
    return known !== undefined && known !== referralId;
  }

  /** Not for an entry from the future either: a clock was wrong when it was put there. */
  async #waits(createdAtMs: number, waitMs: number): Promise<boolean> {
    const ageMs = (await this.#nowMs()) - createdAtMs;
    return ageMs >= 0 && ageMs < waitMs;
  }

  async #refund(entry: AttemptedEntry, refund: Refund, signal: AbortSignal): Promise<AttemptResult> {
    const nowMs = await this.#nowMs();
    const sale = await this.#saleOf(entry, refund);
    if (sale === null) {
      if (await this.#waits(entry.createdAtMs, this.#options.saleWaitMs)) {
        return { settlement: { state: "pending", dueAtMs: nowMs + SALE_POLL_MS, held: true } };
      }
      return { settlement: { state: "unmatched", error: { reason: "no_sale" } } };
    }
    if (sale.state === "unmatched" || sale.state === "discarded") {
      return { settlement: { state: "unmatched", error: { reason: `sale_${sale.state}` } } };
    }
    if (sale.state !== "delivered") {
      const tooOld = nowMs - entry.createdAtMs > this.#options.retry.maxAgeMs;
      // Not dead: once the sale is delivered, replayed by a person or after a pause, it begins anew.
      if (tooOld) return { settlement: { state: "unmatched", error: { reason: "sale_not_delivered" } } };
      return { settlement: { state: "pending", dueAtMs: nowMs + SALE_POLL_MS, held: true } };
    }
    if (sale.conversionId === null) return { settlement: { state: "dead", error: { reason: "no_conversion_id" } } };
    const event: RelayEvent = JSON.parse(sale.payload);
    const path = `/conversions/${encodeURIComponent(sale.conversionId)}/refund`;
    const outcome = await this.#post(path, toWireRefund(refund, event.sale, event.paid), signal);
    return { outcome, settlement: await this.#settlementOf(entry, outcome) };
  }

  async #saleOf({ source, references }: Entry, { saleKey }: Refund): Promise<Entry | null> {
    const { outbox } = this.#options;
    const byKey = saleKey === undefined ? null : await outbox.findEvent(source, { businessKey: saleKey });
    if (byKey !== null) return byKey;
    const expanded = await expandReferences(outbox, source, references);
    // A customer or a subscription has many sales, so neither of them names one.
    const naming = expanded.filter(isRelating);
    return naming.length === 0 ? null : outbox.findEvent(source, { references: naming });
  }

  #post(path: string, payload: object, signal: AbortSignal): Promise<Outcome> {
    const { client, requestTimeoutMs } = this.#options;
    return withTimeout(requestTimeoutMs, signal, (either) => client.post(path, payload, either)).catch(classifyFailure);
  }

  async #settlementOf(entry: AttemptedEntry, outcome: Outcome): Promise<Settlement> {
    const { retry, random } = this.#options;
    const nowMs = await this.#nowMs();
    const createdAtMs = Math.max(entry.createdAtMs, Math.min(entry.triesSinceMs ?? 0, nowMs));
    return settlementOf(outcome, { ...entry, createdAtMs }, { nowMs, retry, random: random() });
  }

  async #nowMs(): Promise<number> {
    return this.#options.outbox.now(this.#options.clock());
  }
}

function isSame(one: Identity, other: Identity): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
