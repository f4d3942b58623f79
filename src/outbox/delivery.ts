import { expandReferences, resolveReferral } from "../attribution.js";
import { withTimeout } from "../deadline.js";
import type { EndpointClient } from "../endpoint/client.js";
import { classifyFailure, type Outcome } from "../endpoint/outcome.js";
import type { RetryPolicy } from "../endpoint/retry.js";
import { toWire } from "../endpoint/wire.js";
import type { Refund, RelayEvent } from "../event.js";
import { settlementOf } from "./decide.js";
import { type Entry, isRelating, type Outbox, type Settlement } from "./outbox.js";
import { toWireRefund } from "./refund.js";

/** What one attempt came to. Without an outcome nothing was sent: the entry waits for another, or is done for. */
export interface AttemptResult {
  readonly settlement: Settlement;
  readonly outcome?: Outcome | undefined;
  /** The record as it was sent, where a link completed it. */
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

/** How soon a refund looks again for a sale that is not delivered yet, should nothing wake it. */
const SALE_POLL_MS = 15 * 60_000;

/** One attempt at one entry: who it belongs to, what it waits for, and the request. */
export class Delivery {
  readonly #options: DeliveryOptions;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  attempt(entry: Entry, signal: AbortSignal): Promise<AttemptResult> {
    // Written by us and read by us: the schema was checked before it was put.
    const record: RelayEvent | Refund = JSON.parse(entry.payload);
    return record.kind === "refund" ? this.#refund(entry, record, signal) : this.#event(entry, record, signal);
  }

  /** The referral is looked up now and not when the webhook came: the link may have come since. */
  async #event(entry: Entry, event: RelayEvent, signal: AbortSignal): Promise<AttemptResult> {
    const { outbox, linkWaitMs } = this.#options;
    const { source, references } = entry;
    const referralId = event.identity.referralId ?? (await resolveReferral(outbox, source, references));
    const mayWait = await this.#waits(entry.createdAtMs, linkWaitMs);
    if (!referralId && mayWait && (await this.#mayBeLinked(entry, event))) {
      return { settlement: { state: "pending", dueAtMs: entry.createdAtMs + linkWaitMs, held: true } };
    }
    const identity = await this.#agreeing(source, event, referralId);
    const isCompleted = identity !== event.identity;
    const complete: RelayEvent = isCompleted ? { ...event, identity } : event;
    const { outcome, settlement } = await this.#send(entry, "/events", toWire(complete), signal);
    const recheck = settlement.state === "unmatched" ? await this.#recheck(entry, settlement) : undefined;
    if (recheck !== undefined) return { outcome, settlement: recheck };
    // Its refund may speak of the payment alone, which only a link joins to the sale.
    const wake = settlement.wake && (await expandReferences(outbox, source, settlement.wake));
    const payload = isCompleted ? JSON.stringify(complete) : undefined;
    return { outcome, settlement: { ...settlement, wake }, payload };
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

  /**
   * Identifiers that disagree are refused by the endpoint. A customer who came back through another affiliate is known to
   * it under the first one, so this sale names its referral alone.
   */
  async #agreeing(source: string, event: RelayEvent, referralId: string | undefined): Promise<RelayEvent["identity"]> {
    const isKnown = referralId === event.identity.referralId;
    const identity = isKnown ? event.identity : { ...event.identity, referralId };
    if (!referralId || !event.references.customer) return identity;
    const customer = `customer:${event.references.customer}`;
    const known = (await this.#options.outbox.referralsOf(source, [customer])).get(customer);
    return known === undefined || known === referralId ? identity : { ...identity, customerId: undefined };
  }

  /** Not for an entry from the future either: a clock was wrong when it was put there. */
  async #waits(createdAtMs: number, waitMs: number): Promise<boolean> {
    const ageMs = (await this.#nowMs()) - createdAtMs;
    return ageMs >= 0 && ageMs < waitMs;
  }

  async #refund(entry: Entry, refund: Refund, signal: AbortSignal): Promise<AttemptResult> {
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
      if (tooOld) return { settlement: { state: "dead", error: { reason: "sale_not_delivered" } } };
      return { settlement: { state: "pending", dueAtMs: nowMs + SALE_POLL_MS, held: true } };
    }
    if (sale.conversionId === null) return { settlement: { state: "dead", error: { reason: "no_conversion_id" } } };
    const event: RelayEvent = JSON.parse(sale.payload);
    const path = `/conversions/${encodeURIComponent(sale.conversionId)}/refund`;
    return this.#send(entry, path, toWireRefund(refund, event.sale, event.paid), signal);
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

  async #send(entry: Entry, path: string, payload: object, signal: AbortSignal): Promise<AttemptResult> {
    const { client, requestTimeoutMs, retry, random } = this.#options;
    const outcome = await withTimeout(requestTimeoutMs, signal, (either) => client.post(path, payload, either)).catch(
      classifyFailure,
    );
    const nowMs = await this.#nowMs();
    return { outcome, settlement: settlementOf(outcome, entry, { nowMs, retry, random: random() }) };
  }

  async #nowMs(): Promise<number> {
    return this.#options.outbox.now(this.#options.clock());
  }
}
