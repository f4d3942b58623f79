import { describe, expect, it } from "vitest";
import { createSandbox, SANDBOX_API_KEY } from "../../../src/sandbox/index.js";

describe("createSandbox", () => {
  it.each([
    ["apiKeys", { apiKeys: [] }],
    ["signing.secret", { signing: { secret: "" } }],
    ["signing", { signing: { secret: "s", tolerance: 5 } }],
    ["referrals", { referrals: [{ customerId: "cus_1" }] }],
    ["incentives.0.type", { incentives: [{ id: "a", type: "percent", amount: 1 }] }],
    ["rateLimit", { rateLimit: { perMinute: 0, perSecond: 1 } }],
    ["clock", { clock: 5 }],
    ["unknown field ratelimit", { ratelimit: false }],
  ])("refuses a wrong %s and says which it was", (name, options) => {
    const create = () => createSandbox(options as object);
    expect(create).toThrow("invalid_options: createSandbox:");
    expect(create).toThrow(name);
  });

  it("never repeats a value in its message, since it may be a secret", () => {
    const create = () => createSandbox({ apiKeys: "sk_live_oops" as unknown as string[] });
    expect(create).toThrow(/^invalid_options: createSandbox: apiKeys: ((?!oops).)*$/);
  });

  it("uses its documented key unless it is given others", () => {
    expect(createSandbox().apiKey).toBe(SANDBOX_API_KEY);
    expect(createSandbox({ apiKeys: { sk_a: [], sk_b: [] } }).apiKey).toBe("sk_a");
  });

  it("refuses a referral without an id", () => {
    expect(() => createSandbox().addReferral({} as { id: string })).toThrow("invalid_options: addReferral: id");
  });
});
