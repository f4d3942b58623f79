import { ApiError, validationError } from "./api-error.js";
import { IDENTIFIERS } from "./identifiers.js";

/** How far a referred visitor has come. A click that nobody signed up with yet is a referral record too. */
export type ReferralStatus = "click" | "lead" | "trialing" | "customer" | "active" | "canceled" | "rejected";

// A referral only moves to a later one.
const PROGRESS: readonly ReferralStatus[] = ["click", "lead", "trialing", "customer", "active", "canceled", "rejected"];

/** A referral that the sandbox shall know. */
export interface ReferralInput {
  /** What the browser cookie `affonso_referral` holds. */
  readonly id: string;
  /** Finds the referral by `customer_id`. */
  readonly customerId?: string | undefined;
  /** Finds the referral by `external_user_id`. */
  readonly externalUserId?: string | undefined;
  /** Finds the referral by `click_id`, besides its own id. */
  readonly clickId?: string | undefined;
  /** Whose referral it is. @default "aff_sandbox" */
  readonly affiliateId?: string | undefined;
  /** The affiliate program. @default "prog_sandbox" */
  readonly programId?: string | undefined;
  /** Where it starts. @default "click" */
  readonly status?: ReferralStatus | undefined;
}

/** A referral as the API shows it. */
export interface SandboxReferral {
  /** What the browser cookie `affonso_referral` holds. */
  readonly id: string;
  /** Whose referral it is. */
  readonly affiliate_id: string;
  /** The affiliate program. */
  readonly program_id: string;
  /** Of the signup, where one was sent. */
  readonly email: string | null;
  /** The first customer that came together with the referral. */
  readonly customer_id: string | null;
  /** The first user that came together with the referral. */
  readonly external_user_id: string | null;
  /** The sandbox knows no subscriptions. */
  readonly subscription_id: null;
  /** How far the visitor has come. */
  readonly status: ReferralStatus;
  /** Of the signup, where one was sent. */
  readonly name: string | null;
  /** The sandbox keeps none. */
  readonly metadata: null;
  /** When the sandbox first knew of it, in ISO 8601 and UTC. */
  readonly created_at: string;
  /** When the first sale came, in ISO 8601 and UTC. */
  readonly converted_at: string | null;
}

/** The identifiers of a request. */
export type Identity = { readonly [name in (typeof IDENTIFIERS)[number]]?: string | undefined };

/** The referrals, found by any of their identifiers. */
export class Referrals {
  readonly #byId = new Map<string, SandboxReferral>();
  readonly #ids = {
    customer_id: new Map<string, string>(),
    external_user_id: new Map<string, string>(),
    click_id: new Map<string, string>(),
  };
  readonly #acceptAny: boolean;

  constructor(acceptAny: boolean) {
    this.#acceptAny = acceptAny;
  }

  get list(): readonly SandboxReferral[] {
    return [...this.#byId.values()];
  }

  add(input: ReferralInput, createdAt: string): SandboxReferral {
    const referral: SandboxReferral = {
      id: input.id,
      affiliate_id: input.affiliateId ?? "aff_sandbox",
      program_id: input.programId ?? "prog_sandbox",
      email: null,
      customer_id: input.customerId ?? null,
      external_user_id: input.externalUserId ?? null,
      subscription_id: null,
      status: input.status ?? "click",
      name: null,
      metadata: null,
      created_at: createdAt,
      converted_at: null,
    };
    this.#byId.set(referral.id, referral);
    const { customerId: customer_id, externalUserId: external_user_id, clickId: click_id } = input;
    this.#index(referral.id, { customer_id, external_user_id, click_id });
    return referral;
  }

  /** The one referral that the identifiers speak of; throws `NOT_FOUND`, or `VALIDATION_ERROR` when they disagree. */
  resolve(identity: Identity, now: string): SandboxReferral {
    const { referral_id } = identity;
    if (referral_id !== undefined && !this.#byId.has(referral_id)) {
      if (!this.#acceptAny)
        throw new ApiError("NOT_FOUND", "No referral has this referral_id", { field: "referral_id" });
      this.add({ id: referral_id }, now);
    }
    const found = IDENTIFIERS.flatMap((field) => {
      const referral = this.find(field, identity[field]);
      return referral === undefined ? [] : [{ field, referral }];
    });
    const first = found[0];
    if (first === undefined) throw new ApiError("NOT_FOUND", "No referral matches the identifiers");
    const others = found.filter(({ referral }) => referral.id !== first.referral.id);
    if (others.length === 0) return first.referral;
    throw validationError(
      others.map(({ field }) => ({ field, message: `belongs to another referral than ${first.field}` })),
    );
  }

  find(field: (typeof IDENTIFIERS)[number], value: string | undefined): SandboxReferral | undefined {
    if (value === undefined) return undefined;
    if (field === "referral_id") return this.#byId.get(value);
    // A click id is the id of the referral record that the click made.
    if (field === "click_id") return this.#byId.get(this.#ids.click_id.get(value) ?? value);
    const id = this.#ids[field].get(value);
    return id === undefined ? undefined : this.#byId.get(id);
  }

  /** Remembers the customer and user that came together with a referral's own id or click id. */
  learn(id: string, { referral_id, click_id, customer_id, external_user_id }: Identity): void {
    if (referral_id === undefined && click_id === undefined) return;
    const referral = this.#byId.get(id);
    if (referral === undefined) return;
    this.#index(id, { customer_id, external_user_id });
    this.update(id, {
      customer_id: referral.customer_id ?? customer_id ?? null,
      external_user_id: referral.external_user_id ?? external_user_id ?? null,
    });
  }

  /** Moves a referral on, never back. */
  advance(id: string, status: ReferralStatus, now: string): SandboxReferral | undefined {
    const referral = this.#byId.get(id);
    if (referral === undefined || PROGRESS.indexOf(status) <= PROGRESS.indexOf(referral.status)) return referral;
    return this.update(id, { status, converted_at: status === "customer" ? now : referral.converted_at });
  }

  update(id: string, changes: Partial<SandboxReferral>): SandboxReferral | undefined {
    const referral = this.#byId.get(id);
    if (referral === undefined) return undefined;
    const updated = { ...referral, ...changes };
    this.#byId.set(id, updated);
    return updated;
  }

  #index(id: string, identity: Identity): void {
    for (const field of ["customer_id", "external_user_id", "click_id"] as const) {
      const value = identity[field];
      if (value !== undefined) this.#ids[field].set(value, id);
    }
  }
}
