import { toWire } from "./endpoint/wire.js";
import { describeType, RelayError } from "./errors.js";
import { hasIdentity, type RelayEvent, type RelayRecord } from "./event.js";
import { parseEvent } from "./event-schema.js";
import { mapIds } from "./mapping.js";
import { toMajorUnits } from "./money.js";
import type { ResolvedOptions } from "./options.js";

/** What records are made ready with. */
export type PrepareOptions = Pick<ResolvedOptions, "mappings" | "transform">;

/**
 * The records of one webhook as they will be sent: ids mapped, `transform` asked, checked against the contract.
 *
 * @throws RelayError `mapping_failed` or `invalid_event`.
 */
export async function prepareRecords(
  records: readonly RelayRecord[],
  options: PrepareOptions,
): Promise<readonly RelayRecord[]> {
  const ready = await Promise.all(records.map((record) => prepare(record, options)));
  assertDistinctIds(ready);
  return ready;
}

/** Maps ids and asks `transform`; an event that nobody is named on becomes a skip, since the endpoint refuses it. */
async function prepare(record: RelayRecord, options: PrepareOptions): Promise<RelayRecord> {
  // An amount that can't be written must be found before a sibling is sent.
  if (record.kind === "refund") toMajorUnits(record.amount);
  if (record.kind !== "event") return record;
  const { source, externalEventId } = record;
  // As they came: transform may well change the event that it is given.
  const sale = record.sale && { ...record.sale };
  const paid = record.paid && { ...record.paid };
  const event = await applyTransform(await mapIds(record, options.mappings), options.transform);
  if (event === null) {
    return { kind: "skip", source, reason: "dropped", externalEventId, message: "transform dropped it" };
  }
  toWire(event);
  if (!hasIdentity(event.identity)) {
    const message = "it names no referral, customer, user or click";
    return { kind: "skip", source, reason: "no_identity", externalEventId, message };
  }
  // Where the app made another amount of the sale, refunds are still of what was paid.
  const isSame = event.sale?.minorUnits === sale?.minorUnits && event.sale?.currency === sale?.currency;
  const measure = event.paid ?? (isSame ? paid : (paid ?? sale));
  return measure === undefined ? event : { ...event, paid: measure };
}

async function applyTransform(event: RelayEvent, transform: PrepareOptions["transform"]): Promise<RelayEvent | null> {
  let transformed: unknown = event;
  try {
    if (transform !== undefined) transformed = await transform(event);
  } catch (cause) {
    throw new RelayError(
      "mapping_failed",
      "transform threw: nothing was taken, and it has to be sent again, as a provider does by itself",
      {
        cause,
      },
    );
  }
  if (transformed === null) return null;
  const by = transform === undefined ? event.source : `transform, given an event of ${event.source},`;
  if (typeof transformed === "object") return parseEvent(transformed, by);
  const answer = describeType(transformed);
  throw new RelayError("mapping_failed", `transform answered ${answer}; answer the event, or null to drop it`);
}

/** The second of two with one id or one key would be taken for the first one come again: lost without a word. */
function assertDistinctIds(records: readonly RelayRecord[]): void {
  const seen = new Set<string>();
  for (const record of records) {
    if (record.kind !== "event" && record.kind !== "refund") continue;
    for (const name of ["externalEventId", "businessKey"] as const) {
      const value = record[name];
      const key = JSON.stringify([record.kind, name, value]);
      if (value !== undefined && seen.has(key)) {
        throw new RelayError(
          "invalid_event",
          `${record.source} made two ${record.kind}s of one webhook with one ${name}`,
        );
      }
      seen.add(key);
    }
  }
}
