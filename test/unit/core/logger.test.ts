import { describe, expect, it, vi } from "vitest";
import { causeFields, consoleLogger, unfailing } from "../../../src/logger.js";

describe("the logger of who gives none", () => {
  it("writes warnings and errors to the console, one line each, and nothing else", () => {
    const lines: unknown[][] = [];
    for (const level of ["debug", "info", "log", "warn", "error"] as const) {
      vi.spyOn(console, level).mockImplementation((...parts) => void lines.push([level, ...parts]));
    }
    for (const level of ["debug", "info", "warn", "error"] as const) consoleLogger[level]({ id: "evt_1" }, "said");
    expect(lines).toEqual([
      ["warn", "[affonso-relay] said", '{"id":"evt_1"}'],
      ["error", "[affonso-relay] said", '{"id":"evt_1"}'],
    ]);
  });
});

describe("a logger of the app's", () => {
  it.each(["debug", "info", "warn", "error"] as const)("may reject its lines: %s", async (level) => {
    const rejected = Promise.reject(new Error("the disk is full"));
    const log = () => rejected;
    unfailing({ debug: log, info: log, warn: log, error: log })[level]({}, "said");
    await expect(rejected).rejects.toThrow("the disk is full");
  });
});

describe("what is logged of an error", () => {
  const failing = (parts: object) => causeFields(Object.assign(new Error("jane@example.com"), parts));

  it("is its kind, its code and its place, never its message", () => {
    const stack = "TypeError: jane@example.com\n    at charge (/app/billing.js:10:5)\n    at /app/main.js:1:1";
    expect(failing({ name: "TypeError", code: "ECONNREFUSED", stack })).toEqual({
      cause: "TypeError",
      causeCode: "ECONNREFUSED",
      causeAt: "at charge (/app/billing.js:10:5)",
    });
  });

  it.each<[string, object]>([
    ["a name that is a sentence", { name: "jane@example.com paid" }],
    ["a name that is no text", { name: 42 }],
    ["a code that is a sentence", { code: "no such user: jane@example.com" }],
    ["a code that is a number", { code: 42 }],
    ["a frame that its message made up", { message: "x\n    at a (/b:1:1)", stack: "Error: x\n    at a (/b:1:1)" }],
    ["a frame of no file", { stack: "Error: jane@example.com\n    at jane@example.com:1:1" }],
    ["a stack that is no text", { stack: { at: "jane@example.com" } }],
  ])("leaves out %s", (_, parts) => expect(failing({ stack: "", ...parts })).toEqual({ cause: "Error" }));

  it.each<[string, unknown, object]>([
    ["nothing", undefined, {}],
    ["a text", "jane@example.com", { cause: "string" }],
    ["an object", { name: "jane@example.com" }, { cause: "object" }],
    ["null", null, { cause: "object" }],
  ])("is the type of %s that was thrown in its place", (_, thrown, fields) => {
    expect(causeFields(thrown)).toEqual(fields);
  });
});
