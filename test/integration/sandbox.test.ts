import { createHmac } from "node:crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import { createSandbox, type SandboxOptions } from "../../src/sandbox/index.js";

// What the official SDK 1.0.1 sends, request by request: https://github.com/affonso-io/affonso-node
const SECRET = "whsec_test";

async function connect(options: SandboxOptions = {}) {
  const sandbox = createSandbox({
    signing: { secret: SECRET },
    referrals: ["ref_1", { id: "ref_2", externalUserId: "user_1" }],
    rateLimit: { perMinute: 300, perSecond: 50 },
    ...options,
  });
  const { baseUrl } = await sandbox.start();
  onTestFinished(() => sandbox.stop());
  const request = async (path: string, params: unknown, isSigned = true) => {
    const body = JSON.stringify(params);
    const timestamp = Math.floor(Date.now() / 1000).toString();
    const signature = createHmac("sha256", SECRET).update(`${timestamp}.${body}`).digest("hex");
    const response = await fetch(`${baseUrl}${path}`, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Authorization: `Bearer ${sandbox.apiKey}`,
        "User-Agent": "affonso-sdk/1.0.1",
        ...(isSigned ? { "X-Affonso-Timestamp": timestamp, "X-Affonso-Signature": signature } : {}),
      },
      body,
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  return { sandbox, request };
}

describe("the sandbox and the official SDK", () => {
  it("agree on a sale from its click to its refund", async () => {
    const { sandbox, request } = await connect({ incentives: [{ id: "inc_1", type: "percentage", amount: 20 }] });
    const click = await request("/clicks", { programId: "prog_1", trackingId: "track_1", gclid: "abc" }, false);
    const click_id = click.body.data.id;
    const signup = { click_id, email: "buyer@example.com", external_user_id: "usr_9" };
    expect((await request("/signups", signup, false)).body.data).toMatchObject({ id: click_id, status: "lead" });

    const trial = { event_name: "trial_started", event_type: "trial", external_user_id: "usr_9" };
    expect((await request("/events", trial)).body.data).toMatchObject({ referral_status: "trialing" });

    const conversion = { external_user_id: "usr_9", external_event_id: "order_1", sale_amount: 100 };
    const created = await request("/conversions", { ...conversion, sale_amount_currency: "USD", product_ids: ["pro"] });
    expect(created.status).toBe(201);
    expect(created.body.data).toMatchObject({ commission_amount: 20, calculation_mode: "auto", replayed: false });
    expect((await request("/conversions", conversion)).body.data.replayed).toBe(true);

    const path = `/conversions/${encodeURIComponent(created.body.data.id)}/refund`;
    const refund = { amount: 25, currency: "USD", external_event_id: "refund_1" };
    expect((await request(path, refund)).body.data).toMatchObject({
      sales_status: "partial_refunded",
      commission_amount: 15,
    });
    expect(sandbox.referrals.find(({ id }) => id === click_id)?.status).toBe("customer");
  });

  it.each(["referralId", "affonso_id", "affonsoId", "affonso_referral", "affonsoReferral", "clickId"])(
    "agree that %s names the referral",
    async (alias) => {
      const { request } = await connect();
      const { status, body } = await request("/events", {
        event_name: "demo_booked",
        event_type: "lead",
        [alias]: "ref_1",
      });
      expect(status).toBe(201);
      expect(body.data).toMatchObject({ referral_id: "ref_1", action: "referral_updated" });
    },
  );

  it("agree on custom and Segment sources", async () => {
    const { request } = await connect();
    const custom = { event_name: "kyc_passed", referral_id: "ref_1", event_type: "milestone" };
    expect((await request("/sources/custom/events", custom)).body.data.event_name).toBe("kyc_passed");
    const order = {
      type: "track",
      event: "Order Completed",
      messageId: "msg_1",
      userId: "user_1",
      properties: { revenue: 100, currency: "USD" },
    };
    expect((await request("/sources/segment/events", order)).body.data).toMatchObject({ referral_id: "ref_2" });
  });

  it("agree that a request whose answer was lost may be sent again", async () => {
    const { sandbox, request } = await connect();
    const sale = {
      event_name: "invoice_paid",
      event_type: "conversion",
      referral_id: "ref_1",
      external_event_id: "evt_1",
    };
    sandbox.faults.next({ reset: "after" });
    const event = { ...sale, sale_amount: 49, sale_amount_currency: "EUR" };
    await expect(request("/events", event)).rejects.toThrow();
    const { status, body } = await request("/events", event);
    expect([status, body.data.replayed]).toEqual([200, true]);
    expect(sandbox.conversions).toHaveLength(1);
  });
});
