import { describe, expect, it } from "vitest";
import { decideRate, RateLimiter } from "../../../src/sandbox/rate-limit.js";

const limit = { perMinute: 5, perSecond: 2 };
const T0 = 1_000_000_000_000;

describe("decideRate", () => {
  it("lets a burst through up to the limit of a second, and says when to come back", () => {
    expect(decideRate(limit, [T0], T0).allowed).toBe(true);
    expect(decideRate(limit, [T0, T0 + 100], T0 + 200)).toMatchObject({ allowed: false, retryAfterSeconds: 1 });
    expect(decideRate(limit, [T0, T0 + 100], T0 + 1_000).allowed).toBe(true);
  });

  it("refuses more than the minute's limit in any 60 seconds, also across a full minute of the clock", () => {
    const times = [50, 51, 52, 53, 54].map((second) => T0 + second * 1_000);
    expect(decideRate(limit, times, T0 + 70_000)).toMatchObject({
      allowed: false,
      remaining: 0,
      retryAfterSeconds: 40,
      resetAtSeconds: T0 / 1000 + 110,
    });
    expect(decideRate(limit, times, T0 + 110_000)).toMatchObject({ allowed: true, remaining: 1 });
  });

  it("does not count requests that were refused", () => {
    const limiter = new RateLimiter({ perMinute: 100, perSecond: 1 });
    expect(limiter.take(T0).allowed).toBe(true);
    for (let ms = 1; ms < 1_000; ms += 100) expect(limiter.take(T0 + ms).allowed).toBe(false);
    expect(limiter.take(T0 + 1_000)).toMatchObject({ allowed: true, remaining: 98 });
  });

  it("counts nothing while it only looks", () => {
    const limiter = new RateLimiter(limit);
    for (let at = 0; at < 10; at++) expect(limiter.peek(T0).remaining).toBe(5);
  });
});
