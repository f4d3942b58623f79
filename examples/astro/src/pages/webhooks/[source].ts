import type { APIRoute } from "astro";
import { handleWebhook } from "../../lib/relay.js";

export const prerender = false;

/** Takes `POST /webhooks/stripe`, and answers 405 to other methods. */
export const ALL: APIRoute = ({ request }) => handleWebhook(request);
