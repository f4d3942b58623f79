import { json, type RequestHandler } from "@sveltejs/kit";
import { handler } from "../../../lib/relay.js";

/** The app's own parser, in front of all below it. */
export const POST: RequestHandler = async ({ request, params }) => {
  const parsed = await request.clone().json();
  return params["path"] === "echo" ? json(parsed) : handler(request);
};
