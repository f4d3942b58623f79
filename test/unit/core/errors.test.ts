import { inspect } from "node:util";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { parsePayload, type StandardSchemaV1 } from "../../../src/adapter.js";
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
import { errorAnswer } from "../../../src/http/handle-webhook.js";
import { failureOf } from "./support.js";

const CANARY = "sk_live_CANARY";

describe("the table of error codes", () => {
  it("has these codes, each with its status and whether sending again may help", () => {
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
      ["send_refused", 500, false],
      ["hook_failed", 503, true],
      ["endpoint_unavailable", 503, true],
      ["endpoint_blocked", 503, true],
      ["event_rejected", 503, false],
      ["timed_out", 503, true],
      ["no_outbox", 500, false],
      ["outbox_unavailable", 503, true],
      ["outbox_full", 503, true],
      ["relay_stopped", 503, true],
      ["internal_error", 500, true],
    ]);
    expect(rows).toHaveLength(23);
  });

  it("shows no message of a refused signature, nor of anything that may quote what was sent", () => {
    const shown = Object.entries(ERROR_CODES).filter(([, { exposeMessage }]) => exposeMessage);
    expect(shown.map(([code]) => code)).toEqual(["unsupported_body", "body_already_parsed", "unsupported_webhook"]);
  });
});

describe("a RelayError", () => {
  it("is printed with what it says, and with nothing that it does not know", () => {
    expect(inspect(new RelayError("no_outbox", "there is none"))).not.toContain("undefined");
    const known = inspect(new RelayError("outbox_full", "later", { retryAfterMs: 0, externalEventId: "evt_1" }));
    expect(known).toContain("retryAfterMs: 0");
    expect(known).toContain("externalEventId: 'evt_1'");
  });

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
      "items.0.…: wrong",
    );
    expect(describeIssues([{ message: "wrong" }])).toBe("wrong");
  });

  it("stops after five and says how many are left", () => {
    const issues = Array.from({ length: 7 }, (_, at) => ({ message: "wrong", path: [at] }));
    expect(describeIssues(issues)).toBe("0: wrong; 1: wrong; 2: wrong; 3: wrong; 4: wrong; and 2 more");
    expect(describeIssues(issues.slice(0, 5))).not.toContain("more");
  });
});

describe("parsePayload", () => {
  const email = v.pipe(v.string(), v.email());
  const known = type("string").narrow((_, context) => context.mustBe("known"));
  const schemas: [string, StandardSchemaV1, unknown, string][] = [
    ["an e-mail address of valibot", v.object({ e: email }), { e: "jane@@example.com" }, "e: "],
    [
      "one in a list of valibot",
      v.object({ a: v.array(email) }),
      { a: ["x@example.com", "jane@@example.com"] },
      "a.1: ",
    ],
    ["a word of valibot", v.object({ e: v.picklist(["a", "b"]) }), { e: "canary" }, "e: "],
    ["a literal of valibot", v.object({ e: v.literal("a") }), { e: "canary" }, "e: "],
    ["a union of valibot", v.object({ e: v.union([v.literal("a"), email]) }), { e: "jane@@example.com" }, "e: "],
    [
      "a check of valibot",
      v.object({
        e: v.pipe(
          v.string(),
          v.check(() => false),
        ),
      }),
      { e: "canary" },
      "e: ",
    ],
    [
      "a check of valibot that quotes",
      v.object({
        e: v.pipe(
          v.string(),
          v.check(
            () => false,
            ({ input }) => `not ${input}`,
          ),
        ),
      }),
      { e: "canary" },
      "e: ",
    ],
    [
      "a check of valibot over an inner object that quotes",
      v.object({
        o: v.pipe(
          v.object({ e: v.string() }),
          v.check(
            () => false,
            ({ input }) => `not ${input.e}`,
          ),
        ),
      }),
      { o: { e: "canary" } },
      "o: ",
    ],
    [
      "a check of valibot over the whole payload that quotes",
      v.pipe(
        v.object({ e: v.string() }),
        v.check(
          () => false,
          ({ input }) => `not ${input.e}`,
        ),
      ),
      { e: "canary" },
      "",
    ],
    [
      "a rawCheck of valibot that quotes",
      v.object({
        o: v.pipe(
          v.object({ e: v.string() }),
          v.rawCheck(({ dataset, addIssue }) => {
            if (dataset.typed) addIssue({ message: `not ${dataset.value.e}` });
          }),
        ),
      }),
      { o: { e: "canary" } },
      "o: ",
    ],
    ["a word of arktype", type({ e: "'a'|'b'" }), { e: "canary" }, "e: "],
    ["an e-mail address of arktype", type({ e: "string.email" }), { e: "jane@@example.com" }, "e: "],
    ["one in an object of arktype", type({ o: { e: "'a'|'b'" } }), { o: { e: "canary" } }, "o.e: "],
    ["a narrowed text of arktype", type({ e: known }), { e: "canary" }, "e: "],
    ["an e-mail address of zod", z.object({ e: z.email() }), { e: "jane@@example.com" }, "e: "],
    [
      "a refinement of zod over an inner object that quotes",
      z.object({
        o: z
          .object({ e: z.string() })
          .check(z.refine(() => false, { error: ({ input }) => `not ${JSON.stringify(input)}` })),
      }),
      { o: { e: "canary" } },
      "o: ",
    ],
  ];

  it.each(schemas)("names the field and never shows the value: %s", async (_, schema, payload, path) => {
    const error = await failureOf(() => parsePayload(schema, payload, "billing"));
    expect(error.code).toBe("malformed_payload");
    expect(error.message).toContain(`malformed_payload: billing webhook has not the expected shape: ${path}`);
    expect(`${error.message} ${JSON.stringify(error)}`).not.toMatch(/canary|jane/i);
    expect(error.cause).toBeUndefined();
  });

  it("says what was expected where that shows no value", async () => {
    for (const schema of [v.object({ e: v.number() }), type({ e: "number" }), z.object({ e: z.number() })]) {
      const error = await failureOf(() => parsePayload(schema as StandardSchemaV1, { e: "canary" }, "billing"));
      expect(error.message).toMatch(/shape: e: .*number/);
      expect(error.message).not.toContain("canary");
    }
  });
});

describe("errorAnswer", () => {
  it.each(["code_of_a_later_version", "constructor", "__proto__"])(
    "takes an error whose code this version does not know, and shows its code alone: %s",
    (code) => {
      const brand = Symbol.for("affonso-relay.error");
      const later = Object.assign(new Error(CANARY), { code, status: 503, retryAfterMs: 1_500, [brand]: true });
      const error = isRelayError(later) ? later : expect.fail("not taken for a RelayError");
      expect(errorAnswer(error)).toEqual({
        status: 503,
        headers: { "content-type": "application/json", "retry-after": "2" },
        body: JSON.stringify({ error: { code } }),
      });
    },
  );
});
