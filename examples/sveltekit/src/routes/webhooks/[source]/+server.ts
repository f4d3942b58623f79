import type { RequestHandler } from "@sveltejs/kit";
// `$lib/server/relay` in an app of your own.
import { handleWebhook } from "../../../lib/server/relay.js";

/** Takes `POST /webhooks/stripe`. */
export const POST: RequestHandler = ({ request }) => handleWebhook(request);
