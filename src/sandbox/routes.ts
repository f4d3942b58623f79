import type { Ledger, LedgerAnswer } from "./ledger.js";
import { parseSegmentTrack } from "./segment.js";
import { type JsonObject, parseClick, parseConversion, parseEvent, parseRefund, parseSignup } from "./validation.js";

/** What a route works on. */
export interface RouteCall {
  readonly ledger: Ledger;
  readonly body: JsonObject;
  /** Path below `/v1`. */
  readonly path: string;
  /** The part of the path that stands for an id. */
  readonly id: string;
}

/** One endpoint. All of them are POST. */
export interface Route {
  readonly pattern: RegExp;
  /** What the key must be allowed to do; undefined: any key. */
  readonly permission: string | undefined;
  /** Whether the team's signing settings cover it. */
  readonly signed: boolean;
  handle(call: RouteCall): LedgerAnswer;
}

const money = { permission: "write:commissions", signed: true } as const;
const tracking = { permission: undefined, signed: false } as const;

const ROUTES: readonly Route[] = [
  { pattern: /^\/events$/, ...money, handle: ({ ledger, body, path }) => ledger.event(parseEvent(body), path) },
  {
    pattern: /^\/conversions$/,
    ...money,
    handle: ({ ledger, body, path }) => ledger.conversion(parseConversion(body), path),
  },
  {
    pattern: /^\/conversions\/([^/]+)\/refund$/,
    ...money,
    handle: ({ ledger, body, path, id }) => ledger.refund(id, parseRefund(body), path),
  },
  {
    pattern: /^\/sources\/custom\/events$/,
    ...money,
    handle: ({ ledger, body, path }) => ledger.event(parseEvent(body), path),
  },
  {
    pattern: /^\/sources\/segment(?:_webhook)?\/events$/,
    ...money,
    handle: ({ ledger, body, path }) => ledger.event(parseSegmentTrack(body), path),
  },
  { pattern: /^\/clicks$/, ...tracking, handle: ({ ledger, body }) => ledger.click(parseClick(body)) },
  { pattern: /^\/signups$/, ...tracking, handle: ({ ledger, body }) => ledger.signup(parseSignup(body)) },
];

/** The route of a path, or undefined where the API has nothing. */
export function matchRoute(fullPath: string): { route: Route; path: string; id: string } | undefined {
  const path = /^\/v1(\/.*)$/.exec(fullPath)?.[1] ?? "";
  for (const route of ROUTES) {
    const match = route.pattern.exec(path);
    if (match !== null) return { route, path, id: decode(match[1] ?? "") };
  }
  return undefined;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // Not an id that was ever given out.
    return "";
  }
}
