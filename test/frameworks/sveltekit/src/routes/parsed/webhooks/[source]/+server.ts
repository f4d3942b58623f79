import type { RequestHandler } from "@sveltejs/kit";
import { handler } from "../../../../lib/relay.js";

export const POST: RequestHandler = async ({ request }) => {
  await request.json();
  return handler(request);
};
