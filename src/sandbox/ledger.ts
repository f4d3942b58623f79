import { ApiError } from "./api-error.js";
import { Conversions, type SandboxConversion } from "./conversions.js";
import type { Incentive } from "./incentives.js";
import type { SandboxClick, SandboxEvent, SandboxEventResult, SandboxRefund, SandboxReplay } from "./records.js";
import { type Identity, type ReferralInput, Referrals, type SandboxReferral } from "./referrals.js";
import type {
  ClickInput,
  ConversionEventInput,
  ConversionInput,
  EventInput,
  OtherEventInput,
  RefundInput,
  SignupInput,
} from "./validation.js";

/** What a route answers: 201 for something new, 200 for something known. */
export interface LedgerAnswer {
  readonly status: 200 | 201;
  readonly data: object;
}

interface LedgerOptions {
  readonly referrals: readonly ReferralInput[];
  readonly acceptAnyReferral: boolean;
  readonly incentives: readonly Incentive[];
  readonly clock: () => number;
}

const STATUS_AFTER = { conversion: "customer", lead: "lead", trial: "trialing", milestone: undefined } as const;

/** Everything that the endpoint remembers. */
export class Ledger {
  readonly events: SandboxEvent[] = [];
  readonly refunds: SandboxRefund[] = [];
  readonly clicks: SandboxClick[] = [];
  readonly replays: SandboxReplay[] = [];
  readonly referrals: Referrals;
  readonly conversions: Conversions;
  readonly #results = new Map<string, SandboxConversion | SandboxEventResult>();
  readonly #refundResults = new Map<string, SandboxConversion>();
  readonly #signedUp = new Set<string>();
  readonly #clock: () => number;

  constructor(options: LedgerOptions) {
    this.#clock = options.clock;
    this.referrals = new Referrals(options.acceptAnyReferral);
    this.conversions = new Conversions(options.incentives);
    for (const referral of options.referrals) this.addReferral(referral);
  }

  addReferral(input: ReferralInput): SandboxReferral {
    return this.referrals.add(input, this.#now());
  }

  /** Takes an event of any type. */
  event(input: EventInput, path: string): LedgerAnswer {
    return this.#once(this.#results, input.external_event_id, path, () => {
      const result = input.event_type === "conversion" ? this.#sale(input) : this.#step(input);
      const transaction_id = "id" in result ? result.id : null;
      const { source_event_id } = result;
      this.events.push({ ...input, source_event_id, transaction_id, path, received_at: this.#now() });
      return result;
    });
  }

  /** Takes a sale that was posted as a conversion. Its ids share one namespace with those of events. */
  conversion(input: ConversionInput, path: string): LedgerAnswer {
    return this.#once(this.#results, input.external_event_id, path, () => this.#convert(input));
  }

  /** Takes a refund of a conversion. */
  refund(id: string, input: RefundInput, path: string): LedgerAnswer {
    const key = input.external_event_id;
    const prior = key === undefined ? undefined : this.#refundResults.get(key);
    if (prior !== undefined && prior.id !== id) {
      throw new ApiError("DUPLICATE_ERROR", "external_event_id was used for the refund of another conversion", {
        field: "external_event_id",
      });
    }
    const answer = this.#once(this.#refundResults, key, path, () => {
      const now = this.#now();
      const { conversion, amount } = this.conversions.refund(id, input, now);
      this.refunds.push({ ...input, conversion_id: id, amount, received_at: now });
      return conversion;
    });
    // A refund makes no new resource, so that it is never a 201.
    return { ...answer, status: 200 };
  }

  /** Takes a visit, which makes a referral record that nobody signed up with yet. */
  click(input: ClickInput): LedgerAnswer {
    const created_at = input.createdAt === undefined ? this.#now() : new Date(input.createdAt).toISOString();
    const { id } = this.referrals.add({ id: this.#newId("ref"), programId: input.programId }, created_at);
    const click = { id, tracking_id: input.trackingId, program_id: input.programId, created_at };
    this.clicks.push(click);
    return { status: 201, data: click };
  }

  /** Makes a lead of a click, once. */
  signup(input: SignupInput): LedgerAnswer {
    const click = this.referrals.find("click_id", input.click_id);
    if (click === undefined) throw new ApiError("NOT_FOUND", "No click has this click_id", { field: "click_id" });
    if (this.#signedUp.has(click.id)) return { status: 200, data: click };
    const { click_id, external_user_id } = input;
    const { id } = this.referrals.resolve({ click_id, external_user_id }, this.#now());
    this.referrals.learn(id, { click_id, external_user_id });
    this.referrals.update(id, { email: input.email ?? click.email, name: input.name ?? click.name });
    this.#signedUp.add(id);
    return { status: 201, data: this.referrals.advance(id, "lead", this.#now()) ?? click };
  }

  #sale(input: ConversionEventInput): SandboxConversion {
    return this.#convert({ ...input, created_at: input.occurred_at, status: "pending", sales_status: "complete" });
  }

  #convert(input: ConversionInput): SandboxConversion {
    const { referral } = this.#resolve(input, "conversion");
    return this.conversions.create(input, {
      referral,
      sourceEventId: this.#newId("sevt"),
      now: this.#now(),
      newId: this.#newId,
    });
  }

  #step(input: OtherEventInput): SandboxEventResult {
    const { referral, moved } = this.#resolve(input, input.event_type);
    return {
      referral_id: referral.id,
      transaction_id: null,
      event_name: input.event_name,
      event_type: input.event_type,
      external_event_id: input.external_event_id ?? null,
      action: moved ? "referral_updated" : "event_recorded",
      referral_status: referral.status,
      replayed: false,
      source_event_id: this.#newId("sevt"),
    };
  }

  #resolve(identity: Identity, type: EventInput["event_type"]): { referral: SandboxReferral; moved: boolean } {
    const before = this.referrals.resolve(identity, this.#now());
    this.referrals.learn(before.id, identity);
    const status = STATUS_AFTER[type] ?? before.status;
    const referral = this.referrals.advance(before.id, status, this.#now()) ?? before;
    return { referral, moved: referral.status !== before.status };
  }

  /** The prior result for a known id, whatever else the request says; otherwise what `process` makes of it. */
  #once<T extends object>(
    results: Map<string, T>,
    externalEventId: string | undefined,
    path: string,
    process: () => T,
  ): LedgerAnswer {
    const prior = externalEventId === undefined ? undefined : results.get(externalEventId);
    if (externalEventId !== undefined && prior !== undefined) {
      this.replays.push({ external_event_id: externalEventId, path, received_at: this.#now() });
      return { status: 200, data: { ...prior, replayed: true } };
    }
    const result = process();
    if (externalEventId !== undefined) results.set(externalEventId, result);
    return { status: 201, data: result };
  }

  #now(): string {
    return new Date(this.#clock()).toISOString();
  }

  // Random, so that ids which a relay remembers never mean something else after the sandbox was started again.
  #newId = (prefix: string): string => `${prefix}_${crypto.randomUUID().replaceAll("-", "").slice(0, 24)}`;
}
