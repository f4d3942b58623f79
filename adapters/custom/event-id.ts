import type { NormalizeContext } from "../../src/adapter.js";
import { RelayError } from "../../src/errors.js";
import type { RelayEventInput, RelayRecordInput } from "../../src/event.js";

type RefundRecord = Extract<RelayRecordInput, { kind: "refund" }>;

/** A refund whose `externalEventId` may be left to the verifier's id header. */
export type CustomRefund = Omit<RefundRecord, "externalEventId"> & {
  /** The upstream webhook's id. @default that of the verifier's id header */
  externalEventId?: string | undefined;
};

/**
 * What a custom `normalize` may answer: an event, a refund, a link or a skip. Without an `externalEventId` an event or
 * a refund gets the upstream webhook's id, where the verifier says which header carries it.
 */
export type CustomRecord = RelayEventInput | CustomRefund | Exclude<RelayRecordInput, RelayEventInput | RefundRecord>;

/**
 * Gives the one event or refund without an id the id of the upstream webhook.
 *
 * @throws RelayError `invalid_event` when the id would have to stand for two of them: the endpoint would take the
 * second one for a replay of the first, and drop it.
 */
export function withEventIds(
  records: readonly CustomRecord[],
  idHeaders: readonly string[],
  context: NormalizeContext,
): RelayRecordInput[] {
  if (!records.some(lacksId)) return records.map((record) => complete(record, undefined, context));
  const id = upstreamId(idHeaders, context);
  if (id !== undefined && records.filter((record) => lacksId(record) || idOf(record) === id).length > 1) {
    throw new RelayError(
      "invalid_event",
      `${context.source} made several records of one webhook, which has one id; give each its own externalEventId, ` +
        "such as the webhook's id with the item's id after it",
    );
  }
  return records.map((record) => complete(record, id, context));
}

function upstreamId(idHeaders: readonly string[], context: NormalizeContext): string | undefined {
  const ids = idHeaders.map((name) => context.header(name)).filter((id) => id !== undefined && id !== "");
  if (ids.every((id) => id === ids[0])) return ids[0];
  // Only one of them was signed; after receiveVerified nobody here knows which one.
  throw new RelayError("malformed_payload", `headers ${idHeaders.join(" and ")} name different webhook ids`);
}

function complete(record: CustomRecord, id: string | undefined, context: NormalizeContext): RelayRecordInput {
  if (record.kind === "link" || record.kind === "skip") return record;
  const externalEventId = record.externalEventId ?? id;
  if (externalEventId !== undefined) return { ...record, externalEventId };
  if (record.kind !== "refund") return record;
  throw new RelayError(
    "invalid_event",
    `${context.source} made a refund without an externalEventId, and no header carries the webhook's id`,
  );
}

function lacksId(record: CustomRecord): boolean {
  return record.kind !== "link" && record.kind !== "skip" && record.externalEventId === undefined;
}

function idOf(record: CustomRecord): string | undefined {
  return record.kind === "link" || record.kind === "skip" ? undefined : record.externalEventId;
}
