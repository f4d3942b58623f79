import middy from "@middy/core";
import httpJsonBodyParser from "@middy/http-json-body-parser";
import type { LambdaFunction } from "./gateway.js";

/** As most people run a function: in middy. */
export const inMiddy = (handler: LambdaFunction) => middy(handler) as LambdaFunction;

/** An option that its types lack. Without it, it wants the type in `headers`, and a load balancer may send no such thing. */
const ANY_TYPE: object = { disableContentTypeCheck: true };

/** A function with middy's JSON parser in front, and in front of that what the relay's advice says where it must stay. */
export function parsesJson(handler: LambdaFunction, { keepsRawBody = false } = {}): LambdaFunction {
  const keep = ({ event }: { event: { body?: unknown; rawBody?: unknown } }) => {
    event.rawBody = event.body;
  };
  const parsing = middy(handler);
  if (keepsRawBody) parsing.before(keep);
  return parsing.use(httpJsonBodyParser(ANY_TYPE)) as LambdaFunction;
}
