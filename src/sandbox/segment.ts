import * as z from "zod/mini";
import { validationError } from "./api-error.js";
import { type EventInput, type JsonObject, parseEvent } from "./validation.js";

const trackSchema = z.object({
  type: z._default(z.literal("track", "must be track"), "track"),
  event: z.string("is required"),
  messageId: z.string("is required"),
  userId: z.optional(z.string("must be a string")),
  timestamp: z.optional(z.unknown()),
  properties: z._default(z.record(z.string(), z.unknown(), "must be an object"), {}),
});

/** Reads a Segment track call as an event: "Order Completed" is a sale, anything else what `event_type` says. */
export function parseSegmentTrack(body: JsonObject): EventInput {
  const result = trackSchema.safeParse(body);
  if (!result.success) {
    throw validationError(result.error.issues.map(({ path, message }) => ({ field: path.join("."), message })));
  }
  const { event, messageId, userId, timestamp, properties } = result.data;
  return parseEvent({
    ...properties,
    event_name: event,
    event_type: event === "Order Completed" ? "conversion" : properties["event_type"],
    external_event_id: messageId,
    external_user_id: userId ?? properties["external_user_id"],
    occurred_at: timestamp,
    sale_amount: properties["revenue"],
    sale_amount_currency: properties["currency"],
  });
}
