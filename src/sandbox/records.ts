import type { ReferralStatus } from "./referrals.js";
import type { EventInput, OtherEventInput, RefundInput } from "./validation.js";

/** An event that was taken: what was sent, and what became of it. Replays are not among them. */
export type SandboxEvent = EventInput & {
  readonly source_event_id: string;
  readonly transaction_id: string | null;
  /** Where it was posted, for example `/events`. */
  readonly path: string;
  readonly received_at: string;
};

/** What became of a lead, a trial or a milestone, as the API shows it. */
export interface SandboxEventResult {
  readonly referral_id: string;
  readonly transaction_id: null;
  readonly event_name: string;
  readonly event_type: OtherEventInput["event_type"];
  readonly external_event_id: string | null;
  readonly action: "referral_updated" | "event_recorded";
  readonly referral_status: ReferralStatus;
  readonly replayed: boolean;
  readonly source_event_id: string;
}

/** A refund that was taken. */
export interface SandboxRefund extends RefundInput {
  readonly conversion_id: string;
  /** Major units given back, also where the request left the amount out. */
  readonly amount: number;
  readonly received_at: string;
}

/** A visit, as the API shows it. */
export interface SandboxClick {
  readonly id: string;
  readonly tracking_id: string;
  readonly program_id: string;
  readonly created_at: string;
}

/** A request that was answered with the result of an earlier one. */
export interface SandboxReplay {
  readonly external_event_id: string;
  readonly path: string;
  readonly received_at: string;
}
