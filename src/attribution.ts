import type { References } from "./event.js";
import { isRelating, type Outbox, type Reference } from "./outbox/outbox.js";

/**
 * From what is one sale to what is a whole customer: the nearer a reference is to the sale, the more its referral counts.
 * A customer may have come back through another affiliate since.
 */
const NEAREST_FIRST = ["session", "invoice", "payment", "charge", "transaction", "subscription", "customer"] as const;

/** A record's references as text, the nearest to the sale first. */
export function referencesOf(references: References): Reference[] {
  return NEAREST_FIRST.flatMap((type) => (references[type] ? [`${type}:${references[type]}`] : []));
}

/**
 * A customer whose referral the endpoint has confirmed. What a checkout alone said of a customer may be no referral at all,
 * so it is kept apart: it must not stand in the way of one that is.
 */
export function confirmedReference(customer: string): Reference {
  return `confirmed:${customer}`;
}

/** How a record is found by its business key, among the references. */
export function keyReference(businessKey: string): Reference {
  return `key:${businessKey}`;
}

/** The references and those that links named together with them: an invoice's payment, and that payment's session. */
export async function expandReferences(
  outbox: Outbox,
  source: string,
  references: readonly Reference[],
): Promise<readonly Reference[]> {
  const known = new Set(references);
  let news = references.filter(isRelating);
  // Two steps are the longest way that providers make: charge, payment, invoice.
  for (let step = 0; step < 2 && news.length > 0; step++) {
    const related = await outbox.relatedTo(source, news);
    news = related.filter((reference) => !known.has(reference) && isRelating(reference));
    for (const reference of news) known.add(reference);
  }
  return [...known].sort((a, b) => Number(isRelating(b)) - Number(isRelating(a)));
}

/** The referral that a sale with these references belongs to, if any link says so. */
export async function resolveReferral(
  outbox: Outbox,
  source: string,
  references: readonly Reference[],
): Promise<string | undefined> {
  if (references.length === 0) return undefined;
  const expanded = (await expandReferences(outbox, source, references)).flatMap((reference) => {
    const [type, customer = ""] = reference.split(/:(.*)/s);
    return type === "customer" ? [confirmedReference(customer), reference] : [reference];
  });
  const referrals = await outbox.referralsOf(source, expanded);
  const nearest = expanded.find((reference) => referrals.has(reference));
  return nearest === undefined ? undefined : referrals.get(nearest);
}
