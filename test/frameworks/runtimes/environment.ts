import type { RelaySettings, StartOptions } from "../../contract/webhook-handler.js";
import { BILLING_SECRET, PADDLE_SECRET, STRIPE_SECRET } from "../../helpers/webhooks.js";

/** What the app is told: environment variables on Bun and Deno, bindings on Workers. */
export interface Environment {
  readonly AFFONSO_BASE_URL: string;
  readonly AFFONSO_API_KEY: string;
  readonly AFFONSO_SIGNING_SECRET: string;
  readonly STRIPE_WEBHOOK_SECRET: string;
  readonly PADDLE_WEBHOOK_SECRET: string;
  readonly BILLING_WEBHOOK_SECRET: string;
  readonly BASE_PATH: string;
  readonly MAX_BODY_BYTES?: string;
  readonly TIMEOUT_MS?: string;
  /** What the app parses before the relay can: the request, or a clone of it. */
  readonly PARSES?: "request" | "clone";
  /** Where the relay has an outbox. */
  readonly OUTBOX_FILE?: string;
}

export interface EnvironmentOptions extends StartOptions {
  readonly timeoutMs?: number;
  readonly parses?: "request" | "clone";
  readonly outboxFile?: string;
}

export function environmentOf(settings: RelaySettings, options: EnvironmentOptions = {}): Environment {
  const { basePath = "/webhooks", maxBodyBytes, timeoutMs, parses, outboxFile } = options;
  return {
    AFFONSO_BASE_URL: settings.baseUrl,
    AFFONSO_API_KEY: settings.apiKey,
    AFFONSO_SIGNING_SECRET: settings.signingSecret,
    STRIPE_WEBHOOK_SECRET: STRIPE_SECRET,
    PADDLE_WEBHOOK_SECRET: PADDLE_SECRET,
    BILLING_WEBHOOK_SECRET: BILLING_SECRET,
    BASE_PATH: basePath,
    ...(maxBodyBytes !== undefined && { MAX_BODY_BYTES: String(maxBodyBytes) }),
    ...(timeoutMs !== undefined && { TIMEOUT_MS: String(timeoutMs) }),
    ...(parses !== undefined && { PARSES: parses }),
    ...(outboxFile !== undefined && { OUTBOX_FILE: outboxFile }),
  };
}
