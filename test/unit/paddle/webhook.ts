import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import type { PaddleEventInput } from "../../../adapters/paddle/index.js";
import type { WebhookRequest } from "../../../src/adapter.js";

export const SECRET = "pdl_ntfset_01fixture_S3cretOfTheDestination/+A";
export const BODY =
  '{"event_id":"evt_1","event_type":"customer.created","occurred_at":"2026-03-02T09:15:33Z","data":{}}';
export const NOW_SECONDS = 1_772_442_933;
export const NOW_MS = NOW_SECONDS * 1000;

/** A payload of test/fixtures/paddle, new on each call, so that a test may change it. */
export function fixture(name: string): PaddleEventInput {
  return JSON.parse(readFileSync(new URL(`../../fixtures/paddle/${name}.json`, import.meta.url), "utf8"));
}

/** A fixture with other totals. */
export function withTotals(name: string, totals: Record<string, string | null | undefined>): PaddleEventInput {
  const event = structuredClone(fixture(name));
  const data = event.data as { details: { totals: Record<string, unknown> } };
  Object.assign(data.details.totals, totals);
  return event;
}

/** A fixture with other fields in its entity. */
export function withData(name: string, data: Record<string, unknown>): PaddleEventInput {
  const event = fixture(name);
  return { ...event, data: { ...event.data, ...data } };
}

/** The signature as Paddle's documentation describes it, by node:crypto. */
export function h1(
  body: string | Uint8Array = BODY,
  secret = SECRET,
  timestamp: number | string = NOW_SECONDS,
): string {
  return createHmac("sha256", secret).update(`${timestamp}:`).update(body).digest("hex");
}

/** A request with this Paddle-Signature header. */
export function request(signature: string | undefined, body: string | Uint8Array = BODY): WebhookRequest {
  return { body, headers: signature === undefined ? {} : { "paddle-signature": signature } };
}
