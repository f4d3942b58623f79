export {
  type AdapterDefinition,
  defineAdapter,
  type IncomingRequest,
  type NormalizeContext,
  type NormalizeResult,
  type VerifyContext,
  type WebhookAdapter,
  type WebhookHeaders,
  type WebhookRequest,
} from "./adapter.js";
export type { DeadLetterEntry, DeadLetterFilter, DeadLetters } from "./dead-letters.js";
export type { RateLimit } from "./endpoint/rate-limit.js";
export type { RetryPolicy } from "./endpoint/retry.js";
export { ERROR_CODES, isRelayError, RelayError, type RelayErrorCode } from "./errors.js";
export type {
  EventFromCode,
  Identity,
  JsonValue,
  Link,
  LinkInput,
  NamedIdentity,
  References,
  Refund,
  RefundInput,
  RelayEvent,
  RelayEventInput,
  RelayRecord,
  RelayRecordInput,
  Skip,
} from "./event.js";
export type { Logger } from "./logger.js";
export type { IdMapping, Mappings } from "./mapping.js";
export type { Money } from "./money.js";
export type { DeadLetter, Delivery, RelayHooks, RelayOptions } from "./options.js";
export type { LaneState, PauseReason } from "./outbox/lane.js";
export type { EntryError, EntryState, Outbox } from "./outbox/outbox.js";
export { type ReferralSource, referralFrom } from "./referral.js";
export { createRelay, type ReceiveResult, type Relay } from "./relay.js";
export type { RecordResult } from "./sink.js";
export type { RelayStats } from "./stats.js";
