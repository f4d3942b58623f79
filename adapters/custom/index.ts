export {
  bodyBytes,
  headerOf,
  type NormalizeContext,
  type StandardSchemaV1,
  type VerifyContext,
  type WebhookAdapter,
  type WebhookHeaders,
  type WebhookRequest,
} from "../../src/adapter.js";
export { isRelayError, RelayError, type RelayErrorCode } from "../../src/errors.js";
export type { Identity, References, RelayEventInput, RelayRecordInput } from "../../src/event.js";
export { fromMajorUnits, type Money } from "../../src/money.js";
export {
  type BasicAuthOptions,
  type BearerOptions,
  basicAuth,
  bearer,
  type StaticHeaderOptions,
  staticHeader,
} from "./credentials.js";
export { type CustomOptions, type CustomResult, custom } from "./custom.js";
export type { CustomRecord, CustomRefund } from "./event-id.js";
export { type HmacOptions, hmacSha256, hmacSha512 } from "./hmac.js";
export { withReferral } from "./referral.js";
export { type StandardWebhooksOptions, standardWebhooks } from "./standard-webhooks.js";
export type { HmacTimestampOptions } from "./timestamp.js";
export { unsafeNoVerification } from "./unsafe-no-verification.js";
export type { VerifyFunction, WebhookVerifier } from "./verifier.js";
