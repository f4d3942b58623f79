import type { APIRoute } from "astro";
import { handler } from "../../../lib/relay.js";

export const prerender = false;

export const POST: APIRoute = async ({ request }) => {
  await request.json();
  return handler(request);
};
