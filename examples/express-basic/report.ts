import type { Sandbox } from "affonso-relay/sandbox";
import { formatTable } from "./table.js";

/** What one webhook came to, from its sender's side and from the endpoint's. */
export interface Outcome {
  readonly title: string;
  /** Status of the answer that the sender got. */
  readonly status: number;
  /** What the relay says became of it. */
  readonly relayStatus: string;
  /** What became of it in the end. */
  readonly fate: string;
  /** The id under which the endpoint has it. */
  readonly eventId: string;
}

/** The outcomes as a table: what came in, what the sender was told, what was sent on, what the endpoint answered. */
export function formatReport(outcomes: readonly Outcome[], sandbox: Sandbox): string {
  const rows = outcomes.map(({ title, status, relayStatus, eventId }) => {
    const { sent, answered } = describe(eventId, sandbox);
    return [title, `${status} ${relayStatus}`, sent, answered];
  });
  return formatTable(["came in", "its sender got", "sent on as", "the endpoint answered"], rows);
}

function describe(eventId: string, sandbox: Sandbox): { sent: string; answered: string } {
  const event = sandbox.events.find((taken) => taken.external_event_id === eventId);
  if (event === undefined) return { sent: "-", answered: "-" };
  const sent = `${event.event_type} ${event.event_name}`;
  const conversion = sandbox.conversions.find(({ id }) => id === event.transaction_id);
  if (conversion === undefined) {
    const status = sandbox.referrals.find(({ id }) => id === event.referral_id)?.status;
    return { sent, answered: `${event.referral_id} is now ${status}` };
  }
  const sale = `${conversion.sale_amount} ${conversion.sale_amount_currency}`;
  const commission = `${conversion.commission_amount} ${conversion.commission_currency}`;
  return { sent: `${sent}, ${sale}`, answered: `${conversion.referral_id} earns ${commission}` };
}
