import type { RequestHandler } from "@sveltejs/kit";
import { handler } from "../../../lib/relay.js";

export const POST: RequestHandler = ({ request }) => handler(request);
