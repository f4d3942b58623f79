import { copyFor } from "./copy.js";
import { blame, RelayError, wrongAnswer } from "./errors.js";
import { hasIdentity, type RelayEvent, type RelayRecord } from "./event.js";
import { parseEvent } from "./event-schema.js";
import { mapIds } from "./mapping.js";
import type { ResolvedOptions } from "./options.js";
import type { Sink } from "./sink.js";

/** What records are made ready with. */
export type PrepareOptions = Pick<ResolvedOptions, "mappings" | "transform"> & Pick<Sink, "findsIdentity">;

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
  if (ready.length > 1) assertDistinctIds(ready);
  return ready;
}

/**
 * Maps ids and asks `transform`. An event that nobody is named on becomes a skip, since the endpoint refuses it, unless a
 * link may tell who it belongs to.
 */
async function prepare(record: RelayRecord, options: PrepareOptions): Promise<RelayRecord> {
  if (record.kind !== "event") return record;
  const { source, externalEventId, sale, paid } = record;
  const skip = { kind: "skip", source, externalEventId } as const;
  const event = await applyTransform(await mapIds(record, options.mappings), options);
  if (event === null) return { ...skip, reason: "dropped", message: "transform dropped it" };
  if (!hasIdentity(event.identity) && !(options.findsIdentity && hasIdentity(event.references))) {
    return { ...skip, reason: "no_identity", message: "it names nobody" };
  }
  // Where the app made another amount of the sale, refunds are still of what was paid.
  const isSame = event.sale?.minorUnits === sale?.minorUnits && event.sale?.currency === sale?.currency;
  const measure = event.paid ?? paid ?? (isSame ? undefined : sale);
  return measure === event.paid ? event : { ...event, paid: measure };
}

/** What the app's own code made of an event is checked again. */
async function applyTransform(event: RelayEvent, { mappings, transform }: PrepareOptions): Promise<RelayEvent | null> {
  if (transform === undefined) {
    const isAsked = Object.values(mappings).some((mapping) => typeof mapping === "function");
    return isAsked ? parseEvent(event, event.source) : event;
  }
  const transformed: unknown = await blame("mapping_failed", "transform", () => transform(copyFor(event)));
  if (transformed === null) return null;
  if (typeof transformed === "object") return parseEvent(transformed, `${event.source} after transform`);
  throw wrongAnswer("transform", transformed, "the event, or null to drop it");
}

/** The second of two with one id or one key would be taken for the first one come again: lost without a word. */
function assertDistinctIds(records: readonly RelayRecord[]): void {
  for (const name of ["externalEventId", "businessKey"] as const) {
    const ids = records.flatMap((record) => {
      const id = record.kind === "event" || record.kind === "refund" ? record[name] : undefined;
      return id === undefined ? [] : [`${record.kind} ${id}`];
    });
    if (new Set(ids).size === ids.length) continue;
    throw new RelayError("invalid_event", `two records of one webhook have one ${name}`);
  }
}
