import { confirmedReference, keyReference, referencesOf } from "../attribution.js";
import type { Link, Refund, RelayEvent } from "../event.js";
import { type Batch, isRelating, type NewEntry, type NewLink, type Reference } from "./outbox.js";

/** What one webhook brings, as the store keeps it. */
export function batchOf(records: readonly (RelayEvent | Refund | Link)[], newId: () => string): Batch {
  const entries: NewEntry[] = [];
  const links: NewLink[] = [];
  for (const record of records) {
    if (record.kind === "link") links.push(linkOf(record.source, record.referralId, record.references));
    if (record.kind === "refund") entries.push(refundEntry(record));
    if (record.kind === "event") {
      entries.push(eventEntry(record, newId));
      // An event that knows its referral says it of all it refers to: that is how a renewal a year later is found. Of the
      // customer it is said once the endpoint has confirmed it, since the first referral stays.
      const { customer: _, ...references } = record.references;
      if (record.identity.referralId) links.push(linkOf(record.source, record.identity.referralId, references));
    }
  }
  return { entries, links };
}

function eventEntry(event: RelayEvent, newId: () => string): NewEntry {
  // Without an id of its own, a retry would count twice at the endpoint.
  const externalEventId = event.externalEventId ?? newId();
  const { source, businessKey = null, sale, identity } = event;
  const isSale = event.type === "conversion";
  return {
    kind: "event",
    source,
    externalEventId,
    businessKey,
    fingerprint: JSON.stringify([source, businessKey, event.type, sale?.minorUnits, sale?.currency]),
    payload: JSON.stringify({ ...event, externalEventId }),
    // A refund is of a sale: a trial or a lead with the same invoice must not be found in its place.
    references: withKey(referencesOf(event.references).filter(isSale ? () => true : isShared), businessKey),
    awaitsReferral: !identity.referralId,
  };
}

function refundEntry(refund: Refund): NewEntry {
  const { source, externalEventId, businessKey, saleKey, amount, references } = refund;
  return {
    kind: "refund",
    source,
    externalEventId,
    businessKey,
    fingerprint: JSON.stringify([source, businessKey, "refund", amount.minorUnits, amount.currency]),
    payload: JSON.stringify(refund),
    references: withKey(referencesOf(references), saleKey ?? null),
    awaitsReferral: false,
  };
}

/** Says that an event's customer belongs to its referral, for when the endpoint has confirmed it. */
export function confirmedLink({ source, identity, references }: RelayEvent): NewLink | undefined {
  if (!identity.referralId || !references.customer) return undefined;
  const { customer } = references;
  // As a customer of a checkout too: that is what held sales wait for.
  return {
    source,
    referralId: identity.referralId,
    references: [`customer:${customer}`, confirmedReference(customer)],
  };
}

function isShared(reference: Reference): boolean {
  return !isRelating(reference);
}

function linkOf(source: string, referralId: string | undefined, references: Link["references"]): NewLink {
  return { source, referralId: referralId ?? null, references: referencesOf(references) };
}

function withKey(references: string[], key: string | null): string[] {
  return key === null ? references : [keyReference(key), ...references];
}
