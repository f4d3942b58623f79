import { describe, expect, it } from "vitest";
import { NOW_MS, sale, startSandbox } from "./client.js";

const ISO_NOW = new Date(NOW_MS).toISOString();

describe("events", () => {
  it("answer a conversion with every documented field", async () => {
    const { post, sandbox } = await startSandbox({ incentives: [{ id: "inc_1", type: "percentage", amount: 20 }] });
    const { status, body } = await post("/events", sale({ occurred_at: "2026-07-01T10:00:00+02:00" }));
    expect(status).toBe(201);
    expect(body).toEqual({
      success: true,
      data: {
        id: expect.stringMatching(/^txn_\w{24}$/),
        referral_id: "ref_1",
        affiliate_id: "aff_sandbox",
        program_id: "prog_sandbox",
        sale_amount: 99.99,
        sale_amount_currency: "USD",
        commission_amount: 20,
        commission_currency: "USD",
        status: "pending",
        sales_status: "complete",
        hold_period_days: null,
        payment_intent_id: null,
        invoice_id: null,
        created_at: "2026-07-01T08:00:00.000Z",
        updated_at: ISO_NOW,
        earning_id: expect.stringMatching(/^com_/),
        earning_type: "commission",
        external_event_id: "evt_1",
        calculation_mode: "auto",
        matched_incentive_id: "inc_1",
        replayed: false,
        source_event_id: expect.stringMatching(/^sevt_/),
      },
    });
    expect(sandbox.conversions).toEqual([body.data]);
  });

  it("take a conversion that no incentive matches, and pay nothing for it", async () => {
    const { post } = await startSandbox({
      incentives: [{ id: "inc_1", type: "percentage", amount: 20, productIds: ["pro"] }],
    });
    const { status, body } = await post("/events", sale({ product_ids: ["free"] }));
    expect(status).toBe(201);
    expect(body.data).toMatchObject({ matched_incentive_id: null, commission_amount: 0, earning_id: null });
  });

  it.each([
    ["lead", "lead", "referral_updated"],
    ["trial", "trialing", "referral_updated"],
    ["milestone", "click", "event_recorded"],
    [undefined, "click", "event_recorded"],
  ])("answer a %s with what became of the referral: %s", async (event_type, referral_status, action) => {
    const { post } = await startSandbox();
    const { status, body } = await post("/events", { event_name: "step", event_type, referral_id: "ref_1" });
    expect(status).toBe(201);
    expect(body.data).toEqual({
      referral_id: "ref_1",
      transaction_id: null,
      event_name: "step",
      event_type: event_type ?? "milestone",
      external_event_id: null,
      action,
      referral_status,
      replayed: false,
      source_event_id: expect.stringMatching(/^sevt_/),
    });
  });

  it("move a referral on and never back", async () => {
    const { post, sandbox } = await startSandbox();
    const status = () => sandbox.referrals[0]?.status;
    await post("/events", { event_name: "a", event_type: "trial", referral_id: "ref_1" });
    await post("/events", { event_name: "b", event_type: "lead", referral_id: "ref_1" });
    expect(status()).toBe("trialing");
    await post("/events", sale());
    expect(sandbox.referrals[0]).toMatchObject({ status: "customer", converted_at: ISO_NOW });
    await post("/events", { event_name: "c", event_type: "trial", referral_id: "ref_1" });
    expect(status()).toBe("customer");
  });

  it("keep what was sent in the log, metadata included, and ignore unknown fields", async () => {
    const { post, sandbox } = await startSandbox();
    const { body } = await post("/events", sale({ metadata: { plan: "pro" }, surprise: 1 }));
    expect(sandbox.events).toEqual([
      {
        ...sale({ metadata: { plan: "pro" } }),
        source_event_id: body.data.source_event_id,
        transaction_id: body.data.id,
        path: "/events",
        received_at: ISO_NOW,
      },
    ]);
  });
});

describe("validation", () => {
  const wrong: [field: string, body: Record<string, unknown>][] = [
    ["event_name", sale({ event_name: undefined })],
    ["event_name", sale({ event_name: "  " })],
    ["event_name", sale({ event_name: 5 })],
    ["event_type", sale({ event_type: "purchase" })],
    ["referral_id", sale({ referral_id: undefined })],
    ["referral_id", sale({ referral_id: "" })],
    ["referral_id", sale({ referral_id: null })],
    ["customer_id", sale({ customer_id: 12 })],
    ["sale_amount", sale({ sale_amount: undefined })],
    ["sale_amount", sale({ sale_amount: 0 })],
    ["sale_amount", sale({ sale_amount: -1 })],
    ["sale_amount", sale({ sale_amount: "99.99" })],
    ["sale_amount_currency", sale({ sale_amount_currency: undefined })],
    ["sale_amount_currency", sale({ sale_amount_currency: "US" })],
    ["sale_amount_currency", sale({ sale_amount_currency: "U$D" })],
    ["external_event_id", sale({ external_event_id: undefined })],
    ["external_event_id", sale({ external_event_id: "" })],
    ["occurred_at", sale({ occurred_at: "yesterday" })],
    ["occurred_at", sale({ occurred_at: NOW_MS })],
    ["occurred_at", sale({ occurred_at: "2026-02-30T00:00:00Z" })],
    ["product_ids", sale({ product_ids: "pro" })],
    ["product_ids.1", sale({ product_ids: ["pro", 5] })],
    ["price_ids", sale({ price_ids: {} })],
    ["interval", sale({ interval: "weekly" })],
    ["is_subscription", sale({ is_subscription: "yes" })],
    ["metadata", sale({ metadata: [1] })],
    ["metadata", sale({ metadata: "x" })],
  ];

  it.each(wrong)("names %s for %j", async (field, event) => {
    const { post, sandbox } = await startSandbox();
    const { status, body } = await post("/events", event);
    expect(status).toBe(400);
    expect(body).toMatchObject({ success: false, error: { code: "VALIDATION_ERROR", field } });
    expect(body.error.details).toEqual([
      { field, message: expect.stringMatching(/^(is required|must|or customer_id)/) },
    ]);
    expect(body.error.message).toContain(field);
    expect(sandbox.events).toHaveLength(0);
  });

  it("names every wrong field, and the first of them in front", async () => {
    const { post } = await startSandbox();
    const { body } = await post("/events", { event_type: "conversion", sale_amount: 0 });
    expect(body.error.field).toBe("event_name");
    expect(body.error.details.map(({ field }: { field: string }) => field)).toEqual([
      "event_name",
      "external_event_id",
      "sale_amount",
      "sale_amount_currency",
      "referral_id",
    ]);
  });

  it("asks for no sale and no id where there is no conversion", async () => {
    const { post } = await startSandbox();
    expect((await post("/events", { event_name: "x", event_type: "lead", referral_id: "ref_1" })).status).toBe(201);
    expect((await post("/events", { event_name: "x", referral_id: "ref_1", sale_amount: "1" })).status).toBe(400);
  });

  it.each([
    ["not JSON", "{event_name", {}],
    ["empty", "", {}],
    ["a list", "[]", {}],
    ["null", "null", {}],
    ["said to be text", JSON.stringify(sale()), { "content-type": "text/plain" }],
  ])("answers 400 to a body that is %s", async (_, body, headers) => {
    const { post } = await startSandbox();
    const reply = await post("/events", body, headers);
    expect(reply.status).toBe(400);
    expect(reply.body.error.code).toBe("VALIDATION_ERROR");
  });

  it("answers 400 to bytes that are no UTF-8", async () => {
    const { post, sandbox } = await startSandbox();
    const [start, end] = JSON.stringify(sale({ event_name: "x" })).split('"x"');
    const body = Buffer.concat([Buffer.from(`${start}"`), Buffer.from([0xff]), Buffer.from(`"${end}`)]);
    expect((await post("/events", body)).status).toBe(400);
    expect(sandbox.events).toHaveLength(0);
  });

  it("answers 400 to a number that JSON can write and no number can hold", async () => {
    const { post } = await startSandbox();
    const body = JSON.stringify(sale()).replace("99.99", "1e999");
    expect((await post("/events", body)).body.error.field).toBe("sale_amount");
  });
});

describe("identity", () => {
  const known = { id: "ref_1", customerId: "cus_1", externalUserId: "user_1", clickId: "click_1" };

  it.each([
    { referral_id: "ref_1" },
    { customer_id: "cus_1" },
    { external_user_id: "user_1" },
    { click_id: "click_1" },
    { click_id: "ref_1" },
    { referralId: "ref_1" },
    { affonso_id: "ref_1" },
    { affonsoId: "ref_1" },
    { affonso_referral: "ref_1" },
    { affonsoReferral: "ref_1" },
    { clickId: "click_1" },
    { customer_id: "cus_1", external_user_id: "user_new" },
  ])("is found by %j", async (identity) => {
    const { post } = await startSandbox({ referrals: ["ref_0", known] });
    const { status, body } = await post("/events", { event_name: "x", ...identity });
    expect(status).toBe(201);
    expect(body.data.referral_id).toBe("ref_1");
  });

  it.each([
    { referral_id: "ref_none" },
    { referral_id: "ref_none", customer_id: "cus_1" },
    { customer_id: "cus_none" },
    { external_user_id: "user_none", click_id: "click_none" },
    { customer_id: "ref_1" },
  ])("is not found by %j, which is the envelope's 404", async (identity) => {
    const { post, sandbox } = await startSandbox({ referrals: [known] });
    const { status, body } = await post("/events", sale({ referral_id: undefined, ...identity }));
    expect(status).toBe(404);
    expect(body).toMatchObject({ success: false, error: { code: "NOT_FOUND" } });
    expect(sandbox.conversions).toHaveLength(0);
  });

  it("must be one: identifiers of two referrals are refused", async () => {
    const { post, sandbox } = await startSandbox({ referrals: [known, "ref_2"] });
    const { status, body } = await post("/events", sale({ referral_id: "ref_2", customer_id: "cus_1" }));
    expect(status).toBe(400);
    expect(body.error).toMatchObject({ code: "VALIDATION_ERROR", field: "customer_id" });
    expect(sandbox.conversions).toHaveLength(0);
  });

  it("refuses aliases that contradict each other", async () => {
    const { post } = await startSandbox({ referrals: ["ref_1", "ref_2"] });
    const { status, body } = await post("/events", sale({ referral_id: "ref_1", affonsoId: "ref_2" }));
    expect([status, body.error.field]).toEqual([400, "referral_id"]);
  });

  it("is learnt from an event with the referral's id, so that later ones need only the customer's", async () => {
    const { post } = await startSandbox();
    const later = sale({ referral_id: undefined, customer_id: "cus_9", external_event_id: "evt_2" });
    expect((await post("/events", later)).status).toBe(404);
    await post("/events", sale({ customer_id: "cus_9", external_user_id: "user_9" }));
    const { status, body } = await post("/events", later);
    expect([status, body.data.referral_id]).toEqual([201, "ref_1"]);
    expect((await post("/events", { event_name: "x", external_user_id: "user_9" })).status).toBe(201);
  });

  it("is not learnt from an event that names neither the referral nor its click", async () => {
    const { post } = await startSandbox({ referrals: [known] });
    await post("/events", sale({ referral_id: undefined, customer_id: "cus_1", external_user_id: "user_9" }));
    expect((await post("/events", { event_name: "x", external_user_id: "user_9" })).status).toBe(404);
  });

  it("is not learnt from an event that was refused", async () => {
    const { post } = await startSandbox();
    await post("/events", sale({ customer_id: "cus_9", sale_amount: 0 }));
    expect((await post("/events", { event_name: "x", customer_id: "cus_9" })).status).toBe(404);
  });

  it("is made up for any referral id where the sandbox is told to", async () => {
    const { post, sandbox } = await startSandbox({ acceptAnyReferral: true });
    expect((await post("/events", sale({ referral_id: "ref_new" }))).status).toBe(201);
    expect((await post("/events", { event_name: "x", customer_id: "cus_none" })).status).toBe(404);
    expect(sandbox.referrals.map(({ id }) => id)).toEqual(["ref_1", "ref_new"]);
  });

  it("may be added while it runs", async () => {
    const { post, sandbox } = await startSandbox();
    expect((await post("/events", sale({ referral_id: "ref_2" }))).status).toBe(404);
    expect(sandbox.addReferral({ id: "ref_2", status: "customer" })).toMatchObject({ status: "customer" });
    expect((await post("/events", sale({ referral_id: "ref_2" }))).status).toBe(201);
  });
});

describe("replays", () => {
  it("get the prior result, whatever else they say", async () => {
    const { post, sandbox } = await startSandbox();
    const first = await post("/events", sale());
    const again = await post("/events", sale({ sale_amount: 5, referral_id: "ref_none", event_type: "lead" }));
    expect(again.status).toBe(200);
    expect(again.body.data).toEqual({ ...first.body.data, replayed: true });
    expect([sandbox.conversions.length, sandbox.events.length]).toEqual([1, 1]);
    expect(sandbox.replays).toEqual([{ external_event_id: "evt_1", path: "/events", received_at: ISO_NOW }]);
  });

  it("are known across events, conversions and sources", async () => {
    const { post, sandbox } = await startSandbox();
    const first = await post("/events", sale());
    for (const path of ["/conversions", "/sources/custom/events"]) {
      expect((await post(path, sale())).body.data).toEqual({ ...first.body.data, replayed: true });
    }
    expect(sandbox.conversions).toHaveLength(1);
  });

  it("are one event when they come at the same time", async () => {
    const { post, sandbox } = await startSandbox();
    const replies = await Promise.all(Array.from({ length: 20 }, () => post("/events", sale())));
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(new Set(replies.map(({ body }) => body.data.id)).size).toBe(1);
    expect(sandbox.conversions).toHaveLength(1);
  });

  it("are none after a refusal: the same id is taken once the referral exists", async () => {
    const { post, sandbox } = await startSandbox();
    expect((await post("/events", sale({ referral_id: "ref_2" }))).status).toBe(404);
    sandbox.addReferral("ref_2");
    expect((await post("/events", sale({ referral_id: "ref_2" }))).status).toBe(201);
  });

  it("are none without an id", async () => {
    const { post, sandbox } = await startSandbox();
    for (let at = 0; at < 2; at++) await post("/events", { event_name: "x", referral_id: "ref_1" });
    expect(sandbox.events).toHaveLength(2);
  });
});
