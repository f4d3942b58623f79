import type { APIRoute } from "astro";
import { handler } from "../../lib/relay.js";

export const prerender = false;

export const ALL: APIRoute = ({ request }) => handler(request);
