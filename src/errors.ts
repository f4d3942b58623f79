import { isObject } from "./objects.js";

interface ErrorCodeInfo {
  /** HTTP status the provider is answered with. */
  readonly status: number;
  /** Whether the same webhook may succeed later without anybody changing anything. */
  readonly retryable: boolean;
  /** Whether the message is fixed text that helps the sender, so that the HTTP body may carry it. */
  readonly exposeMessage: boolean;
}

/** Every error code of the kit, with the HTTP status that a provider is answered with. */
export const ERROR_CODES = {
  /** An option is missing, unknown or wrong: thrown while the app starts, or by a Lambda that no HTTP request called. */
  invalid_options: { status: 500, retryable: false, exposeMessage: false },
  /** No adapter has this name. */
  unknown_source: { status: 404, retryable: false, exposeMessage: false },
  /** Webhooks are POST requests. */
  method_not_allowed: { status: 405, retryable: false, exposeMessage: false },
  /** The body is larger than `maxBodyBytes`. */
  body_too_large: { status: 413, retryable: false, exposeMessage: false },
  /** The body is compressed, multipart or otherwise not one whose bytes can be verified. */
  unsupported_body: { status: 415, retryable: false, exposeMessage: true },
  /** A parser consumed the body before the relay saw its bytes. */
  body_already_parsed: { status: 500, retryable: false, exposeMessage: true },
  /** The sender hung up before the body was complete; there is nobody left to answer. */
  client_gone: { status: 400, retryable: true, exposeMessage: false },
  /** The signature is missing, wrong, stale or from the future. */
  signature_invalid: { status: 401, retryable: false, exposeMessage: false },
  /** Signed, but not JSON or not the provider's shape. */
  malformed_payload: { status: 400, retryable: false, exposeMessage: false },
  /** A kind of webhook that the adapter knows and cannot take as it is configured. */
  unsupported_webhook: { status: 400, retryable: false, exposeMessage: true },
  /** A mapping, `identify`, an event override, `normalize` or `transform` threw or answered nonsense. */
  mapping_failed: { status: 503, retryable: true, exposeMessage: false },
  /** The event breaks the contract of the events endpoint, so it was not sent. */
  invalid_event: { status: 503, retryable: true, exposeMessage: false },
  /** `relay.send` was given an event that breaks the contract, or whose id another event has: a mistake of its caller. */
  send_refused: { status: 500, retryable: false, exposeMessage: false },
  /** A hook that takes custody of a record (`on.refund`, `on.link`, `on.deadLetter`) threw. */
  hook_failed: { status: 503, retryable: true, exposeMessage: false },
  /** The endpoint did not answer in time, answered 5xx, or asked to slow down. */
  endpoint_unavailable: { status: 503, retryable: true, exposeMessage: false },
  /** The endpoint refuses everything: key, permission, base URL or TLS. A person must act. */
  endpoint_blocked: { status: 503, retryable: true, exposeMessage: false },
  /** The endpoint refused this one event for good, and no `on.deadLetter` hook took it. */
  event_rejected: { status: 503, retryable: false, exposeMessage: false },
  /** The whole webhook did not get done within `timeoutMs`. */
  timed_out: { status: 503, retryable: true, exposeMessage: false },
  /** Asked for what only an outbox can answer, of a relay that was made without one. */
  no_outbox: { status: 500, retryable: false, exposeMessage: false },
  /** The outbox can't commit: its database is locked, full, read-only or gone. */
  outbox_unavailable: { status: 503, retryable: true, exposeMessage: false },
  /** The outbox takes nothing more: too large a backlog, or too little free disk. */
  outbox_full: { status: 503, retryable: true, exposeMessage: false },
  /** `stop()` was called. */
  relay_stopped: { status: 503, retryable: true, exposeMessage: false },
  /** Something that should not happen: please report it. */
  internal_error: { status: 500, retryable: true, exposeMessage: false },
} as const satisfies Record<string, ErrorCodeInfo>;

/** One of the codes in {@link ERROR_CODES}. */
export type RelayErrorCode = keyof typeof ERROR_CODES;

// A registered symbol, so that two copies of the package (ESM and CommonJS, two versions) know each other's errors.
const BRAND = Symbol.for("affonso-relay.error");

interface RelayErrorOptions {
  readonly cause?: unknown;
  readonly retryAfterMs?: number | undefined;
  readonly externalEventId?: string | undefined;
}

/** The one error class of the kit. `message` starts with the code and says what to do next. */
export class RelayError extends Error {
  /** `"RelayError"`, also where a bundler has renamed the class. */
  override readonly name = "RelayError";
  /** What went wrong, as {@link ERROR_CODES} lists it. */
  readonly code: RelayErrorCode;
  /** HTTP status for the provider. */
  readonly status: number;
  /** Whether the same webhook may succeed later without anybody changing anything. */
  readonly retryable: boolean;
  /** How long the sender should wait, in milliseconds, where that is known. */
  declare readonly retryAfterMs: number | undefined;
  /** Id of the event that it is about, where one is known. */
  declare readonly externalEventId: string | undefined;

  constructor(code: RelayErrorCode, message: string, input: RelayErrorOptions = {}) {
    super(`${code}: ${message}`, input);
    const { retryAfterMs, externalEventId } = input;
    const { status, retryable } = ERROR_CODES[code];
    this.code = code;
    this.status = status;
    this.retryable = retryable;
    // Only where there is one: whoever prints an error sees each field that it has.
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs;
    if (externalEventId !== undefined) this.externalEventId = externalEventId;
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** Whether `error` is a {@link RelayError}, also one made by another copy of this package. */
export function isRelayError(error: unknown): error is RelayError {
  return isObject(error) && BRAND in error;
}

/** A `RelayError` stays as it is; anything else becomes one with `code`, and stays behind as its cause. */
export function toRelayError(cause: unknown, code: RelayErrorCode, message: string): RelayError {
  return isRelayError(cause) ? cause : new RelayError(code, message, { cause });
}

/** What follows where nothing was taken. There is no provider behind `relay.send`. */
export const SEND_AGAIN = "nothing was taken; it has to be sent again, as providers do";

/**
 * What a function of the app's own answers.
 *
 * @param what - What the app calls it, such as `on.refund`.
 * @throws RelayError of this code where it throws.
 */
export async function blame<Answer>(
  code: RelayErrorCode,
  what: string,
  run: () => Answer | Promise<Answer>,
  externalEventId?: string,
): Promise<Answer> {
  try {
    return await run();
  } catch (cause) {
    throw new RelayError(code, `${what} threw: ${SEND_AGAIN}`, { cause, externalEventId });
  }
}

/** What was thrown by code of the app that calls the kit's own: an error of the kit stays what it is. */
export function asMappingFailed(cause: unknown, what: string): RelayError {
  return toRelayError(cause, "mapping_failed", `${what} threw: ${SEND_AGAIN}`);
}

/** What a function of the app's own answered in place of what is expected. */
export function wrongAnswer(what: string, answer: unknown, expected: string): RelayError {
  return new RelayError("mapping_failed", `${what} answered ${describeType(answer)}; answer ${expected}`);
}

/** What a wrong value is, in words that show no value: it may be a secret. */
export function describeType(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (value === "") return "an empty string";
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : "an array";
  return isObject(value) ? "an object" : `a ${typeof value}`;
}

/** An `invalid_options` error. */
export function misconfigured(message: string): RelayError {
  return new RelayError("invalid_options", message);
}

/** An `invalid_options` error that says which option, what was expected and what came. */
export function invalidOption(option: string, expected: string, got: unknown): RelayError {
  return misconfigured(`${option} must be ${expected}, got ${describeType(got)}`);
}

/**
 * Refuses an options object with a key that nobody reads: a misspelt option that is silently ignored costs money.
 *
 * @throws RelayError `invalid_options` that names the known keys.
 */
export function assertKnownKeys(of: string, options: unknown, known: readonly string[]): void {
  if (!isObject(options)) throw invalidOption(`the argument of ${of}`, "an object", options);
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) throw misconfigured(`${of} has no option ${key}; it has ${known.join(", ")}`);
  }
}

/** @throws RelayError `invalid_options` unless the value is one of the words. */
export function assertOneOf(option: string, value: unknown, words: readonly string[]): void {
  if (typeof value === "string" && words.includes(value)) return;
  throw invalidOption(option, words.map((word) => `"${word}"`).join(" or "), value);
}

/** @throws RelayError `invalid_options` unless the value is a whole number within the bounds. */
export function assertWholeNumber(option: string, value: unknown, from: number, to: number): void {
  if (Number.isInteger(value) && Number(value) >= from && Number(value) <= to) return;
  throw invalidOption(option, `a whole number from ${from} to ${to}`, value);
}

/** @throws RelayError `invalid_options` unless the value is a function or undefined. */
export function assertFunction(option: string, value: unknown): void {
  if (value !== undefined && typeof value !== "function") throw invalidOption(option, "a function", value);
}

/** One problem that a schema library reports: the Standard Schema part, and what zod adds to it. */
export interface SchemaIssue {
  readonly message?: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
  readonly expected?: unknown;
  readonly keys?: unknown;
  readonly values?: unknown;
}

/**
 * Issues of our own schemas as one line, `field: what is wrong`, at most five of them. They show no value, and of a path
 * only what looks like a field's name: a record's keys may be anything, a customer's address too.
 */
export function describeIssues(issues: readonly SchemaIssue[]): string {
  const lines = issues.slice(0, 5).map((issue) => {
    // Array.from, since arktype's paths are arrays whose `map` does not answer what it is given.
    const parts = Array.from(issue.path ?? [], (part) => nameOf(typeof part === "object" ? part.key : part));
    const problem = problemOf(issue);
    return parts.length === 0 ? problem : `${parts.join(".")}: ${problem}`;
  });
  if (issues.length > 5) lines.push(`and ${issues.length - 5} more`);
  return lines.join("; ");
}

function problemOf({ keys, values, expected, message }: SchemaIssue): string | undefined {
  if (Array.isArray(keys)) return `unknown field ${keys.map(nameOf).join(", ")}`;
  if (Array.isArray(values)) return `expected one of ${values.join(", ")}`;
  return typeof expected === "string" ? `expected ${expected}` : message;
}

/**
 * Issues of a schema that may be the app's. Libraries like to quote what they got, and that may be a customer's address:
 * of their words, only those are shown that can't hold any of it.
 */
export function describeForeignIssues(issues: readonly SchemaIssue[]): string {
  return describeIssues(
    issues.map(({ path, expected }) => ({
      path,
      expected: /^(an? )?[a-z]{1,20}$/i.test(String(expected)) ? expected : undefined,
      message: "not what the schema expects",
    })),
  );
}

/** What may be shown of what others named: no address looks like this. */
export const NAME = /^[\w$.-]{1,64}$/;

/** A key as far as it may be shown: one that looks like no field's name or id may be a customer's address. */
export function nameOf(key: unknown): string {
  return NAME.test(String(key)) ? String(key) : "…";
}
