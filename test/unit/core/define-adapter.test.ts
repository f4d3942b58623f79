import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { defineAdapter, type WebhookAdapter } from "../../../src/adapter.js";
import { createRelay } from "../../../src/relay.js";
import { failureOf, memoryLogger } from "./support.js";

const definition = { name: "billing", verify() {}, schema: z.any(), normalize: () => null };
const relayOf = (adapter: WebhookAdapter<"billing">) =>
  createRelay({ apiKey: "sk_live_test", adapters: [adapter], logger: memoryLogger().logger });

describe("an adapter with a part missing", () => {
  it.each<[object, string]>([
    [{ name: undefined }, 'name must be a path segment of letters, digits, "-" and "_" (at most 64), got undefined'],
    [{ name: "" }, "name must be a path segment"],
    [{ name: "a/b" }, "name must be a path segment"],
    [{ name: "billing\n" }, "name must be a path segment"],
    [{ name: "x".repeat(65) }, "name must be a path segment"],
    [{ verify: undefined }, "verify must be a function of the request, got undefined"],
    [{ schema: undefined }, "schema must be a Standard Schema (zod, valibot, arktype), got undefined"],
    [{ schema: { parse() {} } }, "schema must be a Standard Schema (zod, valibot, arktype), got an object"],
    [{ normalize: null }, "normalize must be a function of the payload, got null"],
  ])("is refused where it is defined (%#)", async (changes, message) => {
    const error = await failureOf(() => defineAdapter({ ...definition, ...changes } as never));
    expect(error.message).toContain(`invalid_options: ${message}`);
  });
});

describe("an adapter that answers nonsense", () => {
  it.each([[undefined], ["sale"], [true]])("is told what normalize may answer (%#)", async (answer) => {
    const adapter = defineAdapter({ ...definition, normalize: () => answer as never });
    const error = await failureOf(() => relayOf(adapter as never).receiveVerified("billing", {}));
    expect(error.message).toContain("mapping_failed: normalize of billing answered");
  });

  it("is refused where it was made without defineAdapter, and its normalize answers no list", async () => {
    const adapter: WebhookAdapter<"billing"> = {
      name: "billing",
      verify: async () => ({}),
      normalize: async () => ({}) as never,
    };
    const error = await failureOf(() => relayOf(adapter).receiveVerified("billing", {}));
    expect(error.message).toContain("mapping_failed: normalize of billing must answer a list of records");
  });
});
