import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { defineAdapter } from "../../../src/adapter.js";
import type { DeadLetter, Delivery, RelayOptions } from "../../../src/options.js";
import { createRelay } from "../../../src/relay.js";
import { leaveStandIns, standInFor } from "../../helpers/stand-in.js";
import {
  type Answer,
  billing,
  CREATED,
  endpointAnswers,
  errorBody,
  failureOf,
  link,
  memoryLogger,
  optionsOf,
  refund,
  sale,
  signed,
} from "./support.js";

const lead = (changes: object = {}) => ({ type: "lead", name: "signed_up", identity: { customerId: "c" }, ...changes });
const relayWith = (changes: Partial<RelayOptions> = {}) => createRelay(optionsOf(changes));
const receive = (changes: Partial<RelayOptions>, ...records: object[]) =>
  relayWith(changes).receive("billing", signed({ records }));

/** Makes the same of every webhook. */
const constant = (record: ReturnType<typeof sale>) =>
  defineAdapter({ name: "constant", verify() {}, schema: z.unknown(), normalize: () => record as never });

const NOT_FOUND: Answer = [404, errorBody("NOT_FOUND")];
const INVALID: Answer = [400, errorBody("VALIDATION_ERROR", { field: "sale_amount", details: [{ path: "x" }] })];

// What no test expects is sent to nobody.
beforeEach(() => standInFor("https://api.affonso.io"));
afterEach(leaveStandIns);

describe("a webhook", () => {
  it("that is signed is sent to the endpoint as one event", async () => {
    const sent = endpointAnswers(CREATED);
    expect(await receive({}, sale())).toEqual({
      status: "delivered",
      records: [{ kind: "event", status: "delivered", externalEventId: "evt_1" }],
    });
    expect(sent).toEqual([
      {
        event_name: "invoice_paid",
        event_type: "conversion",
        customer_id: "cus_1",
        external_event_id: "evt_1",
        sale_amount: 19.99,
        sale_amount_currency: "USD",
      },
    ]);
  });

  it("that was verified elsewhere is sent just so", async () => {
    const sent = endpointAnswers(CREATED);
    const result = await relayWith().receiveVerified("billing", { records: [sale()] });
    expect(result.status).toBe("delivered");
    expect(sent).toHaveLength(1);
  });

  it("may have its body read late, and once", async () => {
    endpointAnswers(CREATED);
    const { body, headers } = signed({ records: [sale()] });
    let reads = 0;
    const late = async () => {
      reads++;
      return Buffer.from(body);
    };
    expect((await relayWith().receive("billing", { body: late, headers })).status).toBe("delivered");
    expect(reads).toBe(1);
  });

  it.each<[string, (request: { body: string; headers: object }) => object]>([
    ["without signature", ({ body }) => ({ body, headers: {} })],
    ["with another body", ({ body, headers }) => ({ body: body.replace("1999", "9999"), headers })],
    ["with white space added", ({ body, headers }) => ({ body: `${body} `, headers })],
  ])("%s is refused, and nothing is sent", async (_, forge) => {
    const sent = endpointAnswers(CREATED);
    const forged = forge(signed({ records: [sale()] }) as never);
    const error = await failureOf(() => relayWith().receive("billing", forged as never));
    expect(error).toMatchObject({ code: "signature_invalid", status: 401, retryable: false });
    expect(sent).toEqual([]);
  });

  it.each([["{"], [""], ["\ufeff{}"], ['{"records":1}'], ["[]"], ["null"]])(
    "that is signed and not the provider's shape is refused (%#)",
    async (body) => {
      const { createHmac } = await import("node:crypto");
      const signature = createHmac("sha256", "correct-horse-battery").update(body).digest("hex");
      const error = await failureOf(() =>
        relayWith().receive("billing", { body, headers: { "x-signature": signature } }),
      );
      expect(error).toMatchObject({ code: "malformed_payload", status: 400 });
    },
  );

  it("with nothing to send is ignored", async () => {
    expect(await receive({})).toEqual({ status: "ignored", records: [] });
    const skip = { kind: "skip", reason: "unmapped", externalEventId: "evt_1", message: "no mapping" };
    expect(await receive({}, skip)).toEqual({
      status: "ignored",
      records: [{ kind: "skip", status: "ignored", externalEventId: "evt_1", reason: "unmapped" }],
    });
  });

  it("of an unknown source is refused", async () => {
    const relay = relayWith();
    const error = await failureOf(() => relay.receive("stripe", signed({ records: [sale()] })));
    expect(error).toMatchObject({ code: "unknown_source", status: 404 });
    expect(error.message).toContain("billing");
    expect((await failureOf(() => relay.receiveVerified("stripe" as never, {} as never))).code).toBe("unknown_source");
  });

  it("that breaks the contract is refused before anything is sent", async () => {
    const sent = endpointAnswers(CREATED);
    const error = await failureOf(() => receive({}, sale(), sale({ externalEventId: "evt_2", sale: undefined })));
    expect(error).toMatchObject({ code: "invalid_event", status: 503, retryable: true });
    expect(sent).toEqual([]);
  });

  it("with an amount that can't be written is refused before anything is sent", async () => {
    const sent = endpointAnswers(CREATED);
    const money = { minorUnits: 7_036_874_417_816_391, currency: "USD" };
    const error = await failureOf(() => receive({}, sale(), sale({ externalEventId: "evt_2", sale: money })));
    expect(error).toMatchObject({ code: "invalid_event", status: 503 });
    expect(sent).toEqual([]);
  });

  it.each([null, undefined, "text"])("with something beside a record that is none is refused (%#)", async (none) => {
    const sent = endpointAnswers(CREATED);
    const adapter = defineAdapter({
      name: "odd",
      verify() {},
      schema: z.unknown(),
      normalize: () => [sale(), none] as never,
    });
    const relay = createRelay({ ...optionsOf(), adapters: [adapter] });
    const error = await failureOf(() => relay.receiveVerified("odd", {}));
    expect(error).toMatchObject({ code: "invalid_event", status: 503 });
    expect(error.message).toContain("expected an object, got");
    expect(sent).toEqual([]);
  });

  it.each([
    [undefined, "undefined"],
    ["text", "a string"],
    [false, "a boolean"],
  ])("whose normalize answers neither record, list nor null is refused (%#)", async (answer, words) => {
    const normalize = async () => answer as never;
    const adapter = defineAdapter({ name: "odd", verify() {}, schema: z.unknown(), normalize });
    const relay = createRelay({ ...optionsOf(), adapters: [adapter] });
    const error = await failureOf(() => relay.receiveVerified("odd", {}));
    expect(error).toMatchObject({ code: "mapping_failed", status: 503, retryable: true });
    expect(error.message).toContain(`normalize of odd answered ${words}; answer a record, a list, or null`);
  });

  it("with two events of one externalEventId is refused before anything is sent", async () => {
    const sent = endpointAnswers(CREATED);
    const error = await failureOf(() => receive({}, sale(), lead({ externalEventId: "evt_1" })));
    expect(error.code).toBe("invalid_event");
    expect(error.message).toContain("two records of one webhook have one externalEventId");
    expect(sent).toEqual([]);
  });

  it("whose transform gives two events one externalEventId is refused before anything is sent", async () => {
    const sent = endpointAnswers(CREATED);
    const transform: RelayOptions["transform"] = (event) => ({ ...event, externalEventId: "same" });
    const error = await failureOf(() => receive({ transform }, sale(), sale({ externalEventId: "evt_2" })));
    expect(error.code).toBe("invalid_event");
    expect(sent).toEqual([]);
  });

  it("may have several events without id, and a refund with the id of an event", async () => {
    endpointAnswers(CREATED, CREATED, CREATED);
    const on = { refund() {} };
    const result = await receive({ on }, lead(), lead(), sale(), refund({ externalEventId: "evt_1" }));
    expect(result.records.map(({ status }) => status)).toEqual(["delivered", "delivered", "delivered", "ignored"]);
  });
});

describe("what the endpoint answers", () => {
  it.each<[string, Answer]>([
    ["a replay", [200, { success: true, data: { id: "conv_1", replayed: true } }]],
    ["409 DUPLICATE_ERROR", [409, errorBody("DUPLICATE_ERROR")]],
  ])("makes a duplicate of %s", async (_, answer) => {
    endpointAnswers(answer);
    expect((await receive({}, sale())).status).toBe("duplicate");
  });

  it("makes a customer that nobody referred unmatched, which is no failure", async () => {
    endpointAnswers(NOT_FOUND);
    const { logger, failures } = memoryLogger();
    const unmatched: unknown[] = [];
    const result = await receive({ logger, on: { unmatched: (event) => void unmatched.push(event) } }, sale());
    expect(result.status).toBe("unmatched");
    expect(unmatched).toMatchObject([{ kind: "event", externalEventId: "evt_1" }]);
    expect(failures()).toEqual([]);
  });

  it("leaves a rejected event with the provider without on.deadLetter", async () => {
    endpointAnswers(INVALID);
    const error = await failureOf(() => receive({}, sale()));
    expect(error).toMatchObject({ code: "event_rejected", status: 503, retryable: false });
    expect(error.message).toContain("(400, VALIDATION_ERROR, field sale_amount); set on.deadLetter");
  });

  it("gives a rejected event into the custody of on.deadLetter", async () => {
    endpointAnswers(INVALID);
    const taken: DeadLetter[] = [];
    const deadLetter = async (letter: DeadLetter) => void taken.push(letter);
    expect(await receive({ on: { deadLetter } }, sale())).toEqual({
      status: "dead_letter",
      records: [{ kind: "event", status: "dead_letter", externalEventId: "evt_1" }],
    });
    expect(taken).toMatchObject([
      {
        event: { source: "billing", externalEventId: "evt_1" },
        error: { status: 400, code: "VALIDATION_ERROR", field: "sale_amount", details: [{ path: "x" }] },
      },
    ]);
  });

  it.each([
    ["throws", () => expect.fail("disk full")],
    ["rejects", () => Promise.reject(new Error("disk full"))],
  ])("leaves a rejected event with the provider where on.deadLetter %s", async (_, deadLetter) => {
    endpointAnswers(INVALID);
    const error = await failureOf(() => receive({ on: { deadLetter } }, sale()));
    expect(error).toMatchObject({ code: "hook_failed", status: 503, retryable: true });
    expect(error.message).toContain("on.deadLetter threw");
    expect(error.message).not.toContain("disk full");
  });

  it.each<[string, Answer, string]>([
    ["401", [401, errorBody("UNAUTHORIZED")], "check apiKey and signingSecret (401, UNAUTHORIZED)"],
    ["403", [403, errorBody("FORBIDDEN")], "it needs the permission write:commissions (403, FORBIDDEN)"],
    ["a 404 of a proxy", [404, "<h1>Not Found</h1>"], "is not the events endpoint: check baseUrl and any proxy (404)"],
    ["a page with 200", [200, "<h1>Log in</h1>"], "is not the events endpoint: check baseUrl and any proxy (200)"],
    ["a redirect", [302, "", { location: "https://example.com" }], "redirects are not followed: check baseUrl (302)"],
  ])("keeps the webhook with the provider where the endpoint is blocked: %s", async (_, answer, message) => {
    endpointAnswers(answer);
    const deadLetter = () => expect.fail("a blocked event is no dead letter");
    const error = await failureOf(() => receive({ on: { deadLetter } }, sale()));
    expect(error).toMatchObject({ code: "endpoint_blocked", status: 503, retryable: true });
    expect(error.message).toContain(message);
  });

  it("passes on how long a rate limit asks to wait", async () => {
    endpointAnswers([429, errorBody("RATE_LIMIT_EXCEEDED"), { "retry-after": "17" }]);
    const error = await failureOf(() => receive({}, sale()));
    expect(error).toMatchObject({ code: "endpoint_unavailable", status: 503, retryable: true, retryAfterMs: 17_000 });
  });

  it.each([500, 502, 503, 504])("keeps the webhook with the provider after a %i", async (status) => {
    endpointAnswers([status, "oops"]);
    const error = await failureOf(() => receive({}, sale()));
    expect(error).toMatchObject({ code: "endpoint_unavailable", status: 503, retryable: true });
    expect(error.message).toContain(`an error of its own (${status})`);
  });

  it("keeps the webhook with the provider where the endpoint can't be reached", async () => {
    standInFor("https://api.affonso.io").post("/v1/events").replyWithError("getaddrinfo ENOTFOUND api.affonso.io");
    const error = await failureOf(() => receive({}, sale()));
    expect(error).toMatchObject({ code: "endpoint_unavailable", status: 503 });
    expect(error.message).toContain("the endpoint can't be reached");
  });

  it("says the system's code of it, and nothing that may hold a secret", async () => {
    const cause = Object.assign(new Error("connect to https://u:CANARY@host"), { code: "ECONNREFUSED" });
    const fetch = () => Promise.reject(new TypeError("fetch failed", { cause }));
    const error = await failureOf(() => receive({ fetch }, sale()));
    expect(error.message).toBe("endpoint_unavailable: the endpoint can't be reached (ECONNREFUSED)");
    expect(error.cause).toBeUndefined();
  });

  it("never has words of the endpoint quoted in an error", async () => {
    endpointAnswers([422, { success: false, error: { code: "X", message: "jane@example.com is wrong" } }]);
    expect((await failureOf(() => receive({}, sale()))).message).not.toContain("jane");
  });
});

describe("an event whose ids the endpoint refuses together", () => {
  const both = sale({ identity: { referralId: "ref_bob", customerId: "cus_1" } });
  const disagree: Answer = [400, errorBody("VALIDATION_ERROR", { field: "customer_id" })];

  it("is sent by its referral alone: a customer came back through another affiliate", async () => {
    const sent = endpointAnswers(disagree, CREATED);
    expect(await receive({}, both)).toMatchObject({ status: "delivered" });
    expect(sent).toMatchObject([{ referral_id: "ref_bob", customer_id: "cus_1" }, { referral_id: "ref_bob" }]);
    expect(sent[1]).not.toHaveProperty("customer_id");
  });

  it("is sent for its customer where nobody knows its referral, and told as it was sent", async () => {
    const told: unknown[] = [];
    const sent = endpointAnswers(NOT_FOUND, CREATED);
    const on = { delivered: ({ event }: Delivery) => void told.push(event.identity) };
    expect(await receive({ on }, both)).toMatchObject({ status: "delivered" });
    expect(sent[1]).toMatchObject({ customer_id: "cus_1" });
    expect(told).toEqual([{ customerId: "cus_1" }]);
  });
});

describe("mappings", () => {
  it("change what is sent", async () => {
    const sent = endpointAnswers(CREATED);
    const mappings = {
      customers: async (id: string) => `user_of_${id}`,
      products: { prod_a: "pro" },
      prices: { price_a: null },
    };
    await receive({ mappings }, sale({ productIds: ["prod_a", "prod_b"], priceIds: ["price_a"] }));
    expect(sent).toMatchObject([{ customer_id: "user_of_cus_1", product_ids: ["pro", "prod_b"] }]);
    expect(sent[0]).not.toHaveProperty("price_ids");
  });

  it("that throw keep the webhook with the provider, and nothing of it is sent", async () => {
    const sent = endpointAnswers(CREATED);
    const customers = (id: string) => (id === "cus_2" ? Promise.reject(new Error("db down")) : id);
    const second = sale({ externalEventId: "evt_2", identity: { customerId: "cus_2" } });
    const error = await failureOf(() => receive({ mappings: { customers } }, sale(), second));
    expect(error).toMatchObject({ code: "mapping_failed", status: 503, retryable: true });
    expect(sent).toEqual([]);
  });

  it("that leave nobody on the event make it ignored, and nothing is sent", async () => {
    const sent = endpointAnswers(CREATED);
    expect(await receive({ mappings: { customers: () => null } }, sale())).toEqual({
      status: "ignored",
      records: [{ kind: "skip", status: "ignored", externalEventId: "evt_1", reason: "no_identity" }],
    });
    expect(sent).toEqual([]);
  });

  it("that drop the customer leave the other ids", async () => {
    const sent = endpointAnswers(CREATED);
    const identity = { customerId: "cus_1", referralId: "ref_1" };
    await receive({ mappings: { customers: () => null } }, sale({ identity }));
    expect(sent[0]).toMatchObject({ referral_id: "ref_1" });
    expect(sent[0]).not.toHaveProperty("customer_id");
  });

  it("whose answer is no id that the endpoint takes keep the webhook with the provider", async () => {
    const sent = endpointAnswers(CREATED);
    const error = await failureOf(() => receive({ mappings: { customers: () => "user\n1" } }, sale()));
    expect(error).toMatchObject({ code: "invalid_event", status: 503 });
    expect(sent).toEqual([]);
  });
});

describe("transform", () => {
  it.each([
    ["at once", (event: object) => ({ ...event, name: "renamed" })],
    ["later", async (event: object) => ({ ...event, name: "renamed" })],
  ])("has the last word, %s", async (_, transform) => {
    const sent = endpointAnswers(CREATED);
    await receive({ transform: transform as never, mappings: { customers: { cus_1: "user_1" } } }, sale());
    expect(sent).toMatchObject([{ event_name: "renamed", customer_id: "user_1" }]);
  });

  it("sees the event after the mappings", async () => {
    endpointAnswers(CREATED);
    const seen: unknown[] = [];
    const transform: RelayOptions["transform"] = (event) => {
      seen.push(event.identity.customerId);
      return event;
    };
    await receive({ transform, mappings: { customers: { cus_1: "user_1" } } }, sale());
    expect(seen).toEqual(["user_1"]);
  });

  it("may change the event that it is given, and what it was made of stays as it is", async () => {
    const sent = endpointAnswers(CREATED);
    // As an app may keep it and answer it each time.
    const price = { minorUnits: 2900, currency: "USD" };
    const transform: RelayOptions["transform"] = (event) => {
      Reflect.set(event.sale ?? {}, "minorUnits", 2800);
      return event;
    };
    await relayWith({ transform, adapters: [constant(sale({ sale: price }))] }).receiveVerified("constant", {});
    expect(price).toEqual({ minorUnits: 2900, currency: "USD" });
    expect(sent).toMatchObject([{ sale_amount: 28 }]);
  });

  it("gets the event itself where it can't be copied, such as one with a proxy in it", async () => {
    const sent = endpointAnswers(CREATED);
    const price = new Proxy({ minorUnits: 2900, currency: "USD" }, {});
    const adapters = [constant(sale({ sale: price }))];
    await relayWith({ transform: (event) => event, adapters }).receiveVerified("constant", {});
    expect(sent).toMatchObject([{ sale_amount: 29 }]);
  });

  it("drops an event by answering null", async () => {
    const sent = endpointAnswers(CREATED);
    expect(await receive({ transform: () => null }, sale())).toEqual({
      status: "ignored",
      records: [{ kind: "skip", status: "ignored", externalEventId: "evt_1", reason: "dropped" }],
    });
    expect(sent).toEqual([]);
  });

  it.each<[string, () => unknown, string, string]>([
    ["answers undefined", () => undefined, "mapping_failed", "transform answered undefined; answer the event, or null"],
    ["answers a flag", () => true, "mapping_failed", "transform answered a boolean"],
    ["throws", () => expect.fail("jane@example.com"), "mapping_failed", "transform threw"],
    ["rejects", () => Promise.reject(new Error("jane@example.com")), "mapping_failed", "transform threw"],
    ["answers something that is no event", () => ({ kind: "event" }), "invalid_event", "breaks the contract"],
    ["answers a list", () => [], "invalid_event", "breaks the contract"],
    ["answers a refund", () => ({ ...refund(), source: "billing" }), "invalid_event", "breaks the contract"],
  ])("that %s keeps the webhook with the provider, and nothing is sent", async (_, transform, code, message) => {
    const sent = endpointAnswers(CREATED);
    const error = await failureOf(() => receive({ transform: transform as never }, sale()));
    expect(error).toMatchObject({ code, status: 503, retryable: true });
    expect(error.message).toContain(message);
    expect(error.message).not.toContain("jane");
    expect(sent).toEqual([]);
  });

  it("that answers a wrong event is named in the message, and the adapter is where there is none", async () => {
    const transform: RelayOptions["transform"] = (event) => ({ ...event, name: "" });
    const error = await failureOf(() => receive({ transform }, sale()));
    expect(error.message).toContain("a record of billing after transform breaks the contract: name");
    const untransformed = await failureOf(() => receive({ mappings: { customers: () => "user\n1" } }, sale()));
    expect(untransformed.message).toContain("invalid_event: a record of billing breaks the contract: identity");
  });

  it("that takes the amount from a conversion keeps the webhook with the provider", async () => {
    const transform = ({ sale: _, ...event }: object & { sale?: unknown }) => event;
    const error = await failureOf(() => receive({ transform: transform as never }, sale()));
    expect(error.code).toBe("invalid_event");
  });

  it("that names somebody on an event without identity lets it be sent", async () => {
    const sent = endpointAnswers(CREATED);
    const transform: RelayOptions["transform"] = (event) => ({ ...event, identity: { externalUserId: "u" } });
    await receive({ transform }, sale({ identity: {} }));
    expect(sent).toMatchObject([{ external_user_id: "u" }]);
  });

  it("is asked about events only", async () => {
    const transform = () => expect.fail("asked about a refund or a link");
    const result = await receive({ transform, on: { refund() {}, link() {} } }, refund(), link());
    expect(result.status).toBe("ignored");
  });
});

describe("several records of one webhook", () => {
  const second = sale({ externalEventId: "evt_2" });

  it("are sent one after the other, in their order", async () => {
    const sent = endpointAnswers(CREATED, CREATED);
    const result = await receive({}, sale(), second);
    expect(sent.map((body) => body["external_event_id"])).toEqual(["evt_1", "evt_2"]);
    expect(result.records.map(({ externalEventId }) => externalEventId)).toEqual(["evt_1", "evt_2"]);
  });

  it("keep the webhook with the provider where a later one fails; the next try sends all of them again", async () => {
    const sent = endpointAnswers(CREATED, [500]);
    const relay = relayWith();
    const request = signed({ records: [sale(), second] });
    expect((await failureOf(() => relay.receive("billing", request))).code).toBe("endpoint_unavailable");

    const replay: Answer = [200, { success: true, data: { replayed: true } }];
    const sentAgain = endpointAnswers(replay, CREATED);
    const result = await relay.receive("billing", request);
    expect(result.records.map(({ status }) => status)).toEqual(["duplicate", "delivered"]);
    expect(sentAgain).toEqual(sent);
  });

  it.each<[string, RelayOptions["on"], object, Answer[], string]>([
    ["an event that the endpoint refuses", {}, sale(), [INVALID], "event_rejected"],
    ["a dead letter nobody takes", { deadLetter: () => expect.fail("x") }, sale(), [INVALID], "hook_failed"],
    ["a refund nobody takes", { refund: () => expect.fail("x") }, refund(), [], "hook_failed"],
    ["a link nobody takes", { link: () => Promise.reject(new Error("x")) }, link(), [], "hook_failed"],
  ])("are all sent though one is refused: %s", async (_, on, refused, answers, code) => {
    const sent = endpointAnswers(...answers, CREATED);
    const error = await failureOf(() => receive({ on }, refused, second));
    expect(error).toMatchObject({ code, status: 503 });
    expect(sent.at(-1)).toMatchObject({ external_event_id: "evt_2" });
    expect(sent).toHaveLength(answers.length + 1);
  });

  it("fail with the first error where several are refused", async () => {
    const sent = endpointAnswers(INVALID, INVALID, CREATED);
    const { logger, failures } = memoryLogger();
    const error = await failureOf(() => receive({ logger }, sale(), second, sale({ externalEventId: "evt_3" })));
    expect(error).toMatchObject({ code: "event_rejected", externalEventId: "evt_1" });
    expect(sent.map((body) => body["external_event_id"])).toEqual(["evt_1", "evt_2", "evt_3"]);
    expect(failures()).toHaveLength(1);
  });

  it("are not sent after one whose failure is theirs too", async () => {
    const sent = endpointAnswers(INVALID, [500], CREATED);
    const error = await failureOf(() => receive({}, sale(), second, sale({ externalEventId: "evt_3" })));
    expect(error).toMatchObject({ code: "event_rejected" });
    expect(sent.map((body) => body["external_event_id"])).toEqual(["evt_1", "evt_2"]);
  });

  it.each<[string, Answer, Answer, string]>([
    ["dead_letter", CREATED, INVALID, "dead_letter"],
    ["delivered", NOT_FOUND, CREATED, "delivered"],
    ["duplicate", NOT_FOUND, [409, errorBody("DUPLICATE_ERROR")], "duplicate"],
    ["unmatched", NOT_FOUND, NOT_FOUND, "unmatched"],
  ])("have the weightiest status: %s", async (_, first, then, status) => {
    endpointAnswers(first, then);
    const result = await receive({ on: { deadLetter() {} } }, sale(), second, { kind: "skip", reason: "unmapped" });
    expect(result.status).toBe(status);
  });
});

describe("a refund", () => {
  it("is given to on.refund, complete and with its source", async () => {
    const taken: unknown[] = [];
    const result = await receive({ on: { refund: async (one) => void taken.push(one) } }, refund());
    expect(taken).toEqual([{ ...refund(), source: "billing", references: {} }]);
    expect(result).toMatchObject({ status: "ignored", records: [{ kind: "refund", externalEventId: "evt_refund" }] });
  });

  it("is ignored with a warning where there is no hook", async () => {
    const { logger, failures } = memoryLogger();
    expect((await receive({ logger }, refund())).status).toBe("ignored");
    expect(failures()).toMatchObject([{ level: "warn", fields: { externalEventId: "evt_refund" } }]);
    expect(failures()[0]?.message).toContain("on.refund");
  });

  it("stays with the provider where the hook throws", async () => {
    const error = await failureOf(() => receive({ on: { refund: () => expect.fail("jane") } }, refund()));
    expect(error).toMatchObject({ code: "hook_failed", status: 503, retryable: true });
    expect(error.message).toContain("on.refund threw");
  });
});

describe("a link", () => {
  it("is given to on.link", async () => {
    const taken: unknown[] = [];
    const result = await receive({ on: { link: async (one) => void taken.push(one) } }, link());
    expect(taken).toEqual([{ ...link(), source: "billing" }]);
    expect(result).toMatchObject({ status: "ignored", records: [{ kind: "link" }] });
  });

  it("with a referral is ignored with one warning where there is no hook, and quietly from then on", async () => {
    const { logger, lines, failures } = memoryLogger();
    const relay = relayWith({ logger });
    for (const record of [link(), link(), link({ referralId: null })]) {
      expect((await relay.receive("billing", signed({ records: [record] }))).status).toBe("ignored");
    }
    expect(failures()).toHaveLength(1);
    expect(lines.filter(({ message }) => message.startsWith("link ignored"))).toHaveLength(3);
  });

  it("without a referral is no reason for a warning", async () => {
    const { logger, failures } = memoryLogger();
    await receive({ logger }, link({ referralId: null }));
    expect(failures()).toEqual([]);
  });

  it("stays with the provider where the hook throws", async () => {
    const error = await failureOf(() => receive({ on: { link: () => Promise.reject(new Error("x")) } }, link()));
    expect(error).toMatchObject({ code: "hook_failed", status: 503 });
    expect(error.message).toContain("on.link threw");
  });
});

describe("on.delivered", () => {
  const told = async (answer: Answer, record: object) => {
    endpointAnswers(answer);
    const deliveries: Delivery[] = [];
    await receive({ on: { delivered: async (one) => void deliveries.push(one) } }, record);
    return deliveries;
  };

  it("is told the event, the id of the conversion, and whether the endpoint had it already", async () => {
    expect(await told(CREATED, sale())).toMatchObject([
      { event: { externalEventId: "evt_1" }, duplicate: false, conversionId: "conv_1" },
    ]);
    expect(await told([200, { success: true, data: { id: "conv_1", replayed: true } }], sale())).toMatchObject([
      { duplicate: true, conversionId: "conv_1" },
    ]);
    expect(await told([409, errorBody("DUPLICATE_ERROR")], sale())).toMatchObject([
      { duplicate: true, conversionId: undefined },
    ]);
  });

  it("is told no conversion id of an event that is none", async () => {
    expect(await told(CREATED, lead())).toMatchObject([{ conversionId: undefined }]);
  });

  it.each(["delivered", "unmatched"] as const)("and its like change no answer by throwing: on.%s", async (hook) => {
    for (const fail of [() => expect.fail("jane@example.com"), () => Promise.reject(new Error("jane@example.com"))]) {
      endpointAnswers(hook === "delivered" ? CREATED : NOT_FOUND);
      const { logger, failures } = memoryLogger();
      expect((await receive({ logger, on: { [hook]: fail } }, sale())).status).toBe(hook);
      expect(failures()).toMatchObject([{ level: "error", fields: { hook } }]);
      expect(JSON.stringify(failures())).not.toContain("jane");
    }
  });
});

describe("the log", () => {
  const failing: [string, Partial<RelayOptions>, object[], Answer[]][] = [
    ["a mapping that throws", { mappings: { customers: () => expect.fail("x") } }, [sale()], []],
    ["a mapping of a wrong type", { mappings: { customers: (() => 42) as never } }, [sale()], []],
    ["a transform that throws", { transform: () => expect.fail("x") }, [sale()], []],
    ["a record that breaks the contract", {}, [sale({ sale: undefined })], []],
    ["a rejected event", {}, [sale()], [INVALID]],
    ["a dead letter nobody takes", { on: { deadLetter: () => expect.fail("x") } }, [sale()], [INVALID]],
    ["a blocked endpoint", {}, [sale()], [[401, errorBody("UNAUTHORIZED")]]],
    ["a rate limit", {}, [sale()], [[429, errorBody("RATE_LIMIT_EXCEEDED")]]],
    ["an endpoint in trouble", {}, [sale()], [[503]]],
    ["a refund nobody takes", { on: { refund: () => expect.fail("x") } }, [refund()], []],
    ["the second of two events", {}, [sale(), sale({ externalEventId: "evt_2" })], [CREATED, [500]]],
  ];

  it.each(failing)("has exactly one line for %s", async (_, changes, records, answers) => {
    endpointAnswers(...answers);
    const { logger, failures } = memoryLogger();
    const error = await failureOf(() => receive({ ...changes, logger }, ...records));
    expect(failures()).toHaveLength(1);
    expect(failures()[0]).toMatchObject({
      level: "error",
      message: error.message,
      fields: { source: "billing", code: error.code },
    });
  });

  it.each<[string, string, object, string]>([
    ["a wrong signature", "billing", { body: "{}", headers: {} }, "signature_invalid"],
    ["an unknown source", "stripe", signed({ records: [] }), "unknown_source"],
    ["a payload of another shape", "billing", signed({}), "malformed_payload"],
  ])("has one warning, and no error, for %s", async (_, source, request, code) => {
    const { logger, failures } = memoryLogger();
    await failureOf(() => relayWith({ logger }).receive(source, request as never));
    expect(failures()).toMatchObject([{ level: "warn", fields: { source, code } }]);
  });

  it.each<[string, Answer, string]>([
    ["refused", INVALID, "event_rejected"],
    ["blocked", [401, errorBody("UNAUTHORIZED")], "endpoint_blocked"],
    ["throttled", [429, errorBody("RATE_LIMIT_EXCEEDED")], "endpoint_unavailable"],
    ["in trouble", [503], "endpoint_unavailable"],
  ])("and the error name the event that was not delivered: %s", async (_, answer, code) => {
    endpointAnswers(CREATED, answer);
    const { logger, failures } = memoryLogger();
    const error = await failureOf(() => receive({ logger }, sale(), sale({ externalEventId: "evt_2" })));
    expect(error).toMatchObject({ code, externalEventId: "evt_2" });
    expect(failures()).toMatchObject([{ fields: { source: "billing", code, externalEventId: "evt_2" } }]);
  });

  it("has no event's id where the error is about none", async () => {
    const { logger, failures } = memoryLogger();
    const error = await failureOf(() => relayWith({ logger }).receive("stripe", signed({ records: [] })));
    expect(error.externalEventId).toBeUndefined();
    expect(failures()[0]?.fields).not.toHaveProperty("externalEventId");
  });

  it.each([
    ["one line that looks like a frame", "no row for user\n    at jane@example.com"],
    ["several such lines", "at\n    at jane@example.com\n    at jane (jane@example.com:1:1)\n"],
    ["nothing but such a line", "\n    at jane@example.com"],
  ])("says where an error came from, though its message has %s", async (_, message) => {
    const { logger, failures } = memoryLogger();
    const customers = () => {
      throw new TypeError(message);
    };
    await failureOf(() => receive({ logger, mappings: { customers } }, sale()));
    expect(failures()).toMatchObject([
      { fields: { cause: "TypeError", causeAt: expect.stringMatching(/relay\.test/) } },
    ]);
    expect(JSON.stringify(failures())).not.toContain("jane");
  });

  it("that throws changes no answer", async () => {
    const full = () => {
      throw new Error("the disk is full");
    };
    const logger = { debug: full, info: full, warn: full, error: full };
    endpointAnswers(CREATED, CREATED, INVALID);
    expect((await receive({ logger }, sale(), refund(), link())).status).toBe("delivered");
    expect((await receive({ logger, on: { delivered: full } }, sale())).status).toBe("delivered");
    expect((await receive({ logger }, { kind: "skip", reason: "test_mode" })).status).toBe("ignored");
    expect((await failureOf(() => receive({ logger }, sale()))).code).toBe("event_rejected");
    const unsigned = { body: "{}", headers: {} };
    expect((await failureOf(() => relayWith({ logger }).receive("billing", unsigned))).code).toBe("signature_invalid");
    expect((await failureOf(() => relayWith({ logger }).receive("stripe", unsigned))).code).toBe("unknown_source");
    const mappings = { customers: full };
    expect((await failureOf(() => receive({ logger, mappings }, sale()))).code).toBe("mapping_failed");
  });

  it("has no warning for a webhook that went well", async () => {
    endpointAnswers(CREATED);
    const { logger, failures } = memoryLogger();
    await receive({ logger }, sale(), { kind: "skip", reason: "unmapped" });
    expect(failures()).toEqual([]);
  });

  it("warns of test mode, which a person may have forgotten", async () => {
    const { logger, failures } = memoryLogger();
    await receive({ logger }, { kind: "skip", reason: "test_mode", message: "evt_1 is of the test mode" });
    expect(failures()).toMatchObject([{ level: "warn", fields: { reason: "test_mode" } }]);
  });

  it("never has a secret, an e-mail address or a body in it, nor has an error", async () => {
    const canaries = ["sk_live_CANARY", "signing-CANARY", "jane@example.com", "body-CANARY", "correct-horse-battery"];
    const [apiKey = "", signingSecret = "", email, text] = canaries;
    const { logger, lines } = memoryLogger();
    const thrown = () => {
      throw Object.assign(new Error(`no user ${email}: ${canaries.join(" ")}`), { detail: canaries });
    };
    const record = sale({ metadata: { email, text }, identity: { customerId: "cus_1" } });
    const quoting = (status: number): Answer => [status, errorBody("X", { message: canaries.join(" ") })];
    const attempts: [Partial<RelayOptions>, Answer[], object[]][] = [
      [{ mappings: { customers: thrown } }, [], [record]],
      [{ mappings: { products: thrown } }, [], [sale({ productIds: ["p"] })]],
      [{ transform: thrown }, [], [record]],
      [{ transform: () => ({ email, text }) as never }, [], [record]],
      [{ on: { delivered: thrown } }, [CREATED], [record]],
      [{ on: { unmatched: thrown } }, [NOT_FOUND], [record]],
      [{ on: { deadLetter: thrown } }, [quoting(400)], [record]],
      [{ on: { refund: thrown } }, [], [refund({ metadata: { email } })]],
      [{ on: { link: thrown } }, [], [link()]],
      [{}, [quoting(422)], [record]],
      [{}, [quoting(401)], [record]],
      [{}, [quoting(500)], [record]],
      [{}, [[200, canaries.join(" ")]], [record]],
      [{ fetch: thrown }, [], [record]],
      [{}, [], [sale({ sale: { minorUnits: email, currency: text } })]],
      [{}, [], [sale({ type: email, occurredAt: text, identity: { customerId: `${email}\n` } })]],
      [{}, [], [refund()]],
      [{}, [CREATED], [record]],
    ];
    const errors: string[] = [];
    for (const [changes, answers, records] of attempts) {
      leaveStandIns();
      standInFor("https://api.affonso.io");
      endpointAnswers(...answers);
      await receive({ apiKey, signingSecret, ...changes, logger }, ...records).catch((error: Error) =>
        errors.push(error.message, JSON.stringify(error), String(error)),
      );
    }
    const relay = relayWith({ apiKey, signingSecret, logger });
    const forged = { body: text ?? "", headers: { "x-signature": signingSecret } };
    await relay.receive("billing", forged).catch((error: Error) => errors.push(error.message));
    await relay.receiveVerified("billing", { records: email } as never).catch((error) => errors.push(error.message));

    expect(lines.length).toBeGreaterThan(attempts.length);
    expect(errors.length).toBeGreaterThan(30);
    for (const canary of canaries) expect(`${JSON.stringify(lines)} ${errors.join(" ")}`).not.toContain(canary);
  });
});

describe("the relay", () => {
  it("names its sources, which nobody can change", () => {
    const relay = relayWith();
    expect(relay.sources).toEqual(["billing"]);
    expect(Object.isFrozen(relay.sources)).toBe(true);
    expect(relay.sources).toContain(billing.name);
  });

  it("answers results that nobody can change", async () => {
    endpointAnswers(CREATED);
    const result = await receive({}, sale());
    expect([Object.isFrozen(result), Object.isFrozen(result.records)]).toEqual([true, true]);
  });
});
