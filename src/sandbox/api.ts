import type { IncomingHttpHeaders } from "node:http";
import { type Answer, json, plain } from "./answer.js";
import { ApiError, errorEnvelope, validationError } from "./api-error.js";
import type { Ledger } from "./ledger.js";
import type { ResolvedSandboxOptions } from "./options.js";
import { type RateDecision, type RateLimiter, rateHeaders } from "./rate-limit.js";
import { matchRoute, type Route } from "./routes.js";
import { createSignatureCheck, type SignatureCheck } from "./signature.js";
import type { JsonObject } from "./validation.js";

/** A request whose body was read. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The exact bytes; undefined when there were too many. */
  readonly body: Uint8Array | undefined;
}

/** The endpoint's rules, without its HTTP server. */
export class Api {
  readonly #options: ResolvedSandboxOptions;
  readonly #limiter: RateLimiter;
  readonly #checkSignature: SignatureCheck;

  constructor(options: ResolvedSandboxOptions, limiter: RateLimiter) {
    this.#options = options;
    this.#limiter = limiter;
    this.#checkSignature = createSignatureCheck(options.signing);
  }

  async answer(request: ApiRequest, ledger: Ledger): Promise<Answer> {
    const nowMs = this.#options.clock();
    let rate = this.#limiter.peek(nowMs);
    try {
      const found = matchRoute(request.path);
      if (found === undefined) return plain(404, "Not Found", rateHeaders(rate));
      const { route, path, id } = found;
      if (request.method !== "POST") return plain(405, "Method Not Allowed", { ...rateHeaders(rate), allow: "POST" });
      this.#authorize(request, route);
      // After the key: the limit is the team's, and only a key says whose it is.
      rate = this.#limiter.take(nowMs);
      refuseWhenLimited(rate);
      if (request.body === undefined) return plain(413, "Payload Too Large", rateHeaders(rate));
      const body = request.body;
      const header = (name: string) => headerText(request.headers[name]);
      if (route.signed) await this.#checkSignature({ body, header }, nowMs);
      const { status, data } = route.handle({ ledger, body: readJson(body, header("content-type")), path, id });
      return json(status, { success: true, data }, rateHeaders(rate));
    } catch (error) {
      return refusal(error, rate);
    }
  }

  #authorize(request: ApiRequest, { permission }: Route): void {
    const key = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
    const permissions = key === undefined ? undefined : this.#options.apiKeys.get(key);
    if (permissions === undefined) throw new ApiError("UNAUTHORIZED", "The API key is missing or unknown");
    if (permission === undefined || permissions.includes(permission)) return;
    throw new ApiError("FORBIDDEN", `The API key lacks the permission ${permission}`);
  }
}

function refuseWhenLimited({ allowed, retryAfterSeconds }: RateDecision): void {
  if (allowed) return;
  throw new ApiError("RATE_LIMIT_EXCEEDED", "Too many requests", { retryAfter: retryAfterSeconds });
}

function refusal(error: unknown, rate: RateDecision): Answer {
  const known = error instanceof ApiError ? error : new ApiError("INTERNAL_ERROR", "The sandbox failed");
  const { retryAfter } = known.extras;
  const wait = retryAfter === undefined ? {} : { "retry-after": String(retryAfter) };
  return json(known.status, errorEnvelope(known), { ...rateHeaders(rate), ...wait });
}

function readJson(body: Uint8Array, contentType: string | undefined): JsonObject {
  if (!/^application\/json\s*(;|$)/i.test(contentType ?? "")) {
    throw validationError([{ field: "Content-Type", message: "must be application/json" }]);
  }
  const value = parseJson(body);
  if (!isObject(value)) throw validationError([{ field: "body", message: "must be a JSON object" }]);
  return value;
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function headerText(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" || value === undefined ? value : value.join(", ");
}
