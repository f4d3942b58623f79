import { describe, expect, it } from "vitest";
import { lastSegment } from "../../../src/http/source.js";

describe("the last segment of a path", () => {
  it.each([
    ["/webhooks/stripe", "stripe"],
    ["/webhooks/stripe/", "stripe"],
    ["/webhooks/stripe//?x=/y", "stripe"],
    ["https://app.example/webhooks/stripe#top", "stripe"],
    ["stripe", "stripe"],
    ["/", ""],
    ["", ""],
    ["?x", ""],
  ])("of %j is %j", (url, segment) => {
    expect(lastSegment(url)).toBe(segment);
  });

  it("is found in a long path as soon as in a short one: an unsigned request must not hold the server up", () => {
    for (const part of ["/", "a", "a/"]) expect(lastSegment(`/${part.repeat(2_000_000)}/b`)).toBe("b");
  });
});
