import type { APIRoute } from "astro";
import { handler } from "../../lib/relay.js";

export const prerender = false;

/** The app's own parser, in front of all below it. */
export const POST: APIRoute = async ({ request, params }) => {
  const parsed = await request.clone().json();
  return params["path"] === "echo" ? Response.json(parsed) : handler(request);
};
