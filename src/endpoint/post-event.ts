import { hasIdentity, type Identity, type RelayEvent } from "../event.js";
import type { Outcome } from "./outcome.js";
import { toWire, type WireEvent } from "./wire.js";

/** What became of an event, and the event as it was sent. */
export interface PostedEvent {
  readonly outcome: Outcome;
  readonly event: RelayEvent;
}

/**
 * Sends an event, and where its ids are refused together, by its referral alone; where no referral is known by them, without
 * its referral. A customer who comes back through another affiliate is known to the endpoint under the first one, and all
 * ids of an event must speak of one referral; what a cookie or a payment link says may be none at all. Neither is worth the
 * sale.
 *
 * @param event - Its `external_event_id` goes with each request, so that it counts once.
 * @param alone - Whether its ids are known to disagree: the referral is then sent alone from the first.
 * @param post - Sends one request.
 */
export async function postEvent(
  event: RelayEvent,
  alone: boolean,
  post: (payload: WireEvent) => Promise<Outcome>,
): Promise<PostedEvent> {
  const { referralId, ...others } = event.identity;
  const isMixed = Boolean(referralId) && hasIdentity(others);
  const send = async (identity: Identity): Promise<PostedEvent> => {
    const sent = { ...event, identity };
    return { outcome: await post(toWire(sent)), event: sent };
  };
  let posted = await send(isMixed && alone ? { referralId } : event.identity);
  // Of two refusals, the first one is of all that the event says.
  const sendAgain = async (identity: Identity) => {
    const next = await send(identity);
    if (next.outcome.kind !== "rejected") posted = next;
  };
  if (isMixed && !alone && mayBeTheIds(posted.outcome)) await sendAgain({ referralId });
  if (isMixed && posted.outcome.kind === "unmatched") await sendAgain(others);
  return posted;
}

/** Whether it may be the ids that the endpoint refuses: it names one of them, or nothing at all. */
function mayBeTheIds(outcome: Outcome): boolean {
  if (outcome.kind !== "rejected" || outcome.error.status !== 400) return false;
  const { field, details = [] } = outcome.error;
  const named = JSON.stringify([field, ...details]);
  return named === "[null]" || /\b(referral|customer|external_user|click)_id\b/.test(named);
}
