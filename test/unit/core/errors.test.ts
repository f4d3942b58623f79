import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import {
  assertKnownKeys,
  assertOneOf,
  describeIssues,
  describeType,
  ERROR_CODES,
  invalidOption,
  isRelayError,
  RelayError,
  type RelayErrorCode,
  toRelayError,
} from "../../../src/errors.js";
import { failureOf } from "./support.js";

const CANARY = "sk_live_CANARY";

describe("the table of error codes", () => {
  it("has these nineteen codes, each with its status and whether sending again may help", () => {
    const rows = Object.entries(ERROR_CODES).map(([code, { status, retryable }]) => [code, status, retryable]);
    expect(rows).toEqual([
      ["invalid_options", 500, false],
      ["unknown_source", 404, false],
      ["method_not_allowed", 405, false],
      ["body_too_large", 413, false],
      ["unsupported_body", 415, false],
      ["body_already_parsed", 500, false],
      ["client_gone", 400, true],
      ["signature_invalid", 401, false],
      ["malformed_payload", 400, false],
      ["unsupported_webhook", 400, false],
      ["mapping_failed", 503, true],
      ["invalid_event", 503, true],
      ["hook_failed", 503, true],
      ["endpoint_unavailable", 503, true],
      ["endpoint_blocked", 503, true],
      ["event_rejected", 503, false],
      ["timed_out", 503, true],
      ["relay_stopped", 503, true],
      ["internal_error", 500, true],
    ]);
    expect(rows).toHaveLength(19);
  });

  it("shows no message of a refused signature, nor of anything that may quote what was sent", () => {
    const shown = Object.entries(ERROR_CODES).filter(([, { exposeMessage }]) => exposeMessage);
    expect(shown.map(([code]) => code)).toEqual(["unsupported_body", "body_already_parsed", "unsupported_webhook"]);
  });
});

describe("a RelayError", () => {
  it.each(Object.keys(ERROR_CODES) as RelayErrorCode[])("of code %s carries what the table says of it", (code) => {
    const error = new RelayError(code, "do this");
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe("RelayError");
    expect(error.message).toBe(`${code}: do this`);
    expect(error.status).toBe(ERROR_CODES[code].status);
    expect(error.retryable).toBe(ERROR_CODES[code].retryable);
    expect(error.retryAfterMs).toBeUndefined();
  });

  it("keeps its cause, and has none where none is given", () => {
    const cause = new Error("below");
    expect(new RelayError("internal_error", "x", { cause }).cause).toBe(cause);
    expect(Object.hasOwn(new RelayError("internal_error", "x"), "cause")).toBe(false);
  });

  it("does not show its cause when it is written as JSON", () => {
    const error = new RelayError("mapping_failed", "x", { cause: new Error(CANARY) });
    expect(JSON.stringify(error)).not.toContain(CANARY);
  });
});

describe("isRelayError", () => {
  it("knows an error that another copy of the package made", () => {
    class OtherCopy extends Error {}
    const error = Object.defineProperty(new OtherCopy("timed_out: late"), Symbol.for("affonso-relay.error"), {
      value: true,
    });
    expect(error).not.toBeInstanceOf(RelayError);
    expect(isRelayError(error)).toBe(true);
    expect(toRelayError(error, "internal_error", "x")).toBe(error);
  });

  it.each([
    ["an ordinary error", new Error("x")],
    ["an object that looks like one", { name: "RelayError", code: "timed_out", status: 503 }],
    ["null", null],
    ["undefined", undefined],
    ["text", "RelayError"],
  ])("does not take %s for one", (_, value) => {
    expect(isRelayError(value)).toBe(false);
  });
});

describe("toRelayError", () => {
  it("gives a code to whatever was thrown and keeps it as the cause", () => {
    for (const cause of [new TypeError("x"), "text", 0, null]) {
      const error = toRelayError(cause, "hook_failed", "the hook threw");
      expect(error).toMatchObject({ code: "hook_failed", message: "hook_failed: the hook threw", cause });
    }
  });
});

describe("describeType", () => {
  it.each([
    [null, "null"],
    [undefined, "undefined"],
    ["", "an empty string"],
    [CANARY, "a string"],
    [[], "an empty array"],
    [[CANARY], "an array"],
    [{ key: CANARY }, "an object"],
    [42, "a number"],
    [Number.NaN, "a number"],
    [4242n, "a bigint"],
    [true, "a boolean"],
    [Symbol(CANARY), "a symbol"],
    [() => CANARY, "a function"],
  ])("says the kind of a value and never the value (%#)", (value, words) => {
    expect(describeType(value)).toBe(words);
    expect(invalidOption("apiKey", "a key", value).message).toBe(`invalid_options: apiKey must be a key, got ${words}`);
  });
});

describe("assertKnownKeys and assertOneOf", () => {
  it("name the unknown key and those there are", async () => {
    const error = await failureOf(() => assertKnownKeys("createRelay", { apikey: CANARY }, ["apiKey", "on"]));
    expect(error.message).toBe("invalid_options: createRelay has no option apikey; it has apiKey, on");
  });

  it.each([[null], [undefined], [CANARY], [42]])("refuse options that are no object (%#)", async (options) => {
    const error = await failureOf(() => assertKnownKeys("createRelay", options, []));
    expect(error.message).toContain("invalid_options: the argument of createRelay must be an object");
    expect(error.message).not.toContain(CANARY);
  });

  it("name the words there are and never the value", async () => {
    const error = await failureOf(() => assertOneOf("testMode", CANARY, ["forward", "ignore"]));
    expect(error.message).toBe('invalid_options: testMode must be "forward" or "ignore", got a string');
    expect(assertOneOf("testMode", "ignore", ["forward", "ignore"])).toBeUndefined();
  });
});

describe("describeIssues", () => {
  const issuesOf = (schema: z.ZodMiniType, value: unknown) => {
    const result = schema.safeParse(value);
    return result.success ? expect.fail("the value is valid") : result.error.issues;
  };

  it("names each field and what was expected there", () => {
    const schema = z.strictObject({ a: z.string(), b: z.object({ c: z.array(z.number()) }) });
    expect(describeIssues(issuesOf(schema, { a: 1, b: { c: [1, CANARY] } }))).toBe(
      "a: expected string; b.c.1: expected number",
    );
  });

  it("names unknown fields", () => {
    expect(describeIssues(issuesOf(z.strictObject({ a: z.string() }), { a: "x", amout: CANARY }))).toBe(
      "unknown field amout",
    );
  });

  it("reads the paths of Standard Schema, where a part may be an object with a key", () => {
    expect(describeIssues([{ message: "wrong", path: [{ key: "items" }, 0, Symbol.for("id")] }])).toBe(
      "items.0.Symbol(id): wrong",
    );
    expect(describeIssues([{ message: "wrong" }])).toBe("wrong");
  });

  it("stops after five and says how many are left", () => {
    const issues = Array.from({ length: 7 }, (_, at) => ({ message: "wrong", path: [at] }));
    expect(describeIssues(issues)).toBe("0: wrong; 1: wrong; 2: wrong; 3: wrong; 4: wrong; and 2 more");
    expect(describeIssues(issues.slice(0, 5))).not.toContain("more");
  });
});
