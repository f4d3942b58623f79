import { describe, expect, it } from "vitest";
import {
  BLOCKED_ADVICE,
  type BlockedReason,
  classifyFailure,
  classifyResponse,
  conversionIdOf,
} from "../../../src/endpoint/outcome.js";

const NOW_MS = 1_767_225_600_000;
const HTML = "<!doctype html><title>Log in</title>";
const ok = (data?: unknown) => JSON.stringify({ success: true, data });
const no = (code: string, more: object = {}) =>
  JSON.stringify({ success: false, error: { code, message: "no", ...more } });
const answerTo = (status: number, body: string, headers: Record<string, string> = {}) =>
  classifyResponse({ status, headers: new Headers(headers), body }, NOW_MS);
const enveloped = (status: number, code: string) => ({ status, code, message: "no" });
const bare = (status: number) => ({ status });

describe("an answer of the endpoint", () => {
  it.each<[string, number, string, object]>([
    ["201 with a new conversion", 201, ok({ id: "c" }), { kind: "delivered", duplicate: false, data: { id: "c" } }],
    [
      "200 with a replay",
      200,
      ok({ replayed: true }),
      { kind: "delivered", duplicate: true, data: { replayed: true } },
    ],
    ["200 and replayed: false", 200, ok({ replayed: false }), { kind: "delivered", duplicate: false }],
    ["200 and replayed as text", 200, ok({ replayed: "true" }), { kind: "delivered", duplicate: false }],
    ["200 without data", 200, ok(), { kind: "delivered", duplicate: false, data: {} }],
    ["409 DUPLICATE_ERROR", 409, no("DUPLICATE_ERROR"), { kind: "delivered", duplicate: true, data: {} }],
    ["404 NOT_FOUND", 404, no("NOT_FOUND"), { kind: "unmatched", error: enveloped(404, "NOT_FOUND") }],
    [
      "400 VALIDATION_ERROR",
      400,
      no("VALIDATION_ERROR", { field: "sale_amount", details: [{ field: "sale_amount" }] }),
      { kind: "rejected", error: { ...enveloped(400, "VALIDATION_ERROR"), field: "sale_amount" } },
    ],
    ["400 whose code is that of a 404", 400, no("NOT_FOUND"), { kind: "rejected" }],
    ["400 whose code is that of a 409", 400, no("DUPLICATE_ERROR"), { kind: "rejected" }],
    ["409 of another code", 409, no("CONFLICT"), { kind: "rejected", error: enveloped(409, "CONFLICT") }],
    ["422", 422, no("UNPROCESSABLE"), { kind: "rejected", error: enveloped(422, "UNPROCESSABLE") }],
    ["413", 413, no("TOO_LARGE"), { kind: "rejected", error: enveloped(413, "TOO_LARGE") }],
    ["413 of a proxy", 413, HTML, { kind: "rejected", error: bare(413) }],
    ["415", 415, "", { kind: "rejected", error: bare(415) }],
    ["501", 501, "", { kind: "rejected", error: bare(501) }],
    ["505", 505, HTML, { kind: "rejected", error: bare(505) }],
    ["401 UNAUTHORIZED", 401, no("UNAUTHORIZED"), { kind: "blocked", reason: "unauthorized" }],
    ["401 of a proxy", 401, HTML, { kind: "blocked", reason: "unauthorized", error: bare(401) }],
    [
      "402 with the envelope",
      402,
      no("PAYMENT_REQUIRED"),
      { kind: "blocked", reason: "forbidden", error: enveloped(402, "PAYMENT_REQUIRED") },
    ],
    ["402 of a proxy", 402, HTML, { kind: "blocked", reason: "forbidden", error: bare(402) }],
    ["403 FORBIDDEN", 403, no("FORBIDDEN"), { kind: "blocked", reason: "forbidden" }],
    ["403 of a firewall", 403, HTML, { kind: "blocked", reason: "forbidden", error: bare(403) }],
    ["404 without the envelope", 404, HTML, { kind: "blocked", reason: "misconfigured_endpoint", error: bare(404) }],
    ["404 with an empty body", 404, "", { kind: "blocked", reason: "misconfigured_endpoint" }],
    ["404 of another code", 404, no("ROUTE_NOT_FOUND"), { kind: "blocked", reason: "misconfigured_endpoint" }],
    ["404 of another API", 404, '{"error":"NOT_FOUND"}', { kind: "blocked", reason: "misconfigured_endpoint" }],
    ["404 of an API whose errors look alike", 404, '{"error":{"code":"NOT_FOUND"}}', { kind: "blocked" }],
    ["405", 405, HTML, { kind: "blocked", reason: "misconfigured_endpoint" }],
    ["405 with the envelope", 405, no("METHOD"), { kind: "blocked", reason: "misconfigured_endpoint" }],
    ["400 without the envelope", 400, HTML, { kind: "blocked", reason: "misconfigured_endpoint", error: bare(400) }],
    ["409 without the envelope", 409, "", { kind: "blocked", reason: "misconfigured_endpoint" }],
    ["410 without the envelope", 410, HTML, { kind: "blocked", reason: "misconfigured_endpoint" }],
    ["200 with a web page", 200, HTML, { kind: "blocked", reason: "misconfigured_endpoint", error: bare(200) }],
    ["200 with an empty body", 200, "", { kind: "blocked", reason: "misconfigured_endpoint" }],
    ["204", 204, "", { kind: "blocked", reason: "misconfigured_endpoint" }],
    ["202 of another API", 202, '{"ok":true}', { kind: "blocked", reason: "misconfigured_endpoint" }],
    ["200 with success: false", 200, no("X"), { kind: "blocked", reason: "misconfigured_endpoint" }],
    ["200 with success as text", 200, '{"success":"true","data":{}}', { kind: "blocked" }],
    ["200 with a list", 200, '[{"success":true}]', { kind: "blocked", reason: "misconfigured_endpoint" }],
    ["200 with null", 200, "null", { kind: "blocked", reason: "misconfigured_endpoint" }],
    ["300", 300, ok({}), { kind: "blocked", reason: "redirected" }],
    ["301", 301, "", { kind: "blocked", reason: "redirected" }],
    ["302", 302, HTML, { kind: "blocked", reason: "redirected" }],
    ["304", 304, "", { kind: "blocked", reason: "redirected" }],
    ["307", 307, ok({}), { kind: "blocked", reason: "redirected" }],
    ["308", 308, "", { kind: "blocked", reason: "redirected" }],
    ["a redirect that fetch hides", 0, "", { kind: "blocked", reason: "redirected" }],
    ["408", 408, "", { kind: "failed", reason: "server_error", status: 408 }],
    ["425", 425, "", { kind: "failed", reason: "server_error", status: 425 }],
    ["500", 500, no("INTERNAL_ERROR"), { kind: "failed", reason: "server_error", status: 500 }],
    ["500 of a proxy", 500, HTML, { kind: "failed", reason: "server_error", status: 500 }],
    ["502", 502, HTML, { kind: "failed", reason: "server_error", status: 502 }],
    ["503", 503, "", { kind: "failed", reason: "server_error", status: 503 }],
    ["504", 504, HTML, { kind: "failed", reason: "server_error", status: 504 }],
    ["500 that says success", 500, ok({}), { kind: "failed", reason: "server_error", status: 500 }],
    ["429 RATE_LIMIT_EXCEEDED", 429, no("RATE_LIMIT_EXCEEDED"), { kind: "throttled", retryAfterMs: 30_000 }],
    ["429 of a proxy", 429, HTML, { kind: "throttled", retryAfterMs: 30_000 }],
  ])("is told apart by status and envelope: %s", (_, status, body, outcome) => {
    expect(answerTo(status, body)).toMatchObject(outcome);
  });

  it("passes on nothing of a page that is not the endpoint's", () => {
    expect(answerTo(404, HTML)).toEqual({
      kind: "blocked",
      reason: "misconfigured_endpoint",
      error: { status: 404 },
    });
  });

  it("does not take an error code that is no text", () => {
    expect(answerTo(404, '{"success":false,"error":{"code":404}}')).toMatchObject({ kind: "blocked" });
  });

  it("does not take the envelope from an object's prototype", () => {
    expect(answerTo(200, '{"__proto__":{"success":true,"data":{}}}')).toMatchObject({ kind: "blocked" });
  });

  it("keeps the details of what was wrong", () => {
    const details = [{ path: "sale_amount", message: "too small" }];
    expect(answerTo(400, no("VALIDATION_ERROR", { field: "sale_amount", details }))).toEqual({
      kind: "rejected",
      error: { status: 400, code: "VALIDATION_ERROR", message: "no", field: "sale_amount", details },
    });
  });

  it("has its texts cut to what fits a log line", () => {
    const long = "x".repeat(5_000);
    const more = { message: long, field: long, details: Array.from({ length: 50 }, (_, at) => at) };
    const outcome = answerTo(400, no(long, more));
    const error = outcome.kind === "rejected" ? outcome.error : expect.fail("not rejected");
    expect([error.code?.length, error.message?.length, error.field?.length, error.details?.length]).toEqual([
      100, 2_000, 100, 20,
    ]);
  });

  it("leaves out parts of an error that are of another type", () => {
    const outcome = answerTo(400, no("X", { message: { a: 1 }, field: 7, details: "text" }));
    expect(outcome).toEqual({ kind: "rejected", error: { status: 400, code: "X" } });
  });
});

describe("the id of a conversion", () => {
  const idOf = (id?: unknown) => conversionIdOf({ kind: "delivered", duplicate: false, data: { id } });

  it.each(["conv_1", "a/b?c#d", ".hidden", "v1.", "...", "a..b"])("is taken as the endpoint spells it: %s", (id) => {
    expect(idOf(id)).toBe(id);
  });

  it.each([[undefined], [null], [7], [["conv_1"]], [""], ["a\nb"], ["x".repeat(256)], ["."], [".."]])(
    "is not taken where no refund's path could name it (%#)",
    (id) => {
      expect(idOf(id)).toBeUndefined();
    },
  );
});

describe("what a person has to do", () => {
  it.each<[BlockedReason, readonly string[]]>([
    ["unauthorized", ["apiKey", "signingSecret"]],
    ["forbidden", ["write:commissions"]],
    ["misconfigured_endpoint", ["baseUrl", "proxy"]],
    ["redirected", ["baseUrl", "redirects"]],
    ["tls", ["certificate", "baseUrl", "clock"]],
  ])("about an endpoint that is %s names where to look", (reason, words) => {
    for (const word of words) expect(BLOCKED_ADVICE[reason]).toContain(word);
  });
});

describe("how long a 429 asks to wait", () => {
  const reset = (seconds: number) => String(NOW_MS / 1000 + seconds);
  const waitFor = (headers: Record<string, string>, body = no("RATE_LIMIT_EXCEEDED")) => {
    const outcome = answerTo(429, body, headers);
    return outcome.kind === "throttled" ? outcome.retryAfterMs : expect.fail(`it is ${outcome.kind}`);
  };

  it.each<[string, Record<string, string>, number]>([
    ["Retry-After in seconds", { "retry-after": "12" }, 12_000],
    ["the time of X-RateLimit-Reset", { "x-ratelimit-reset": reset(17) }, 17_000],
    ["Retry-After, though the reset is sooner", { "retry-after": "12", "x-ratelimit-reset": reset(5) }, 12_000],
    ["at least a second", { "retry-after": "0.2" }, 1_000],
    ["at least a second until the reset", { "x-ratelimit-reset": String(NOW_MS / 1000 + 0.1) }, 1_000],
    ["at most ten minutes", { "retry-after": "86400" }, 600_000],
    ["thirty seconds where the reset is a day off", { "x-ratelimit-reset": reset(86_400) }, 30_000],
    ["thirty seconds where the reset is in milliseconds", { "x-ratelimit-reset": String(NOW_MS + 5_000) }, 30_000],
    ["seconds with all of their decimals", { "retry-after": "12.125" }, 12_125],
    ["ten minutes where the reset is just as far off", { "x-ratelimit-reset": reset(600) }, 600_000],
    ["the longer of the two", { "retry-after": "3", "x-ratelimit-reset": reset(9) }, 9_000],
    ["until the HTTP date", { "retry-after": new Date(NOW_MS + 20_000).toUTCString() }, 20_000],
    [
      "measured by the endpoint's own clock where it says its time",
      { date: new Date(NOW_MS + 60_000).toUTCString(), "x-ratelimit-reset": reset(65) },
      5_000,
    ],
    ["thirty seconds where nothing is said", {}, 30_000],
    ["thirty seconds where Retry-After is no number", { "retry-after": "soon" }, 30_000],
    ["thirty seconds where Retry-After is zero", { "retry-after": "0" }, 30_000],
    ["thirty seconds where Retry-After is negative", { "retry-after": "-5" }, 30_000],
    ["thirty seconds where Retry-After has a sign", { "retry-after": "+12" }, 30_000],
    ["thirty seconds where Retry-After has an exponent", { "retry-after": "12e3" }, 30_000],
    ["thirty seconds where Retry-After is infinite", { "retry-after": "Infinity" }, 30_000],
    ["thirty seconds where the reset is past", { "x-ratelimit-reset": reset(-60) }, 30_000],
    ["the reset where Retry-After is no number", { "retry-after": "?", "x-ratelimit-reset": reset(9) }, 9_000],
  ])("is %s", (_, headers, waitMs) => {
    expect(waitFor(headers)).toBe(waitMs);
  });

  it("may stand in the body", () => {
    expect(waitFor({}, no("RATE_LIMIT_EXCEEDED", { retryAfter: 7 }))).toBe(7_000);
    expect(waitFor({}, no("RATE_LIMIT_EXCEEDED", { retryAfter: -7 }))).toBe(30_000);
    for (const retryAfter of [null, true, [40], "40"])
      expect(waitFor({}, no("RATE_LIMIT_EXCEEDED", { retryAfter }))).toBe(30_000);
  });

  it("is always a number from one second to ten minutes", () => {
    const odd = ["", "0", "-0", "1e999", "NaN", "0x10", "9".repeat(400), "1 2", "\u0660"];
    for (const value of odd.filter((text) => /^[\x20-\x7e]*$/.test(text))) {
      for (const header of ["retry-after", "x-ratelimit-reset"]) {
        const waitMs = waitFor({ [header]: value });
        expect(waitMs).toBeGreaterThanOrEqual(1_000);
        expect(waitMs).toBeLessThanOrEqual(600_000);
      }
    }
  });
});

describe("what fetch throws", () => {
  const wrapped = (cause: unknown) => new TypeError("fetch failed", { cause });
  const coded = (code: string) => Object.assign(new Error(code), { code });

  it.each([
    "CERT_HAS_EXPIRED",
    "CERT_NOT_YET_VALID",
    "CERT_REVOKED",
    "CERT_UNTRUSTED",
    "CERT_REJECTED",
    "CERT_CHAIN_TOO_LONG",
    "CERT_SIGNATURE_FAILURE",
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "SELF_SIGNED_CERT_IN_CHAIN",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "UNABLE_TO_GET_ISSUER_CERT",
    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    "ERR_TLS_CERT_ALTNAME_INVALID",
    "ERR_SSL_WRONG_VERSION_NUMBER",
    "HOSTNAME_MISMATCH",
    "INVALID_CA",
    "INVALID_PURPOSE",
    "PATH_LENGTH_EXCEEDED",
    "CRL_HAS_EXPIRED",
  ])("is a blocked endpoint where the code is %s, however deep it lies", (code) => {
    const blocked = { kind: "blocked", reason: "tls" };
    expect(classifyFailure(coded(code))).toEqual(blocked);
    expect(classifyFailure(wrapped(coded(code)))).toEqual(blocked);
    expect(classifyFailure(wrapped(new Error("proxy", { cause: coded(code) })))).toEqual(blocked);
  });

  it.each(["TimeoutError", "AbortError"])("is a timeout where it is a %s, however deep it lies", (name) => {
    const timeout = { kind: "failed", reason: "timeout" };
    expect(classifyFailure(new DOMException("x", name))).toEqual(timeout);
    expect(classifyFailure({ name })).toEqual(timeout);
    expect(classifyFailure(wrapped(new DOMException("x", name)))).toEqual(timeout);
  });

  it.each([
    ["a reset", "ECONNRESET"],
    ["a refused connection", "ECONNREFUSED"],
    ["a name that can't be resolved", "ENOTFOUND"],
    ["a resolver that is away", "EAI_AGAIN"],
    ["a socket that closed", "UND_ERR_SOCKET"],
  ])("is the network where it is %s, and has its code", (_, code) => {
    expect(classifyFailure(wrapped(coded(code)))).toEqual({ kind: "failed", reason: "network", code });
  });

  it.each(["sk_live_CANARY", "https://user:pass@proxy.example.com", "TWO WORDS", "X".repeat(65), ""])(
    "has no code that is none of a system: %j",
    (code) => {
      expect(classifyFailure(wrapped(coded(code)))).toEqual({ kind: "failed", reason: "network" });
    },
  );

  it.each([
    ["several refused addresses", wrapped(new AggregateError([coded("ECONNREFUSED")], "x"))],
    ["an error without code", new TypeError("terminated")],
    ["text", "CERT_HAS_EXPIRED"],
    ["undefined", undefined],
    ["null", null],
  ])("is the network where it is %s", (_, error) => {
    expect(classifyFailure(error)).toEqual({ kind: "failed", reason: "network" });
  });

  it("may have itself as its cause", () => {
    const error = new Error("x");
    error.cause = error;
    expect(classifyFailure(error)).toEqual({ kind: "failed", reason: "network" });
  });
});
