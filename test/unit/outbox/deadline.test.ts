import { describe, expect, it } from "vitest";
import { withTimeout } from "../../../src/deadline.js";
import { classifyFailure } from "../../../src/endpoint/outcome.js";

const never = new AbortController().signal;
const hangs = () => new Promise<never>(() => {});
const failureOf = (attempt: Promise<unknown>) =>
  attempt.then(
    () => expect.fail("it did not fail"),
    (error) => error,
  );

describe("work with a timeout", () => {
  it("is what it answers, where that comes in time", async () => {
    expect(await withTimeout(60_000, never, async () => "answer")).toBe("answer");
  });

  it("fails as it fails, where that comes in time", async () => {
    const error = new Error("reset");
    expect(await failureOf(withTimeout(60_000, never, () => Promise.reject(error)))).toBe(error);
  });

  it("that heeds no signal is waited for no longer than its time, and the endpoint's answer is a timeout", async () => {
    const error = await failureOf(withTimeout(1, never, hangs));
    expect(error).toMatchObject({ name: "TimeoutError", message: "no answer within 1 ms" });
    expect(classifyFailure(error)).toEqual({ kind: "failed", reason: "timeout" });
  });

  it("has a signal that fires with the timeout", async () => {
    let seen: AbortSignal | undefined;
    const error = await failureOf(
      withTimeout(1, never, (signal) => {
        seen = signal;
        return hangs();
      }),
    );
    expect(seen?.aborted).toBe(true);
    expect(seen?.reason).toBe(error);
  });

  it("that heeds no signal is waited for no longer than the outer signal says", async () => {
    const outer = new AbortController();
    const attempt = failureOf(withTimeout(60_000, outer.signal, hangs));
    outer.abort();
    const error = await attempt;
    expect(error).toMatchObject({ name: "AbortError" });
    expect(classifyFailure(error)).toEqual({ kind: "failed", reason: "timeout" });
  });

  it("ends at once where the outer signal has fired before", async () => {
    const reason = new Error("stopped");
    expect(await failureOf(withTimeout(60_000, AbortSignal.abort(reason), hangs))).toBe(reason);
  });

  it("that fails after its time troubles nobody", async () => {
    let fail: (error: Error) => void = () => {};
    const late = new Promise<never>((_, reject) => {
      fail = reject;
    });
    await failureOf(withTimeout(1, never, () => late));
    fail(new Error("late"));
    // An unhandled rejection would fail the run.
    await new Promise((resolve) => setImmediate(resolve));
  });

  it("leaves no listener behind on the outer signal", async () => {
    const outer = new AbortController();
    let listeners = 0;
    const { signal } = outer;
    const counting = new Proxy(signal, {
      get(target, name) {
        if (name === "addEventListener") listeners++;
        if (name === "removeEventListener") listeners--;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    await withTimeout(60_000, counting, async () => {});
    await failureOf(withTimeout(1, counting, hangs));
    expect(listeners).toBe(0);
  });
});
