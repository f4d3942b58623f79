import type { WebhookAdapter, WebhookHeaders, WebhookRequest } from "../../src/adapter.js";
import { headerOf } from "../../src/adapter.js";
import type { RelayRecord } from "../../src/event.js";
import { parseRecord } from "../../src/event-schema.js";

/** The records that an adapter makes of a payload, checked and completed as the relay does it. */
export async function recordsOf<Payload>(
  adapter: WebhookAdapter<string, Payload>,
  payload: Payload,
  headers: WebhookHeaders = {},
): Promise<RelayRecord[]> {
  const context = { source: adapter.name, header: (name: string) => headerOf(headers, name) };
  const records = await adapter.normalize(payload, context);
  return records.map((record) => parseRecord(record, adapter.name));
}

/** Verifies a signed request at a given time, as the relay does it. */
export function verifyAt(adapter: WebhookAdapter, request: WebhookRequest, nowMs: number): Promise<unknown> {
  return adapter.verify(request, { nowMs });
}
