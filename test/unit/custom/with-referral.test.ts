import { describe, expect, it } from "vitest";
import * as z from "zod";
import { custom, unsafeNoVerification, withReferral } from "../../../adapters/custom/index.js";
import { recordsOf } from "../../helpers/records.js";

const metadata = { affonso_referral: "ref_ada" };

describe("withReferral of a custom provider", () => {
  it.each<[string, object, object]>([
    ["a checkout", { products: ["prod_1"] }, { products: ["prod_1"], metadata }],
    ["what has metadata", { metadata: { order: 7 } }, { metadata: { order: 7, ...metadata } }],
    ["what has null", { metadata: null }, { metadata }],
    ["what has a text", { metadata: "order 7" }, { metadata }],
    ["what has another referral", { metadata: { affonso_referral: "ref_old" } }, { metadata }],
  ])("marks %s", (_, params, marked) => {
    const before = structuredClone(params);
    expect(withReferral(params, "ref_ada")).toStrictEqual(marked);
    expect(params).toStrictEqual(before);
  });

  it("knows no provider: a mode means nothing", () => {
    expect(withReferral({ mode: "subscription" }, "ref_ada")).toEqual({ mode: "subscription", metadata });
  });

  it.each([undefined, null, "", " ", "ref\nada", "x".repeat(256)])("answers the very params for %j", (none) => {
    const params = { metadata: { order: 7 } };
    expect(withReferral(params, none)).toBe(params);
  });

  it("puts it where a normalize of yours finds it", async () => {
    const billing = custom({
      name: "billing",
      verify: unsafeNoVerification(),
      schema: z.object({ id: z.string(), metadata: z.record(z.string(), z.string()) }),
      normalize: (order) => ({
        name: "signed_up",
        type: "lead",
        externalEventId: order.id,
        identity: { referralId: order.metadata["affonso_referral"] },
      }),
    });
    const order = withReferral<{ id: string; metadata: Record<string, string> }>(
      { id: "order_1", metadata: { plan: "pro" } },
      "ref_ada",
    );
    expect(await recordsOf(billing, order)).toMatchObject([{ identity: { referralId: "ref_ada" } }]);
  });
});
