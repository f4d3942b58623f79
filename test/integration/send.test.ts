import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { memoryOutbox } from "../../src/outbox/memory.js";
import { recordingLogger, sandboxForTests } from "../helpers/relay.js";

const lead = {
  name: "signed_up",
  type: "lead",
  externalEventId: "signup_user_1",
  identity: { referralId: "ref_ada", externalUserId: "user_1" },
} as const;

describe("an event from code", async () => {
  const { sandbox, relay } = await sandboxForTests();

  it("reaches the endpoint while its caller waits, without an outbox", async () => {
    expect(await relay().send(lead)).toEqual({
      status: "delivered",
      records: [{ kind: "event", status: "delivered", externalEventId: "signup_user_1" }],
    });
    expect(sandbox.events).toMatchObject([
      { event_type: "lead", event_name: "signed_up", referral_id: "ref_ada", external_user_id: "user_1" },
    ]);
  });

  it("is sent as it was given, whatever its caller makes of it next", async () => {
    const sale = { minorUnits: 1999, currency: "USD" };
    const identity = { ...lead.identity, externalUserId: "user_1" };
    const sent = relay().send({ ...lead, type: "conversion", identity, sale });
    sale.minorUnits = 1;
    identity.externalUserId = "user_2";
    await sent;
    expect(sandbox.events).toMatchObject([{ external_user_id: "user_1", sale_amount: 19.99 }]);
  });

  it("is kept in the outbox and delivered from it", async () => {
    const delivered = new EventTarget();
    const events = once(delivered, "delivered");
    const outbox = memoryOutbox();
    const sender = relay({ outbox, on: { delivered: () => delivered.dispatchEvent(new Event("delivered")) } });
    expect(await sender.send(lead)).toMatchObject({ status: "queued" });
    await events;
    expect(sandbox.events).toHaveLength(1);
    expect(await outbox.list({}, { limit: 10 })).toMatchObject([{ source: "relay.send", state: "delivered" }]);
    await sender.stop();
  });

  it("counts once however often it is sent under one id", async () => {
    const sender = relay({ outbox: memoryOutbox() });
    await sender.send(lead);
    expect(await sender.send(lead)).toMatchObject({ status: "duplicate" });
    await sender.stop();
  });

  it("is refused where another event has its id, which would swallow it", async () => {
    const sender = relay({ outbox: memoryOutbox() });
    await sender.send(lead);
    await expect(sender.send({ ...lead, type: "trial" })).rejects.toMatchObject({
      code: "send_refused",
      message: expect.stringContaining("another event has this externalEventId"),
    });
    await sender.stop();
  });

  it("waits in the outbox for an endpoint that is down", async () => {
    sandbox.faults.always({ status: 503 });
    const sender = relay({ outbox: memoryOutbox() });
    expect(await sender.send(lead)).toMatchObject({ status: "queued" });
    expect((await sender.stats()).counts.pending).toBe(1);
    await sender.stop();
  });

  it("is thrown back without an outbox while the endpoint is down, and taken once it is sent again", async () => {
    sandbox.faults.next({ status: 503 });
    const sender = relay();
    await expect(sender.send(lead)).rejects.toMatchObject({ code: "endpoint_unavailable", retryable: true });
    expect(await sender.send(lead)).toMatchObject({ status: "delivered" });
  });

  it.each(["lead", "trial", "milestone"] as const)("may be a %s without an id", async (type) => {
    const identity = { externalUserId: undefined, referralId: "ref_ada" };
    expect(await relay().send({ name: "went_well", type, identity })).toMatchObject({ status: "delivered" });
  });

  it("may be a sale", async () => {
    await relay().send({
      name: "order_paid",
      type: "conversion",
      externalEventId: "order_1",
      identity: { referralId: "ref_ada" },
      sale: { minorUnits: 1999, currency: "EUR" },
      productIds: ["pro"],
    });
    expect(sandbox.conversions).toMatchObject([{ sale_amount: 19.99, sale_amount_currency: "EUR" }]);
  });

  it("keeps its ids, which are the app's own, whatever mappings say of the provider's", async () => {
    const mappings = { customers: () => null, products: { pro: "another" } };
    await relay({ mappings }).send({ ...lead, identity: { ...lead.identity, customerId: "c_1" }, productIds: ["pro"] });
    const [{ body } = { body: "{}" }] = sandbox.requests;
    expect(JSON.parse(body)).toMatchObject({ customer_id: "c_1", product_ids: ["pro"] });
  });

  it("passes transform, which may drop it", async () => {
    expect(await relay({ transform: () => null }).send(lead)).toMatchObject({ status: "ignored" });
    expect(sandbox.requests).toEqual([]);
  });

  it.each<[string, object, RegExp]>([
    ["nobody", { identity: {} }, /identity: expected at least one id/],
    ["only empty ids", { identity: { referralId: " ", customerId: null } }, /identity: expected at least one id/],
    ["no identity", { identity: undefined }, /identity/],
    ["a type that there is none of", { type: "signup" }, /type/],
    ["a misspelt field", { externalEventID: "1" }, /externalEventID/],
    ["a sale without an amount", { type: "conversion" }, /sale: a conversion needs one/],
    [
      "an amount that JSON can't carry",
      { type: "conversion", sale: { minorUnits: Number.MAX_SAFE_INTEGER, currency: "USD" } },
      /sale: expected no more digits/,
    ],
    ["another kind of record", { kind: "refund" }, /kind/],
    ["a business key, which would not be that of a webhook's sale", { businessKey: "invoice:in_1" }, /businessKey/],
  ])("with %s is refused and says what is wrong", async (_what, changes, message) => {
    const { logger, lines } = recordingLogger();
    const sending = relay({ logger }).send({ ...lead, ...changes } as never);
    const error = { code: "send_refused", retryable: false, message: expect.stringMatching(message) };
    await expect(sending).rejects.toMatchObject(error);
    expect(lines).toMatchObject([{ level: "error", fields: { source: "relay.send", code: "send_refused" } }]);
    expect(sandbox.requests).toEqual([]);
  });

  it.each([null, undefined, "lead", 7])("that is no object (%s) is refused", async (event) => {
    await expect(relay().send(event as never)).rejects.toMatchObject({ code: "send_refused" });
  });

  it("is refused once the relay has stopped", async () => {
    const sender = relay();
    await sender.stop();
    await expect(sender.send(lead)).rejects.toMatchObject({ code: "relay_stopped" });
  });
});
