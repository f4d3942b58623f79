import { isRelating, keepsFirstReferral, type NewLink, type Reference } from "../outbox.js";

/** Which referral the providers' objects belong to, and which of them belong together. */
export class Links {
  readonly #referrals = new Map<string, string>();
  readonly #relations = new Map<string, Set<Reference>>();

  /** Answers the references whose referral is news. */
  learn({ source, referralId, references }: NewLink): Reference[] {
    this.#relate(source, references.filter(isRelating));
    if (referralId === null) return [];
    return references.filter((reference) => {
      const known = this.#referrals.get(keyOf(source, reference));
      if (known === referralId || (known !== undefined && keepsFirstReferral(reference))) return false;
      this.#referrals.set(keyOf(source, reference), referralId);
      return true;
    });
  }

  #relate(source: string, references: readonly Reference[]): void {
    for (const reference of references) {
      const key = keyOf(source, reference);
      const others = this.#relations.get(key) ?? new Set();
      for (const other of references) if (other !== reference) others.add(other);
      this.#relations.set(key, others);
    }
  }

  referralsOf(source: string, references: readonly Reference[]): Map<Reference, string> {
    const known = references.map((reference) => [reference, this.#referrals.get(keyOf(source, reference))] as const);
    return new Map(known.flatMap(([reference, referral]) => (referral === undefined ? [] : [[reference, referral]])));
  }

  relatedTo(source: string, references: readonly Reference[]): Reference[] {
    const related = new Set(references.flatMap((one) => [...(this.#relations.get(keyOf(source, one)) ?? [])]));
    for (const reference of references) related.delete(reference);
    return [...related].sort();
  }
}

/** One text for several, whatever characters are in them. */
export function keyOf(...parts: readonly string[]): string {
  return JSON.stringify(parts);
}
