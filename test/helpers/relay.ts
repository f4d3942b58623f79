import { afterAll, beforeEach } from "vitest";
import * as z from "zod";
import { custom, hmacSha256 } from "../../adapters/custom/index.js";
import { stripe } from "../../adapters/stripe/index.js";
import type { Logger } from "../../src/logger.js";
import type { RelayOptions } from "../../src/options.js";
import type { Relay } from "../../src/relay.js";
import { createRelay } from "../../src/relay-node.js";
import { createSandbox } from "../../src/sandbox/index.js";
import { BILLING_SECRET, STRIPE_SECRET } from "./webhooks.js";

export interface LogLine {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

/** A logger that keeps its lines. */
export function recordingLogger(): { logger: Logger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields, message });
  };
  return { lines, logger: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") } };
}

/** A sandbox for the tests of a file, and relays that send to it: sources "stripe" and "billing". */
export async function sandboxForTests() {
  const sandbox = createSandbox({ signing: { secret: "signing" }, referrals: ["ref_ada"], rateLimit: false });
  const { baseUrl } = await sandbox.start();
  afterAll(() => sandbox.stop());
  beforeEach(() => sandbox.reset());

  const settings = { apiKey: sandbox.apiKey, signingSecret: "signing", baseUrl };
  // Any relay, since tests of the built package take it for one of theirs: there its type is another.
  const relay = (overrides: Partial<RelayOptions> = {}): Relay =>
    createRelay({
      ...settings,
      logger: recordingLogger().logger,
      ...overrides,
      adapters: [
        stripe({ webhookSecret: STRIPE_SECRET }),
        custom({
          name: "billing",
          verify: hmacSha256({ header: "x-billing-signature", secret: BILLING_SECRET }),
          schema: z.object({ id: z.string() }),
          normalize: ({ id }) => ({
            name: "lead",
            type: "lead",
            externalEventId: id,
            identity: { referralId: "ref_ada" },
          }),
        }),
      ],
    });
  return { sandbox, baseUrl, relay, settings };
}
