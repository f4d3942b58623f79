import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import Stripe from "stripe";
import { expect } from "vitest";
import type { StripeEventInput } from "../../../adapters/stripe/index.js";
import type { WebhookAdapter, WebhookRequest } from "../../../src/adapter.js";
import type { RelayOptions } from "../../../src/options.js";
import { createRelay } from "../../../src/relay.js";
import { recordingLogger } from "../../helpers/relay.js";

export const SECRET = "whsec_fixture7hQ2mZpX0aVw4LtKc9RyNs";
export const OTHER_SECRET = "whsec_fixtureOfAnotherEndpoint00000";
/** 2025-10-09T08:55:00Z, when the fixtures were paid; their events were made 7 s later. */
export const NOW_SECONDS = 1_760_000_100;
export const NOW_MS = NOW_SECONDS * 1000;
export const BODY = JSON.stringify({ id: "evt_1", object: "event", type: "customer.created", note: "Zoë ☂" });

type Fields = Record<string, unknown>;

/** A payload of test/fixtures/stripe, new on each call, so that a test may change it. */
export function fixture(name: string): StripeEventInput {
  return JSON.parse(readFileSync(new URL(`../../fixtures/stripe/${name}.json`, import.meta.url), "utf8"));
}

/** A fixture with other fields in its envelope. */
export function withEvent(name: string, changes: Fields): StripeEventInput {
  return { ...fixture(name), ...changes };
}

/** A fixture with other fields in its object; a field that is undefined is left out. */
export function withObject(name: string, changes: Fields): StripeEventInput {
  const event = fixture(name);
  return { ...event, data: { ...event.data, object: without({ ...event.data.object, ...changes }) } };
}

/** An invoice with these lines, each of them the fixture's first one with other fields. */
export function withLines(name: string, lines: readonly Fields[], changes: Fields = {}): StripeEventInput {
  const { object } = fixture(name).data as { object: { lines: { data: Fields[] } } };
  const [first] = object.lines.data;
  const data = lines.map((line) => without({ ...first, ...line }));
  return withObject(name, { ...changes, lines: { ...object.lines, data, total_count: data.length } });
}

function without(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** A signature as Stripe's documentation describes it, by node:crypto. */
export function v1(
  body: string | Uint8Array = BODY,
  secret = SECRET,
  timestamp: number | string = NOW_SECONDS,
): string {
  return createHmac("sha256", secret).update(`${timestamp}.`).update(body).digest("hex");
}

/** The header as the vendor's own code makes it for tests. */
export function vendorHeader(payload: string = BODY, secret = SECRET, timestamp = NOW_SECONDS): string {
  return Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
}

/** A request with this Stripe-Signature header. */
export function request(signature: string | readonly string[] | undefined, body: string | Uint8Array = BODY) {
  const headers = signature === undefined ? {} : { "stripe-signature": signature };
  return { body, headers } satisfies WebhookRequest;
}

/** A payload as Stripe sends it, signed for `NOW_MS`. */
export function signed(payload: object): WebhookRequest {
  const body = JSON.stringify(payload);
  return request(vendorHeader(body), body);
}

/** A relay whose clock stands at `NOW_MS`. */
export function relayOf<Payload>(
  adapter: WebhookAdapter<"stripe", Payload>,
  changes: Pick<RelayOptions, "on" | "logger"> = {},
) {
  const adapters = [adapter] as const;
  return createRelay({
    apiKey: "sk_live_test",
    logger: recordingLogger().logger,
    ...changes,
    adapters,
    clock: () => NOW_MS,
  });
}

/** The RelayError that a promise ends with. */
export async function failureOf(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toMatchObject({ name: "RelayError", code: expect.any(String) });
  return error as { code: string; message: string };
}
