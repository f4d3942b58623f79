import type { FieldProblem } from "./api-error.js";

/** The fields that say whose event it is. At least one must be there. */
export const IDENTIFIERS = ["referral_id", "customer_id", "external_user_id", "click_id"] as const;

// Other spellings that the official SDK may send: https://github.com/affonso-io/affonso-node
const ALIASES = {
  referral_id: ["referralId", "affonso_id", "affonsoId", "affonso_referral", "affonsoReferral"],
  click_id: ["clickId"],
} as const;

interface Identifiers {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly problems: readonly FieldProblem[];
}

/** The body with every alias under its documented name, and what is wrong with its identifiers. */
export function readIdentifiers(body: Readonly<Record<string, unknown>>): Identifiers {
  const fields: Record<string, unknown> = { ...body };
  const problems: FieldProblem[] = [];
  for (const [field, aliases] of Object.entries(ALIASES)) {
    const values = new Set([field, ...aliases].map((name) => body[name]).filter((value) => value !== undefined));
    if (values.size > 1) problems.push({ field, message: "and its aliases must be the same" });
    if (values.size > 0) fields[field] = [...values][0];
  }
  if (IDENTIFIERS.every((name) => fields[name] === undefined)) {
    problems.push({ field: "referral_id", message: "or customer_id, external_user_id or click_id is required" });
  }
  return { fields, problems };
}
