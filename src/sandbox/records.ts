import type { ReferralStatus } from "./referrals.js";
import type { EventInput, OtherEventInput, RefundInput } from "./validation.js";

/** An event that was taken: what was sent, and what became of it. Replays are not among them. */
export type SandboxEvent = EventInput & {
  /** The sandbox's own id of it. */
  readonly source_event_id: string;
  /** Id of the conversion that it made; null for other types of event. */
  readonly transaction_id: string | null;
  /** Where it was posted, for example `/events`. */
  readonly path: string;
  /** When it came, in ISO 8601 and UTC. */
  readonly received_at: string;
};

/**
 * What became of a lead, a trial or a milestone, as the API shows it.
 *
 * @see https://docs.affonso.io/api/endpoint/events/create
 */
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
  /** Id of the conversion that it is a refund of. */
  readonly conversion_id: string;
  /** Major units given back, also where the request left the amount out. */
  readonly amount: number;
  /** When it came, in ISO 8601 and UTC. */
  readonly received_at: string;
}

/** A visit, as the API shows it. */
export interface SandboxClick {
  /** What the browser cookie `affonso_referral` then holds. */
  readonly id: string;
  /** Whose link was followed, as the link names it. */
  readonly tracking_id: string;
  /** The affiliate program. */
  readonly program_id: string;
  /** When it came, in ISO 8601 and UTC. */
  readonly created_at: string;
}

/** A request that was answered with the result of an earlier one. */
export interface SandboxReplay {
  /** The id that both requests have. */
  readonly external_event_id: string;
  /** Where it was posted, for example `/events`. */
  readonly path: string;
  /** When it came, in ISO 8601 and UTC. */
  readonly received_at: string;
}
