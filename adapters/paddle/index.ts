import type { WebhookAdapter } from "../../src/adapter.js";
import { defineProviderAdapter } from "../../src/provider-adapter.js";
import { isSimulated, paddleEvents } from "./events.js";
import type { PaddleOptions } from "./options.js";
import { eventSchema, type PaddleEventInput } from "./schema.js";
import { settingsOf } from "./settings.js";
import { createVerify } from "./verify.js";

export { paddleEvents } from "./events.js";
export type {
  PaddleAmount,
  PaddleAmountFunction,
  PaddleContext,
  PaddleEventHandler,
  PaddleEventType,
  PaddleOptions,
  PaddleSettings,
} from "./options.js";
export { withReferral } from "./referral.js";
export type { PaddleEvent, PaddleEventInput, PaddleTransaction } from "./schema.js";

/**
 * The adapter for webhooks of Paddle Billing: sales, trials and refunds.
 *
 * @example
 * createRelay({ adapters: [paddle({ webhookSecret: process.env.PADDLE_WEBHOOK_SECRET })] })
 *
 * @throws RelayError `invalid_options` that says which option is wrong and what was expected.
 * @see https://developer.paddle.com/webhooks/about/how-webhooks-work
 */
export function paddle<const Name extends string = "paddle">(
  options: PaddleOptions<Name>,
  // NoInfer, or within createRelay's list the name would be what the list asks for: any string.
): WebhookAdapter<NoInfer<Name>, PaddleEventInput> {
  return defineProviderAdapter({
    name: "paddle",
    schema: eventSchema,
    optionNames: ["amount", "currencyDecimals"],
    settings: settingsOf(options ?? {}),
    handlers: paddleEvents,
    createVerify,
    describe: (event) => ({ type: event.event_type, id: event.event_id, isTest: isSimulated(event) }),
    options,
  });
}
