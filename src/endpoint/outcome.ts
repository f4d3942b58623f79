import { ID_PATTERN } from "../event.js";

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
export type BlockedReason = "unauthorized" | "forbidden" | "misconfigured_endpoint" | "redirected" | "tls";

/** What a person has to do. */
export const BLOCKED_ADVICE: Readonly<Record<BlockedReason, string>> = {
  unauthorized: "the endpoint refused the key or the signature: check apiKey and signingSecret",
  forbidden: "the endpoint refused the key's permission: it needs write:commissions",
  misconfigured_endpoint: "what answers at baseUrl is not the events endpoint: check baseUrl and any proxy",
  redirected: "what answers at baseUrl redirects, and redirects are not followed: check baseUrl",
  tls: "the endpoint's certificate can't be verified: check baseUrl, the clock and the CA certificates",
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
  | { readonly kind: "failed"; readonly reason: "timeout" | "network" | "server_error"; readonly status?: number };

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
const NEVER_TAKEN = new Set([413, 415, 501, 505]);
const MAX_TEXT = 2_000;

/**
 * Classifies an answer by its status and its envelope. Both count: a 404 without the endpoint's envelope comes from a
 * proxy or a wrong base URL, and a 200 without it from a captive portal; neither says anything about the event.
 */
export function classifyResponse(response: EndpointResponse, nowMs: number): Outcome {
  const { status } = response;
  const envelope = readEnvelope(response.body);
  const error: EndpointError = { status, ...envelope?.error };

  if (status >= 200 && status < 300) {
    if (envelope?.data === undefined) return { kind: "blocked", reason: "misconfigured_endpoint", error };
    return { kind: "delivered", duplicate: envelope.data["replayed"] === true, data: envelope.data };
  }
  // Status 0 is how a browser-like fetch reports a redirect that it was told not to follow.
  if (status === 0 || (status >= 300 && status < 400)) return { kind: "blocked", reason: "redirected", error };
  if (status === 429) return { kind: "throttled", retryAfterMs: throttleMs(response, envelope?.retryAfter, nowMs) };
  if (status === 401) return { kind: "blocked", reason: "unauthorized", error };
  // 402: the team's plan does not cover it. Like a missing permission, it says nothing about the event.
  if (status === 402 || status === 403) return { kind: "blocked", reason: "forbidden", error };
  if (NEVER_TAKEN.has(status)) return { kind: "rejected", error };
  if (status === 408 || status === 425 || status >= 500) return { kind: "failed", reason: "server_error", status };
  if (error.code === undefined) return { kind: "blocked", reason: "misconfigured_endpoint", error };
  if (status === 404 && error.code === "NOT_FOUND") return { kind: "unmatched", error };
  if (status === 409 && error.code === "DUPLICATE_ERROR") return { kind: "delivered", duplicate: true, data: {} };
  if (status === 404 || status === 405) return { kind: "blocked", reason: "misconfigured_endpoint", error };
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

/** Classifies what `fetch` threw. */
export function classifyFailure(error: unknown): Outcome {
  for (const cause of causesOf(error)) {
    if (cause.name === "TimeoutError" || cause.name === "AbortError") return { kind: "failed", reason: "timeout" };
    if (TLS_CODE.test(cause.code)) return { kind: "blocked", reason: "tls" };
  }
  return { kind: "failed", reason: "network" };
}

// OpenSSL's verification results and Node's own: https://nodejs.org/api/tls.html#x509-certificate-error-codes
const TLS_CODE =
  /^(ERR_TLS_|ERR_SSL_|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO_|INVALID_(CA|PURPOSE)|PATH_LENGTH_|ERROR_IN_C|HOSTNAME_MISMATCH)/;

function* causesOf(error: unknown): Generator<{ name: string; code: string }> {
  for (let cause = error, depth = 0; typeof cause === "object" && cause !== null && depth < 5; depth++) {
    const { name, code } = cause as { name?: unknown; code?: unknown };
    yield { name: String(name ?? ""), code: String(code ?? "") };
    cause = (cause as { cause?: unknown }).cause;
  }
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
  if (value["success"] !== false || !isObject(error) || typeof error["code"] !== "string") return undefined;
  return {
    error: {
      code: error["code"].slice(0, 100),
      message: typeof error["message"] === "string" ? error["message"].slice(0, MAX_TEXT) : undefined,
      field: typeof error["field"] === "string" ? error["field"].slice(0, 100) : undefined,
      details: Array.isArray(error["details"]) ? error["details"].slice(0, 20) : undefined,
    },
    retryAfter: error["retryAfter"],
  };
}

/** The longest that is asked for, of what makes sense: from one second to ten minutes. */
function throttleMs({ headers }: EndpointResponse, bodyRetryAfter: unknown, nowMs: number): number {
  // A reset is a moment of the endpoint's clock, so it is measured against the endpoint's own Date.
  const endpointNowMs = Date.parse(headers.get("date") ?? "") || nowMs;
  const reset = (seconds(headers.get("x-ratelimit-reset")) ?? Number.NaN) - endpointNowMs;
  const waits = [
    seconds(headers.get("retry-after")) ?? Date.parse(headers.get("retry-after") ?? "") - endpointNowMs,
    typeof bodyRetryAfter === "number" ? bodyRetryAfter * 1000 : Number.NaN,
    // Windows are minutes: a reset that is further off is in another unit, or of a clock that is wrong.
    reset <= MAX_THROTTLE_MS ? reset : Number.NaN,
  ].filter((wait) => wait > 0);
  if (waits.length === 0) return DEFAULT_THROTTLE_MS;
  return Math.min(Math.max(...waits, MIN_THROTTLE_MS), MAX_THROTTLE_MS);
}

function seconds(header: string | null): number | undefined {
  return header !== null && /^\d+(\.\d+)?$/.test(header) ? Number(header) * 1000 : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
