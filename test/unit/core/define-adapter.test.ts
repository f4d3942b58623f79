import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { defineAdapter, type WebhookAdapter } from "../../../src/adapter.js";
import { RelayError } from "../../../src/errors.js";
import { defineProviderAdapter } from "../../../src/provider-adapter.js";
import { createRelay } from "../../../src/relay.js";
import { failureOf, memoryLogger } from "./support.js";

const definition = { name: "billing", verify() {}, schema: z.any(), normalize: () => null };
const relayOf = (adapter: WebhookAdapter<"billing">) =>
  createRelay({ apiKey: "sk_live_test", adapters: [adapter], logger: memoryLogger().logger });

describe("an adapter with a part missing", () => {
  it.each<[object, string]>([
    [{ name: undefined }, 'name must be a path segment of at most 64 letters, digits, "-" and "_", got undefined'],
    [{ name: "" }, "name must be a path segment"],
    [{ name: "a/b" }, "name must be a path segment"],
    [{ name: "billing\n" }, "name must be a path segment"],
    [{ name: "x".repeat(65) }, "name must be a path segment"],
    [{ verify: undefined }, "verify must be a function, got undefined"],
    [{ schema: undefined }, "schema must be a Standard Schema, such as zod's, got undefined"],
    [{ schema: { parse() {} } }, "schema must be a Standard Schema, such as zod's, got an object"],
    [{ normalize: null }, "normalize must be a function, got null"],
  ])("is refused where it is defined (%#)", async (changes, message) => {
    const error = await failureOf(() => defineAdapter({ ...definition, ...changes } as never));
    expect(error.message).toContain(`invalid_options: ${message}`);
  });
});

describe("an adapter whose code throws", () => {
  const cause = new TypeError("no such plan");
  const throwing = () => {
    throw cause;
  };
  const schemaOf = (validate: () => never) => ({ "~standard": { version: 1, vendor: "own", validate } }) as const;
  const normalizing = (normalize: () => never) => ({ ...definition, normalize });
  const failing: [string, Parameters<typeof defineAdapter>[0]][] = [
    ["normalize", normalizing(throwing)],
    ["normalize, later", normalizing((() => Promise.reject(cause)) as never)],
    ["the schema", { ...definition, schema: schemaOf(throwing) }],
    ["the schema, later", { ...definition, schema: schemaOf((() => Promise.reject(cause)) as never) }],
  ];

  it.each(failing)("leaves the webhook with the provider, and is named: %s", async (_, throwingDefinition) => {
    const adapter = defineAdapter(throwingDefinition);
    const error = await failureOf(() => relayOf(adapter as never).receiveVerified("billing", {}));
    expect(error).toMatchObject({ code: "mapping_failed", status: 503, retryable: true, cause });
    expect(error.message).toBe(
      "mapping_failed: normalize of billing or its schema threw: nothing was taken; it has to be sent again, as " +
        "providers do",
    );
  });

  it("may throw an error of the kit, which stays what it is", async () => {
    const own = new RelayError("malformed_payload", "this order has no lines");
    const adapter = defineAdapter({
      ...definition,
      normalize: () => {
        throw own;
      },
    });
    expect(await failureOf(() => relayOf(adapter as never).receiveVerified("billing", {}))).toBe(own);
  });
});

describe("an adapter of the kit whose own code throws", () => {
  it("is a bug to report, and nobody else's fault", async () => {
    const cause = new TypeError("undefined is not a function");
    const adapter = defineProviderAdapter({
      name: "billing",
      schema: z.looseObject({}),
      optionNames: [],
      settings: {},
      handlers: {
        paid: () => {
          throw cause;
        },
      },
      createVerify: () => async () => {},
      describe: () => ({ type: "paid", id: "evt_1", isTest: false }),
      options: { webhookSecret: "secret" },
    });
    const error = await failureOf(() => relayOf(adapter as never).receiveVerified("billing", {}));
    expect(error).toMatchObject({ code: "internal_error", cause });
    expect(error.message).toContain("please report it");
  });
});

describe("an adapter that answers nonsense", () => {
  it.each([[undefined], ["sale"], [true]])("is told what normalize may answer (%#)", async (answer) => {
    const adapter = defineAdapter({ ...definition, normalize: () => answer as never });
    const error = await failureOf(() => relayOf(adapter as never).receiveVerified("billing", {}));
    expect(error.message).toContain("mapping_failed: normalize of billing answered");
  });

  it("is told what a record is where it was made without defineAdapter, and its normalize answers no list", async () => {
    const adapter: WebhookAdapter<"billing"> = {
      name: "billing",
      verify: async () => ({}),
      normalize: async () => null as never,
    };
    const error = await failureOf(() => relayOf(adapter).receiveVerified("billing", {}));
    expect(error.message).toContain("invalid_event: a record of billing breaks the contract");
  });
});
