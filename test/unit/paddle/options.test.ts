import { describe, expect, it } from "vitest";
import { type PaddleOptions, paddle, paddleEvents } from "../../../adapters/paddle/index.js";
import { RelayError } from "../../../src/errors.js";
import { recordsOf, verifyAt } from "../../helpers/records.js";
import { fixture, h1, NOW_MS, NOW_SECONDS, request, SECRET } from "./webhook.js";

const RENEWAL = "transaction-completed.renewal";

function refusal(options: unknown): { code: string; message: string } {
  try {
    paddle(options as PaddleOptions);
  } catch (error) {
    if (error instanceof RelayError) return error;
    throw error;
  }
  throw new Error("the options were accepted");
}

describe("the options of paddle()", () => {
  it("need the secret alone, and call the source paddle", () => {
    const name: "paddle" = paddle({ webhookSecret: SECRET }).name;
    expect(name).toBe("paddle");
  });

  it("may name a second account", async () => {
    const adapter = paddle({ webhookSecret: SECRET, name: "paddle-eu" });
    const name: "paddle-eu" = adapter.name;
    expect(name).toBe("paddle-eu");
    expect(await recordsOf(adapter, fixture(RENEWAL))).toMatchObject([
      { source: "paddle-eu", metadata: { source: "paddle-eu" } },
    ]);
  });

  it.each([
    ["no options", undefined, /argument of paddle\(\) must be an object, got undefined/],
    ["no secret", {}, /webhookSecret of paddle\(\) must be .*pdl_ntfset_.*got undefined/],
    ["an empty secret", { webhookSecret: "" }, /webhookSecret of paddle\(\) must be .*got an empty string/],
    ["no secret in the list", { webhookSecret: [] }, /webhookSecret of paddle\(\) must be .*got an empty array/],
    [
      "an empty secret in the list",
      { webhookSecret: [SECRET, ""] },
      /webhookSecret\[1\] of paddle\(\) must be .*empty string/,
    ],
    ["white space as a secret", { webhookSecret: "  " }, /webhookSecret .*white space/],
    ["white space behind the secret", { webhookSecret: `${SECRET}\n` }, /webhookSecret .*white space/],
    [
      "an invisible character",
      { webhookSecret: [SECRET, `${SECRET}\u200b`] },
      /\[1\] of paddle\(\) must be .*pdl_ntfset_.*copy-paste slip/,
    ],
    ["a live API key", { webhookSecret: "pdl_live_apikey_01ab_cd_ef" }, /pdl_ntfset_.*this is an API key/],
    [
      "a sandbox API key",
      { webhookSecret: [SECRET, "pdl_sdbx_apikey_01ab"] },
      /webhookSecret\[1\].*this is an API key/,
    ],
    [
      "a destination id",
      { webhookSecret: "ntfset_01hv8wptq8987qeep44cyrewp9" },
      /pdl_ntfset_.*this is the destination's id/,
    ],
    ["a client-side token", { webhookSecret: "live_7d279f61a3499fed520f7cd8c08" }, /this is a client-side token/],
    ["an unknown option", { webhookSecret: SECRET, tolerance: 5 }, /no option tolerance; .*toleranceSeconds/],
    ["a negative tolerance", { webhookSecret: SECRET, toleranceSeconds: -1 }, /toleranceSeconds must be .*0 or more/],
    ["a tolerance of NaN", { webhookSecret: SECRET, toleranceSeconds: Number.NaN }, /toleranceSeconds/],
    ["an endless tolerance", { webhookSecret: SECRET, toleranceSeconds: Number.POSITIVE_INFINITY }, /toleranceSeconds/],
    ["a tolerance in text", { webhookSecret: SECRET, toleranceSeconds: "300" }, /toleranceSeconds .*got a string/],
    ["a name with a slash", { webhookSecret: SECRET, name: "paddle/eu" }, /name must be/],
    ["an unknown amount", { webhookSecret: SECRET, amount: "total" }, /amount must be "net", "gross", "earnings"/],
    ["an unknown test mode", { webhookSecret: SECRET, testMode: "skip" }, /testMode must be "forward" or "ignore"/],
    ["five decimals", { webhookSecret: SECRET, currencyDecimals: { USD: 5 } }, /currencyDecimals\.USD .*0 to 4/],
    ["half a decimal", { webhookSecret: SECRET, currencyDecimals: { USD: 0.5 } }, /currencyDecimals\.USD/],
    ["no currency code", { webhookSecret: SECRET, currencyDecimals: { yen: 0, dollar: 2 } }, /three letters/],
    ["decimals in a list", { webhookSecret: SECRET, currencyDecimals: [2] }, /currencyDecimals must be an object/],
    ["identify as text", { webhookSecret: SECRET, identify: "email" }, /identify must be a function/],
    ["an unknown event", { webhookSecret: SECRET, events: { "transaction.complete": null } }, /transaction\.completed/],
    [
      "a handler as text",
      { webhookSecret: SECRET, events: { "transaction.paid": "x" } },
      /events\["transaction.paid"\]/,
    ],
    ["events in a list", { webhookSecret: SECRET, events: [] }, /events must be an object/],
  ])("are refused with %s", (_what, options, says) => {
    const { code, message } = refusal(options);
    expect(code).toBe("invalid_options");
    expect(message).toMatch(says);
    expect(message).not.toContain(SECRET);
  });

  it("are copied, so that a later change changes nothing", async () => {
    const options = { webhookSecret: [SECRET], currencyDecimals: { USD: 2 }, events: {} as PaddleOptions["events"] };
    const adapter = paddle(options);
    options.webhookSecret[0] = "another";
    options.currencyDecimals.USD = 0;
    options.events = { "transaction.completed": null };
    await expect(verifyAt(adapter, request(`ts=${NOW_SECONDS};h1=${h1()}`), NOW_MS)).resolves.toBeDefined();
    expect(await recordsOf(adapter, fixture(RENEWAL))).toMatchObject([{ sale: { decimals: 2 } }]);
  });
});

describe("the events option of paddle()", () => {
  it("replaces one handler, which may build on the default one and sees the options", async () => {
    const adapter = paddle({
      webhookSecret: SECRET,
      amount: "gross",
      events: {
        "transaction.completed": async (event, context) => {
          expect(context.options).toEqual({ amount: "gross", currencyDecimals: {} });
          expect(Object.isFrozen(context.options)).toBe(true);
          const result = await paddleEvents["transaction.completed"](event, context);
          return [
            result,
            { kind: "skip", reason: "unmapped", message: context.header("x-seen") ?? "none" },
          ].flat() as never;
        },
      },
    });
    expect(await recordsOf(adapter, fixture(RENEWAL), { "X-Seen": "yes" })).toMatchObject([
      { kind: "event", sale: { minorUnits: 10800 } },
      { kind: "skip", message: "yes" },
    ]);
    expect(await recordsOf(adapter, fixture("adjustment.full-refund"))).toMatchObject([{ kind: "refund" }]);
  });

  it("turns an event off with null, and keeps the default with undefined", async () => {
    const events = { "transaction.completed": null, "adjustment.updated": undefined };
    const adapter = paddle({ webhookSecret: SECRET, events });
    expect(await recordsOf(adapter, fixture(RENEWAL))).toMatchObject([
      { kind: "skip", reason: "unmapped", message: "transaction.completed has no mapping" },
    ]);
    expect(await recordsOf(adapter, fixture("adjustment.full-refund"))).toMatchObject([{ kind: "refund" }]);
  });

  it("sends nothing when a handler answers null", async () => {
    const adapter = paddle({ webhookSecret: SECRET, events: { "transaction.completed": () => null } });
    expect(await recordsOf(adapter, fixture(RENEWAL))).toEqual([]);
  });

  it("makes a failed mapping of a handler that throws or forgets to answer", async () => {
    const cause = new Error("no database");
    const handlers = [() => Promise.reject(cause), (() => undefined) as never];
    for (const handler of handlers) {
      const adapter = paddle({ webhookSecret: SECRET, events: { "transaction.completed": handler } });
      await expect(recordsOf(adapter, fixture(RENEWAL))).rejects.toMatchObject({ code: "mapping_failed" });
    }
  });

  it("exports defaults that nobody can change for everybody", () => {
    expect(Object.isFrozen(paddleEvents)).toBe(true);
  });
});

describe("the identify option of paddle()", () => {
  it("sees the event and what was found, and completes it", async () => {
    const adapter = paddle({
      webhookSecret: SECRET,
      identify: async (event, found) => ({ ...found, externalUserId: `user of ${event.data["customer_id"]}` }),
    });
    const identity = { referralId: "ref_42", customerId: "ctm_ada", externalUserId: "user of ctm_ada" };
    expect(await recordsOf(adapter, fixture(RENEWAL))).toMatchObject([{ identity }]);
    expect(await recordsOf(adapter, fixture("subscription-created.trialing"))).toMatchObject([{ identity }]);
  });

  it("replaces the identity, also of a link", async () => {
    const adapter = paddle({ webhookSecret: SECRET, identify: () => ({ referralId: "ref_mine" }) });
    const [event] = await recordsOf(adapter, fixture(RENEWAL));
    expect(event).toMatchObject({ identity: { referralId: "ref_mine" } });
    expect(event).not.toHaveProperty("identity.customerId", expect.anything());
    expect(await recordsOf(adapter, fixture("subscription-created.active"))).toMatchObject([
      { referralId: "ref_mine" },
    ]);
  });

  it("keeps what was found when it answers undefined", async () => {
    const adapter = paddle({ webhookSecret: SECRET, identify: () => undefined });
    expect(await recordsOf(adapter, fixture(RENEWAL))).toMatchObject([
      { identity: { referralId: "ref_42", customerId: "ctm_ada" } },
    ]);
  });

  it.each([
    ["throws", () => Promise.reject(new Error("no database"))],
    ["throws an error of the kit", () => Promise.reject(new RelayError("malformed_payload", "mine"))],
    ["answers text", () => "user_1"],
    ["answers null", () => null],
  ])("is a failed mapping when it %s", async (_what, identify) => {
    const adapter = paddle({ webhookSecret: SECRET, identify: identify as never });
    await expect(recordsOf(adapter, fixture(RENEWAL))).rejects.toMatchObject({
      code: "mapping_failed",
      retryable: true,
    });
  });
});
