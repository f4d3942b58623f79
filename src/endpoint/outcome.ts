import { ID_PATTERN } from "../event.js";
import { isObject } from "../objects.js";

/** What the endpoint says of an error, cut to a length that fits a log line. */
export interface EndpointError {
  readonly status: number;
  /** The endpoint's own code, such as `VALIDATION_ERROR`; undefined where the answer was not the endpoint's. */
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  readonly field?: string | undefined;
  readonly details?: readonly unknown[] | undefined;
}

/** Why nothing at all will get through until a person acts. */
export type BlockedReason =
  | "unauthorized"
  | "forbidden"
  | "misconfigured_endpoint"
  | "redirected"
  | "tls"
  | "private_network";

/** What a person has to do. */
export const BLOCKED_ADVICE: Readonly<Record<BlockedReason, string>> = {
  unauthorized: "the endpoint refused the key or the signature: check apiKey and signingSecret",
  forbidden: "the endpoint refused the key: it needs the permission write:commissions",
  misconfigured_endpoint: "what answers at baseUrl is not the events endpoint: check baseUrl and any proxy",
  redirected: "redirects are not followed: check baseUrl",
  tls: "the endpoint's certificate can't be verified: check baseUrl, clock and CA certificates",
  private_network: "baseUrl leads to a private network; to send there, set allowPrivateNetwork: true",
};

/** What one attempt came to. `kind` decides what happens next, and nothing else does. */
export type Outcome =
  /** The endpoint took it (`duplicate: false`) or had it already. */
  | { readonly kind: "delivered"; readonly duplicate: boolean; readonly data: Readonly<Record<string, unknown>> }
  /** No such referral: the normal case, since most customers were referred by nobody. */
  | { readonly kind: "unmatched"; readonly error: EndpointError }
  /** This event will never be taken. */
  | { readonly kind: "rejected"; readonly error: EndpointError }
  /** No event will be taken until a person acts; this one is as good as before. */
  | { readonly kind: "blocked"; readonly reason: BlockedReason; readonly error?: EndpointError | undefined }
  /** Too many requests; not a failed attempt. */
  | { readonly kind: "throttled"; readonly retryAfterMs: number }
  /** May well work later. */
  | {
      readonly kind: "failed";
      readonly reason: "timeout" | "network" | "server_error";
      readonly status?: number | undefined;
      /** The code of the system, of Node or of undici, such as `ECONNREFUSED`, where there was no answer. */
      readonly code?: string | undefined;
    };

/** The parts of an HTTP answer that decide. */
export interface EndpointResponse {
  readonly status: number;
  readonly headers: Pick<Headers, "get">;
  /** The body as text, or as much of it as was read. */
  readonly body: string;
}

const DEFAULT_THROTTLE_MS = 30_000;
const MIN_THROTTLE_MS = 1_000;
const MAX_THROTTLE_MS = 600_000;
// No later attempt can be smaller, of another type or speak another HTTP version.
const NEVER_TAKEN = [413, 415, 501, 505];

/**
 * Classifies an answer by its status and its envelope. Both count: a 404 without the endpoint's envelope comes from a
 * proxy or a wrong base URL, and a 200 without it from a captive portal; neither says anything about the event.
 */
export function classifyResponse(response: EndpointResponse, nowMs: number): Outcome {
  const { status } = response;
  const envelope = readEnvelope(response.body);
  const error: EndpointError = { status, ...envelope?.error };
  const blocked = (reason: BlockedReason): Outcome => ({ kind: "blocked", reason, error });

  if (status >= 200 && status < 300) {
    const data = envelope?.data;
    return data ? { kind: "delivered", duplicate: data["replayed"] === true, data } : blocked("misconfigured_endpoint");
  }
  // Status 0 is how a browser-like fetch reports a redirect that it was told not to follow.
  if (status < 400) return blocked("redirected");
  if (status === 429) return { kind: "throttled", retryAfterMs: throttleMs(response, envelope?.retryAfter, nowMs) };
  if (status === 401) return blocked("unauthorized");
  // 402: the team's plan does not cover it. Like a missing permission, it says nothing about the event.
  if ([402, 403].includes(status)) return blocked("forbidden");
  if (NEVER_TAKEN.includes(status)) return { kind: "rejected", error };
  if ([408, 425].includes(status) || status >= 500) return { kind: "failed", reason: "server_error", status };
  if (status === 404 && error.code === "NOT_FOUND") return { kind: "unmatched", error };
  if (status === 409 && error.code === "DUPLICATE_ERROR") return { kind: "delivered", duplicate: true, data: {} };
  if (error.code === undefined || status === 404 || status === 405) return blocked("misconfigured_endpoint");
  return { kind: "rejected", error };
}

/** Whether a body has the endpoint's envelope, whatever it says. */
export function isEndpointAnswer(body: string): boolean {
  return readEnvelope(body) !== undefined;
}

/**
 * The conversion's id in an answer, for the path of a refund: "." and ".." would lead to another path, and what is no id
 * can't be written in one.
 */
export function conversionIdOf({ data: { id } }: Outcome & { kind: "delivered" }): string | undefined {
  return typeof id === "string" && ID_PATTERN.test(id) && !/^\.\.?$/.test(id) ? id : undefined;
}

/** The code of an error that a transport throws in place of connecting to a private address. */
export const PRIVATE_ADDRESS = "ERR_PRIVATE_ADDRESS";

/** Classifies what a transport threw. */
export function classifyFailure(error: unknown): Outcome {
  const words = namesAndCodesOf(error);
  const one = (pattern: RegExp) => words.find((word) => pattern.test(word));
  if (one(/^(Timeout|Abort)Error$/)) return { kind: "failed", reason: "timeout" };
  if (words.includes(PRIVATE_ADDRESS)) return { kind: "blocked", reason: "private_network" };
  if (one(TLS_CODE)) return { kind: "blocked", reason: "tls" };
  return { kind: "failed", reason: "network", code: one(SYSTEM_CODE) };
}

/** Such as `ECONNREFUSED`, `UND_ERR_SOCKET`: nothing that could be a key or a URL. */
const SYSTEM_CODE = /^[A-Z][A-Z\d_]{1,63}$/;
// OpenSSL's verification results and Node's own: https://nodejs.org/api/tls.html#x509-certificate-error-codes
const TLS_CODE = /CERT|CRL_|TLS_|SSL_|UNABLE_TO_|INVALID_(CA|PURPOSE)|PATH_LENGTH_|HOSTNAME_MISMATCH/;

/** An error's name and code, its cause's, and so on. */
function namesAndCodesOf(error: unknown): readonly string[] {
  const words: string[] = [];
  for (let cause = error; isObject(cause) && words.length < 10; cause = cause["cause"]) {
    words.push(String(cause["name"]), String(cause["code"]));
  }
  return words;
}

interface Envelope {
  readonly data?: Readonly<Record<string, unknown>> | undefined;
  readonly error?: Omit<EndpointError, "status"> | undefined;
  readonly retryAfter?: unknown;
}

function readEnvelope(body: string): Envelope | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  if (value["success"] === true) return { data: isObject(value["data"]) ? value["data"] : {} };
  const error = value["error"];
  if (value["success"] !== false || !isObject(error)) return undefined;
  const { code, message, field, details, retryAfter } = error;
  if (typeof code !== "string") return undefined;
  return {
    error: {
      code: code.slice(0, 100),
      message: textOf(message, 2_000),
      field: textOf(field, 100),
      details: Array.isArray(details) ? details.slice(0, 20) : undefined,
    },
    retryAfter,
  };
}

function textOf(value: unknown, length: number): string | undefined {
  return typeof value === "string" ? value.slice(0, length) : undefined;
}

/** The longest that is asked for, of what makes sense: from one second to ten minutes. */
function throttleMs({ headers }: EndpointResponse, bodyRetryAfter: unknown, nowMs: number): number {
  // A reset is a moment of the endpoint's clock, so it is measured against the endpoint's own Date.
  const endpointNowMs = Date.parse(headers.get("date") ?? "") || nowMs;
  const reset = (seconds(headers.get("x-ratelimit-reset")) ?? 0) - endpointNowMs;
  const retryAfter = headers.get("retry-after");
  const waits = [
    seconds(retryAfter) ?? Date.parse(retryAfter ?? "") - endpointNowMs,
    typeof bodyRetryAfter === "number" ? bodyRetryAfter * 1000 : 0,
    // Windows are minutes: a reset that is further off is in another unit, or of a clock that is wrong.
    reset <= MAX_THROTTLE_MS ? reset : 0,
  ].filter((wait) => wait > 0);
  if (waits.length === 0) return DEFAULT_THROTTLE_MS;
  return Math.min(Math.max(...waits, MIN_THROTTLE_MS), MAX_THROTTLE_MS);
}

function seconds(header: string | null): number | undefined {
  return header !== null && /^\d+(\.\d+)?$/.test(header) ? Number(header) * 1000 : undefined;
}
