export { outboxEngine } from "./engine.js";
export type { LaneState, PauseReason } from "./lane.js";
export {
  type Batch,
  type Claim,
  type ClaimedEntry,
  type ClaimRequest,
  type Entry,
  type EntryError,
  type EntryFilter,
  type EntryState,
  isRelating,
  keepsFirstReferral,
  MAX_AHEAD_MS,
  type NewEntry,
  type NewLink,
  type Outbox,
  type OutboxEngine,
  type OutboxStats,
  type PutResult,
  QUARANTINED,
  type Reference,
  type Settlement,
} from "./outbox.js";
