import { createHmac } from "node:crypto";
import type { Body } from "nock";
import { expect } from "vitest";
import * as z from "zod/mini";
import { defineAdapter, type WebhookRequest } from "../../../src/adapter.js";
import { nodeTransport } from "../../../src/endpoint/node-transport.js";
import { isRelayError, RelayError } from "../../../src/errors.js";
import type { RelayRecordInput } from "../../../src/event.js";
import type { Logger } from "../../../src/logger.js";
import { type RelayOptions, resolveOptions } from "../../../src/options.js";
import { standInFor } from "../../helpers/stand-in.js";

export const WEBHOOK_SECRET = "correct-horse-battery";
export const NOW_MS = 1_767_225_600_000;

const hmac = (body: string | Uint8Array) => createHmac("sha256", WEBHOOK_SECRET).update(body).digest("hex");

/** An adapter whose webhooks say in plain words which records they stand for. */
export const billing = defineAdapter({
  name: "billing",
  verify({ body, headers }) {
    if (Reflect.get(headers, "x-signature") === hmac(body)) return;
    throw new RelayError("signature_invalid", "the signature does not match");
  },
  schema: z.object({ records: z.array(z.unknown()) }),
  normalize: ({ records }) => records as RelayRecordInput[],
});

export const optionsOf = (changes: Partial<RelayOptions> = {}) => ({
  apiKey: "sk_live_test",
  adapters: [billing] as const,
  clock: () => NOW_MS,
  logger: memoryLogger().logger,
  ...changes,
});

/** The options as a relay on Node has them. */
export const resolveOnNode = (options: RelayOptions) => resolveOptions(options, nodeTransport);

export function signed(payload: unknown): WebhookRequest {
  const body = JSON.stringify(payload);
  return { body, headers: { "x-signature": hmac(body) } };
}

/** A conversion as an adapter hands it over. */
export const sale = (changes: object = {}) => ({
  type: "conversion",
  name: "invoice_paid",
  externalEventId: "evt_1",
  identity: { customerId: "cus_1" },
  sale: { minorUnits: 1999, currency: "USD" },
  ...changes,
});

export const refund = (changes: object = {}) => ({
  kind: "refund",
  externalEventId: "evt_refund",
  businessKey: "refund_1",
  saleKey: "invoice_1",
  amount: { minorUnits: 500, currency: "USD" },
  ...changes,
});

export const link = (changes: object = {}) => ({
  kind: "link",
  referralId: "ref_1",
  references: { customer: "cus_1", subscription: "sub_1" },
  ...changes,
});

export interface LogLine {
  readonly level: keyof Logger;
  readonly fields: object;
  readonly message: string;
}

/** A logger that keeps its lines; `failures` are those that a person should see. */
export function memoryLogger() {
  const lines: LogLine[] = [];
  const at = (level: keyof Logger) => (fields: object, message: string) => void lines.push({ level, fields, message });
  const logger: Logger = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  return { logger, lines, failures: () => lines.filter(({ level }) => level === "warn" || level === "error") };
}

export type Answer = readonly [status: number, body?: unknown, headers?: Record<string, string>];

export const CREATED: Answer = [201, { success: true, data: { id: "conv_1", replayed: false } }];
export const errorBody = (code: string, more: object = {}) => ({
  success: false,
  error: { code, message: "no", ...more },
});

/** Lets the endpoint give these answers, one after the other, and keeps the bodies that it is sent. */
export function endpointAnswers(...answers: readonly Answer[]): Record<string, unknown>[] {
  const sent: Record<string, unknown>[] = [];
  for (const [status, body, headers] of answers) {
    standInFor("https://api.affonso.io")
      .post("/v1/events", (posted) => {
        sent.push(posted);
        return true;
      })
      .reply(status, body as Body, headers);
  }
  return sent;
}

/** The RelayError that something fails with; fails the test when it does not fail, or fails otherwise. */
export async function failureOf(attempt: () => unknown): Promise<RelayError> {
  try {
    await attempt();
  } catch (error) {
    if (isRelayError(error)) return error;
    throw error;
  }
  return expect.fail("expected a RelayError, and nothing was thrown");
}
