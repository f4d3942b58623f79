import { describe, expect, it } from "vitest";
import * as z from "zod";
import { custom, RelayError, standardWebhooks, type VerifyFunction } from "../../../adapters/custom/index.js";
import type { WebhookAdapter } from "../../../src/adapter.js";
import { failureOf, NOW_MS, optionErrorOf, refusalOf } from "./support.js";

const request = { body: '{"id":"evt_1"}', headers: { "x-signature": "right" } };
const adapterWith = (verify: unknown): WebhookAdapter =>
  Reflect.apply(custom, undefined, [{ name: "billing", verify, schema: z.object({}), normalize: () => null }]);
const verifyWith = (verify: unknown) => adapterWith(verify).verify(request, { nowMs: NOW_MS });

describe("a verify function of the user", () => {
  it("sees the request and the time, and accepts by answering true, now or later", async () => {
    const seen: unknown[] = [];
    const verify: VerifyFunction = (given, context) => seen.push(given, context.nowMs) === 2;
    expect(await verifyWith(verify)).toEqual({ id: "evt_1" });
    expect(seen).toEqual([request, NOW_MS]);
    expect(await verifyWith(async () => true)).toEqual({ id: "evt_1" });
  });

  it("refuses by answering false, now or later", async () => {
    expect(await refusalOf(() => verifyWith(() => false))).toMatch(/the verify function answered false/);
    await refusalOf(() => verifyWith(async () => false));
  });

  it("refuses by answering nothing: a path that forgot its return is no open door", async () => {
    for (const answer of [undefined, null, "", "true", 1, {}]) {
      expect(await refusalOf(() => verifyWith(() => answer))).toMatch(/only true accepts a webhook/);
      await refusalOf(() => verifyWith(async () => answer));
    }
  });

  it("refuses by throwing, and the error stays behind as the cause", async () => {
    const cause = new TypeError("input buffers must have the same byte length");
    const error = await failureOf(() =>
      verifyWith(() => {
        throw cause;
      }),
    );
    expect(error).toMatchObject({ code: "signature_invalid", cause });
    expect(error.message).not.toContain("input buffers");
    expect(await failureOf(() => verifyWith(() => Promise.reject(cause)))).toMatchObject({ cause });
  });

  it("may throw a RelayError, which goes through as it is", async () => {
    const own = new RelayError("unsupported_webhook", "this endpoint takes version 2 only");
    expect(await failureOf(() => verifyWith(() => Promise.reject(own)))).toBe(own);
  });
});

describe("a verifier object", () => {
  it("accepts by not throwing, and keeps its own this", async () => {
    class Secret {
      readonly #expected = "right";
      verify(given: typeof request) {
        if (given.headers["x-signature"] !== this.#expected) throw new Error("no");
      }
    }
    expect(await verifyWith(new Secret())).toEqual({ id: "evt_1" });
    await refusalOf(() => adapterWith(new Secret()).verify({ ...request, headers: {} }, { nowMs: NOW_MS }));
  });

  it("that answers false or something odd refuses as well", async () => {
    for (const answer of [false, null, 0, ""]) await refusalOf(() => verifyWith({ verify: async () => answer }));
  });
});

describe("the options of custom", () => {
  it("are refused by name", async () => {
    const right = { name: "billing", verify: () => true, schema: z.object({}), normalize: () => null };
    for (const [options, message] of [
      [{ verify: undefined }, /custom verify must be hmacSha256.*got undefined/],
      [{ verify: {} }, /custom verify must be/],
      [{ verify: { verify() {}, idHeaders: "webhook-id" } }, /custom verify\.idHeaders must be a list/],
      [{ verify: { verify() {}, idHeaders: ["webhook id"] } }, /custom verify\.idHeaders\[0\] must be the name of/],
      [{ normalize: undefined }, /custom normalize must be a function.*got undefined/],
      [{ schema: {} }, /schema must be a Standard Schema/],
      [{ name: "a/b" }, /name must be a path segment/],
      [{ webhookSecret: "x" }, /custom has no option webhookSecret; it has name, verify, schema, normalize/],
    ] as const) {
      expect(await optionErrorOf(() => Reflect.apply(custom, undefined, [{ ...right, ...options }]))).toMatch(message);
    }
    expect(await optionErrorOf(() => Reflect.apply(custom, undefined, []))).toMatch(
      /the argument of custom must be an object/,
    );
  });

  it("of standardWebhooks are refused by name", async () => {
    for (const [options, message] of [
      [{}, /standardWebhooks secret must be.*got undefined/],
      [{ secret: "" }, /standardWebhooks secret must be/],
      [{ secret: [] }, /standardWebhooks secret must be.*an empty array/],
      [{ secret: "whsec_AAAA\n" }, /standardWebhooks secret begins or ends with white space/],
      [{ secret: "polar_whs_1" }, /standardWebhooks secret must be base64.*encoding: "utf8"/],
      [{ secret: "AAAA", encoding: "hex" }, /standardWebhooks encoding must be "base64" or "utf8"/],
      [{ secret: "AAAA", toleranceSeconds: "300" }, /standardWebhooks toleranceSeconds must be.*got a string/],
      [{ secret: "AAAA", tolerance: 300 }, /standardWebhooks has no option tolerance; it has secret/],
    ] as const) {
      expect(await optionErrorOf(() => Reflect.apply(standardWebhooks, undefined, [options]))).toMatch(message);
    }
  });
});
