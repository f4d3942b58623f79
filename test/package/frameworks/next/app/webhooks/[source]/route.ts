import { createNextRouteHandler } from "affonso-relay/next";
import type { NextRequest } from "next/server.js";

export function POST(request: NextRequest): Promise<Response> {
  return createNextRouteHandler(servedRelay)(request);
}
