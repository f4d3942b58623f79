import { describe, expect, it } from "vitest";
import { NOW_MS, sale, startSandbox } from "./client.js";

const incentives = [{ id: "inc_1", type: "percentage", amount: 30 }] as const;

async function startWithSale(amount: number, currency = "USD") {
  const client = await startSandbox({ incentives });
  const { body } = await client.post("/events", sale({ sale_amount: amount, sale_amount_currency: currency }));
  return { ...client, refund: (refund: object) => client.post(`/conversions/${body.data.id}/refund`, refund) };
}

describe("conversions", () => {
  it("need neither event_name nor currency, and take a date and statuses", async () => {
    const { post } = await startSandbox({ incentives });
    const { status, body } = await post("/conversions", {
      referral_id: "ref_1",
      sale_amount: 10,
      external_event_id: "order_1",
      created_at: "2026-01-01T00:00:00Z",
      status: "ready_for_payment",
      sales_status: "open",
    });
    expect(status).toBe(201);
    expect(body.data).toMatchObject({
      sale_amount_currency: "USD",
      commission_amount: 3,
      created_at: "2026-01-01T00:00:00.000Z",
      status: "ready_for_payment",
      sales_status: "open",
    });
  });

  it.each([
    ["external_event_id", { referral_id: "ref_1", sale_amount: 1 }],
    ["sale_amount", { referral_id: "ref_1", external_event_id: "a" }],
    ["referral_id", { sale_amount: 1, external_event_id: "a" }],
    ["status", { referral_id: "ref_1", sale_amount: 1, external_event_id: "a", status: "done" }],
    ["sales_status", { referral_id: "ref_1", sale_amount: 1, external_event_id: "a", sales_status: "done" }],
  ])("are refused for their %s", async (field, conversion) => {
    const { post } = await startSandbox();
    const { status, body } = await post("/conversions", conversion);
    expect([status, body.error.field]).toEqual([400, field]);
  });
});

describe("refunds", () => {
  it("take the commission back in proportion, part by part", async () => {
    const { refund, sandbox } = await startWithSale(100);
    const part = await refund({ amount: 25, reason: "asked", refunded_at: "2026-07-19T11:00:00Z" });
    expect(part.status).toBe(200);
    expect(part.body.data).toMatchObject({
      sale_amount: 100,
      sales_status: "partial_refunded",
      status: "pending",
      commission_amount: 22.5,
      replayed: false,
    });
    const rest = await refund({});
    expect(rest.body.data).toMatchObject({ sales_status: "refunded", status: "refunded", commission_amount: 0 });
    expect(sandbox.refunds).toMatchObject([{ amount: 25, reason: "asked" }, { amount: 75 }]);
    expect(sandbox.conversions).toEqual([{ ...rest.body.data }]);
  });

  it("see that three parts are the whole where floats do not", async () => {
    const { refund } = await startWithSale(0.3);
    for (const amount of [0.1, 0.1]) expect((await refund({ amount })).body.data.sales_status).toBe("partial_refunded");
    expect((await refund({ amount: 0.1 })).body.data.sales_status).toBe("refunded");
  });

  it("round the commission to the currency", async () => {
    const { refund } = await startWithSale(1000, "JPY");
    expect((await refund({ amount: 333 })).body.data.commission_amount).toBe(200);
  });

  it.each([
    ["amount", { amount: 100.01 }],
    ["amount", { amount: 0 }],
    ["amount", { amount: -5 }],
    ["amount", { amount: "5" }],
    ["currency", { amount: 5, currency: "EUR" }],
    ["currency", { currency: "dollars" }],
    ["refunded_at", { refunded_at: "today" }],
  ])("are refused for their %s: %j", async (field, body) => {
    const { refund, sandbox } = await startWithSale(100);
    const reply = await refund(body);
    expect(reply.status).toBe(400);
    expect(reply.body.error).toMatchObject({ code: "VALIDATION_ERROR", field });
    expect(sandbox.refunds).toHaveLength(0);
  });

  it("are refused when nothing is left", async () => {
    const { refund } = await startWithSale(100);
    expect((await refund({ amount: 60, currency: "usd" })).status).toBe(200);
    expect((await refund({ amount: 41 })).status).toBe(400);
    expect((await refund({ amount: 40 })).status).toBe(200);
    expect((await refund({})).status).toBe(400);
  });

  it("happen once for one external_event_id", async () => {
    const { refund, sandbox } = await startWithSale(100);
    const first = await refund({ amount: 10, external_event_id: "re_1" });
    const again = await refund({ amount: 99, external_event_id: "re_1" });
    expect(again.body.data).toEqual({ ...first.body.data, replayed: true });
    expect(sandbox.refunds).toHaveLength(1);
    // Another namespace than that of events.
    expect((await refund({ amount: 10, external_event_id: "evt_1" })).body.data.replayed).toBe(false);
  });

  it("are a 409 when their external_event_id was used for another sale", async () => {
    const { refund, post } = await startWithSale(100);
    await refund({ amount: 10, external_event_id: "re_1" });
    const other = await post("/events", sale({ external_event_id: "evt_2" }));
    const { status, body } = await post(`/conversions/${other.body.data.id}/refund`, { external_event_id: "re_1" });
    expect(status).toBe(409);
    expect(body.error).toMatchObject({ code: "DUPLICATE_ERROR", field: "external_event_id" });
  });

  it("are a 404 for a conversion that does not exist", async () => {
    const { post } = await startSandbox();
    for (const id of ["txn_none", "txn%2F1", "%zz"]) {
      const { status, body } = await post(`/conversions/${id}/refund`, {});
      expect([status, body.error.code]).toEqual([404, "NOT_FOUND"]);
    }
  });

  it("leave the answer of a replayed event as it was", async () => {
    const { refund, post } = await startWithSale(100);
    await refund({});
    expect((await post("/events", sale())).body.data).toMatchObject({ replayed: true, sales_status: "complete" });
  });
});

describe("clicks and signups", () => {
  it("make a lead of a click, once", async () => {
    const { post, sandbox } = await startSandbox();
    const click = await post("/clicks", { programId: "prog_1", trackingId: "partner", utmSource: "x" });
    expect(click.status).toBe(201);
    expect(click.body.data).toEqual({
      id: expect.stringMatching(/^ref_\w{24}$/),
      tracking_id: "partner",
      program_id: "prog_1",
      created_at: new Date(NOW_MS).toISOString(),
    });
    const { id } = click.body.data;
    const signup = { click_id: id, email: "buyer@example.com", external_user_id: "user_1", name: "B" };
    const first = await post("/signups", signup);
    expect(first.status).toBe(201);
    expect(first.body.data).toMatchObject({ id, status: "lead", email: "buyer@example.com", program_id: "prog_1" });
    const again = await post("/signups", { ...signup, email: "other@example.com" });
    expect(again.status).toBe(200);
    expect(again.body.data).toEqual(first.body.data);
    expect(sandbox.clicks).toEqual([click.body.data]);
    const { body } = await post("/events", sale({ referral_id: undefined, external_user_id: "user_1" }));
    expect(body.data.referral_id).toBe(id);
  });

  it("let an event find a click that nobody signed up with", async () => {
    const { post } = await startSandbox();
    const { id } = (await post("/clicks", { programId: "prog_1", trackingId: "partner" })).body.data;
    const { status, body } = await post("/events", { event_name: "x", event_type: "lead", click_id: id });
    expect([status, body.data.referral_status]).toEqual([201, "lead"]);
  });

  it.each([
    ["/clicks", "programId", { trackingId: "t" }],
    ["/clicks", "trackingId", { programId: "p" }],
    ["/signups", "click_id", { email: "a@example.com" }],
    ["/signups", "email", { click_id: "ref_1" }],
    ["/signups", "email", { click_id: "ref_1", email: "nobody" }],
  ])("%s is refused for its %s: %j", async (path, field, request) => {
    const { post } = await startSandbox();
    const { status, body } = await post(path, request);
    expect([status, body.error.field]).toEqual([400, field]);
  });

  it("know no signup without its click", async () => {
    const { post } = await startSandbox();
    const { status, body } = await post("/signups", { click_id: "ref_none", email: "a@example.com" });
    expect([status, body.error.code]).toEqual([404, "NOT_FOUND"]);
  });
});

describe("sources", () => {
  const track = {
    type: "track",
    event: "Order Completed",
    messageId: "msg_1",
    userId: "user_1",
    timestamp: "2026-07-19T11:00:00.000Z",
    properties: { revenue: 100, currency: "USD" },
  };
  const referrals = [{ id: "ref_1", externalUserId: "user_1" }];

  it.each(["segment", "segment_webhook"])("take an order of %s as a conversion", async (source) => {
    const { post, sandbox } = await startSandbox({ referrals });
    const { status, body } = await post(`/sources/${source}/events`, track);
    expect(status).toBe(201);
    expect(body.data).toMatchObject({ referral_id: "ref_1", sale_amount: 100, external_event_id: "msg_1" });
    expect(sandbox.events).toMatchObject([{ event_name: "Order Completed", path: `/sources/${source}/events` }]);
  });

  it("take any other track call as what it says, or as a milestone", async () => {
    const { post } = await startSandbox({ referrals });
    const send = (event: string, properties: object) =>
      post("/sources/segment/events", { ...track, event, messageId: event, properties });
    expect((await send("KYC Passed", {})).body.data).toMatchObject({
      event_type: "milestone",
      event_name: "KYC Passed",
    });
    expect((await send("Signed Up", { event_type: "lead" })).body.data.event_type).toBe("lead");
  });

  it("take a custom event as it is", async () => {
    const { post } = await startSandbox({ referrals });
    expect((await post("/sources/custom/events", sale())).body.data.sale_amount).toBe(99.99);
  });

  it.each([
    ["messageId", { ...track, messageId: undefined }],
    ["event", { ...track, event: undefined }],
    ["type", { ...track, type: "page" }],
    ["sale_amount", { ...track, properties: { currency: "USD" } }],
  ])("refuse a segment call for its %s", async (field, body) => {
    const { post } = await startSandbox({ referrals });
    const reply = await post("/sources/segment/events", body);
    expect([reply.status, reply.body.error.field]).toEqual([400, field]);
  });
});
