import { describe, expect, it } from "vitest";
import { isRelayError } from "../../../src/errors.js";
import { checkTimestamp, DEFAULT_TOLERANCE_SECONDS } from "../../../src/signing/timestamp.js";

const NOW = 1_767_225_600;

function answerFor(timestamp: string | number, toleranceSeconds = 300, nowMs = NOW * 1000): string {
  try {
    checkTimestamp(String(timestamp), toleranceSeconds, nowMs);
    return "accepted";
  } catch (error) {
    if (!isRelayError(error)) throw error;
    expect(error).toMatchObject({ code: "signature_invalid", status: 401 });
    return error.message;
  }
}

describe("a signature's timestamp", () => {
  it("may be 300 seconds off by default", () => {
    expect(DEFAULT_TOLERANCE_SECONDS).toBe(300);
  });

  it.each([
    ["now", NOW],
    ["old by exactly the tolerance", NOW - 300],
    ["ahead by exactly the tolerance", NOW + 300],
  ])("is accepted: %s", (_, timestamp) => {
    expect(answerFor(timestamp)).toBe("accepted");
  });

  it("is refused one second past the tolerance, and the message says in which direction", () => {
    expect(answerFor(NOW - 301)).toContain("the signature is 301 s old and 300 s are allowed");
    expect(answerFor(NOW + 301)).toContain(
      "the signature is 301 s ahead of this machine's clock and 300 s are allowed",
    );
  });

  it.each([
    ["a day from now", NOW + 86_400],
    ["ten years from now", NOW + 315_360_000],
    ["a day ago", NOW - 86_400],
    ["in 1970", 0],
    ["in milliseconds", NOW * 1000 - 1_000_000_000_000],
  ])("is refused: %s", (_, timestamp) => {
    expect(answerFor(timestamp)).toContain("and 300 s are allowed");
  });

  it("has no slack at all with a tolerance of 0", () => {
    expect(answerFor(NOW, 0)).toBe("accepted");
    expect(answerFor(NOW, 0, NOW * 1000 + 999)).toBe("accepted");
    expect(answerFor(NOW - 1, 0)).not.toBe("accepted");
    expect(answerFor(NOW + 1, 0)).not.toBe("accepted");
  });

  it.each([
    "",
    "abc",
    "NaN",
    "Infinity",
    "1e9",
    "-1767225600",
    "+1767225600",
    " 1",
    "1 ",
    "1\n",
    `${NOW}.0`,
    `${NOW}abc`,
    `0x${NOW.toString(16)}`,
    "1767225600000",
    "１７６７２２５６００",
    "1,767,225,600",
    "1767225600, 1767225600",
  ])("is refused where it is no number of unix seconds: %j", (timestamp) => {
    expect(answerFor(timestamp)).toContain("is not a number of unix seconds");
    expect(answerFor(timestamp, Number.POSITIVE_INFINITY)).toContain("is not a number of unix seconds");
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "is never accepted by a clock that says no time (%#)",
    (nowMs) => {
      for (const timestamp of [NOW, 0, 999_999_999_999]) {
        for (const tolerance of [0, 300, Number.MAX_SAFE_INTEGER]) {
          expect(answerFor(timestamp, tolerance, nowMs)).toContain(`${tolerance} s are allowed; check the clock`);
        }
      }
    },
  );

  it("is a number of at most twelve digits", () => {
    expect(answerFor("9".repeat(12), Number.POSITIVE_INFINITY)).toBe("accepted");
    expect(answerFor("9".repeat(13), Number.POSITIVE_INFINITY)).toContain("is not a number of unix seconds");
  });
});
