import { describe, expect, it } from "vitest";
import { Bench, STORES, until } from "../proof/support/model/bench.js";
import {
  adjustmentCreated,
  disputeLost,
  invoicePaid,
  invoicePaymentPaid,
  legacyChargeRefunded,
  paymentCompleted,
  refundCreated,
  subscriptionCreated,
  transactionCompleted,
  type Webhook,
} from "../proof/support/model/webhooks.js";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

function refundsOf({ sandbox }: Bench) {
  return sandbox.refunds.map(({ external_event_id: id, amount }) => ({ id, amount }));
}

/** The sale of a test as the ledger shows it after its refunds. */
function saleOf({ sandbox }: Bench) {
  expect(sandbox.conversions).toHaveLength(1);
  const { sales_status: status, commission_amount: commission } = sandbox.conversions[0] ?? {};
  return { status, commission };
}

const INCENTIVES = [{ id: "ten_percent", type: "percentage", amount: 10 }] as const;

describe.each(STORES)("refunds with $store", ({ openStore }) => {
  const open = () => Bench.open(openStore, { incentives: INCENTIVES });
  const sale = invoicePaid("1", { referral: "ref_ada", net: 10_000, tax: 1_900 });
  const payment = invoicePaymentPaid("in_1", "pi_1");

  it("gives all of a sale back", async () => {
    const bench = await open();
    const { deliver, settled } = bench.relay();
    await deliver(sale, payment);
    await settled();
    expect(saleOf(bench)).toEqual({ status: "complete", commission: 10 });
    expect(await deliver(refundCreated("full", { payment: "pi_1", amount: 11_900 }))).toEqual(["queued"]);
    await settled();
    expect(refundsOf(bench)).toEqual([{ id: "re_full", amount: 100 }]);
    expect(saleOf(bench)).toEqual({ status: "refunded", commission: 0 });
  });

  it("gives a sale back that was delivered at last, however long the endpoint refused the key", async () => {
    const bench = await open();
    const { deliver, settled, pass } = bench.relay();
    bench.sandbox.faults.always({ status: 401 });
    await deliver(sale, payment);
    await deliver(refundCreated("full", { payment: "pi_1", amount: 11_900 }));
    for (let day = 0; day < 9; day++) await pass(DAY);
    bench.sandbox.faults.clear();
    await pass(MINUTE);
    await until(() => expect(refundsOf(bench)).toEqual([{ id: "re_full", amount: 100 }]));
    await settled();
    expect(saleOf(bench)).toEqual({ status: "refunded", commission: 0 });
  });

  it("gives a part back, measured like the sale: without the tax that was paid for it", async () => {
    const bench = await open();
    const { deliver, settled } = bench.relay();
    await deliver(sale, payment);
    await settled();
    await deliver(refundCreated("half", { payment: "pi_1", amount: 5_950 }));
    await settled();
    expect(refundsOf(bench)).toEqual([{ id: "re_half", amount: 50 }]);
    expect(saleOf(bench)).toEqual({ status: "partial_refunded", commission: 5 });
  });

  it("adds several parts up to no more than the sale, and rounds each down", async () => {
    const bench = await open();
    const { deliver, settled } = bench.relay();
    await deliver(sale, payment);
    await settled();
    for (const [id, amount] of [
      ["a", 3_966],
      ["b", 3_967],
      ["c", 3_967],
    ] as const) {
      await deliver(refundCreated(id, { payment: "pi_1", amount }));
      await settled();
    }
    expect(refundsOf(bench)).toEqual([
      { id: "re_a", amount: 33.32 },
      { id: "re_b", amount: 33.33 },
      { id: "re_c", amount: 33.33 },
    ]);
    expect(saleOf(bench)).toMatchObject({ status: "partial_refunded" });
  });

  it("takes a lost dispute for a refund beside others, each with an id of its own", async () => {
    const bench = await open();
    const { deliver, settled } = bench.relay();
    await deliver(sale, payment);
    await settled();
    await deliver(refundCreated("1", { payment: "pi_1", amount: 5_950 }));
    await settled();
    await deliver(disputeLost("1", { payment: "pi_1", amount: 5_950 }));
    await settled();
    expect(refundsOf(bench)).toEqual([
      { id: "re_1", amount: 50 },
      { id: "du_1", amount: 50 },
    ]);
    expect(saleOf(bench)).toEqual({ status: "refunded", commission: 0 });
  });

  it("signs a refund like an event, and names the refund's own id, reason and time", async () => {
    const bench = await open();
    const { deliver, settled } = bench.relay();
    await deliver(sale, payment);
    await settled();
    await deliver(refundCreated("1", { payment: "pi_1", amount: 1_190 }));
    await settled();
    const [conversion] = bench.sandbox.conversions;
    const request = bench.sandbox.requests.at(-1);
    expect(request).toMatchObject({
      path: `/v1/conversions/${conversion?.id}/refund`,
      status: 200,
      headers: { "x-affonso-signature": expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(JSON.parse(String(request?.body))).toEqual({
      amount: 10,
      currency: "USD",
      reason: "requested_by_customer",
      external_event_id: "re_1",
      refunded_at: "2025-10-09T08:56:40.000Z",
    });
  });

  const refund = refundCreated("1", { payment: "pi_1", amount: 11_900 });
  it.each<{ order: string; webhooks: readonly Webhook[] }>([
    { order: "sale, payment, refund", webhooks: [sale, payment, refund] },
    { order: "sale, refund, payment", webhooks: [sale, refund, payment] },
    { order: "payment, sale, refund", webhooks: [payment, sale, refund] },
    { order: "payment, refund, sale", webhooks: [payment, refund, sale] },
    { order: "refund, sale, payment", webhooks: [refund, sale, payment] },
    { order: "refund, payment, sale", webhooks: [refund, payment, sale] },
  ])("finds its sale by the invoice's payment, in whatever order they come: $order", async ({ webhooks }) => {
    const bench = await open();
    const { deliver, settled, pass, relay, lines } = bench.relay();
    for (const webhook of webhooks) {
      await deliver(webhook);
      // The order at the worker is the order of arrival: each is through, or held, before the next one comes.
      await until(async () => {
        const isHeld = lines.some(({ message }) => message === "held");
        expect((await relay.stats()).counts.pending).toBe(isHeld && bench.sandbox.refunds.length === 0 ? 1 : 0);
      });
    }
    await pass(16 * MINUTE);
    await settled();
    expect(refundsOf(bench)).toEqual([{ id: "re_1", amount: 100 }]);
    expect(saleOf(bench)).toEqual({ status: "refunded", commission: 0 });
  });

  it("is sent as soon as its sale is delivered, where only the invoice's payment joins the two", async () => {
    const bench = await open();
    const { deliver, settled, held } = bench.relay();
    await deliver(payment, refund);
    await held("re_1");
    await deliver(sale);
    await settled();
    expect(refundsOf(bench)).toEqual([{ id: "re_1", amount: 100 }]);
  });

  it("waits for a sale that is itself not delivered yet", async () => {
    const bench = await open();
    bench.sandbox.faults.always(({ path }) => (path.endsWith("/events") ? { status: 503 } : undefined));
    const { deliver, settled, held, retried, pass } = bench.relay();
    await deliver(sale, payment);
    await retried(1);
    await deliver(refund);
    await held("re_1");
    bench.sandbox.faults.clear();
    await pass(10_000);
    await until(() => expect(bench.sandbox.conversions).toHaveLength(1));
    await pass(16 * MINUTE);
    await settled();
    expect(refundsOf(bench)).toEqual([{ id: "re_1", amount: 100 }]);
  });

  it("is unmatched where the sale was, and asks nobody", async () => {
    const bench = await open();
    const { deliver, settled, told, relay } = bench.relay({ linkWaitMs: 0 });
    await deliver(invoicePaid("1", {}), payment);
    await settled();
    expect(await deliver(refund)).toEqual(["queued"]);
    await settled();
    expect((await relay.stats()).counts).toMatchObject({ unmatched: 2, dead: 0, delivered: 0 });
    expect(bench.sandbox.requests).toHaveLength(1);
    await until(() => expect(told.map(({ hook }) => hook)).toEqual(["unmatched"]));
  });

  it("waits a day for a sale that nobody has told of, and is unmatched then", async () => {
    const bench = await open();
    const { deliver, settled, held, pass, relay } = bench.relay();
    await deliver(refund);
    await held("re_1");
    await pass(DAY - MINUTE);
    expect((await relay.stats()).counts.pending).toBe(1);
    await pass(2 * MINUTE);
    await settled();
    expect((await relay.stats()).counts).toMatchObject({ unmatched: 1, dead: 0 });
    expect(bench.sandbox.requests).toEqual([]);
  });

  it("gives the money of one refund back once, however often it is told of", async () => {
    const bench = await open();
    const { deliver, settled, relay } = bench.relay();
    const half = (evt: string) => refundCreated("half", { evt, payment: "pi_1", amount: 5_950 });
    await deliver(sale, payment);
    await settled();
    expect(await deliver(half("evt_a"), half("evt_a"), half("evt_b"))).toEqual(["queued", "duplicate", "duplicate"]);
    await settled();
    expect(await deliver(half("evt_c"))).toEqual(["duplicate"]);
    await settled();
    expect(refundsOf(bench)).toEqual([{ id: "re_half", amount: 50 }]);
    expect((await relay.stats()).conflicts).toBe(0);
  });

  it("gives it back once where the answer was lost", async () => {
    const bench = await open();
    const { deliver, settled, retried, pass } = bench.relay();
    await deliver(sale, payment);
    await settled();
    bench.sandbox.faults.next({ reset: "after" });
    await deliver(refundCreated("half", { payment: "pi_1", amount: 5_950 }));
    await retried(1);
    await pass(10_000);
    await settled();
    expect(refundsOf(bench)).toEqual([{ id: "re_half", amount: 50 }]);
    expect(bench.sandbox.replays).toHaveLength(1);
  });

  it("reads the refunds of an old charge, each once, and finds the sale by its invoice", async () => {
    const bench = await open();
    const { deliver, settled } = bench.relay();
    const one = { id: "re_1", amount: 1_000 };
    const two = { id: "re_2", amount: 2_500 };
    await deliver(invoicePaid("1", { referral: "ref_ada", charge: "ch_in_1" }));
    await settled();
    await deliver(legacyChargeRefunded({ invoice: "in_1", refunds: [one] }));
    await settled();
    await deliver(legacyChargeRefunded({ invoice: "in_1", refunds: [one, two], before: ["re_1"] }));
    await settled();
    expect(refundsOf(bench)).toEqual([
      { id: "re_1", amount: 10 },
      { id: "re_2", amount: 25 },
    ]);
    expect(saleOf(bench)).toEqual({ status: "partial_refunded", commission: 6.5 });
  });

  it("finds a single payment's sale by the payment that the session names", async () => {
    const bench = await open();
    const { deliver, settled } = bench.relay();
    await deliver(
      paymentCompleted("1", { referral: "ref_ada" }),
      refundCreated("1", { payment: "pi_1", amount: 2_500 }),
    );
    await settled();
    expect(refundsOf(bench)).toEqual([{ id: "re_1", amount: 25 }]);
  });

  it("finds the sale, and not the trial that began with the same invoice", async () => {
    const bench = await open();
    const { deliver, settled, relay } = bench.relay();
    // A trial with a set-up fee: the subscription is told of first, and both name the invoice.
    await deliver(
      subscriptionCreated("1", { status: "trialing", referral: "ref_ada", customer: "cus_1", invoice: "in_1" }),
      invoicePaid("1", { referral: "ref_ada", subscription: "sub_1" }),
      payment,
    );
    await settled();
    await deliver(refundCreated("1", { payment: "pi_1", amount: 10_000 }));
    await settled();
    expect(await relay.deadLetters.list()).toEqual([]);
    expect(refundsOf(bench)).toEqual([{ id: "re_1", amount: 100 }]);
  });

  it("gives Paddle's refunds back by their transaction, before or after it", async () => {
    const bench = await open();
    const { deliver, settled, held } = bench.relay();
    await deliver(adjustmentCreated("early", { transaction: "txn_1", net: 2_500, tax: 475 }));
    await held("adj_early");
    await deliver(transactionCompleted("1", { referral: "ref_ada", net: 10_000, tax: 1_900 }));
    await settled();
    await deliver(adjustmentCreated("rest", { transaction: "txn_1", net: 7_500, tax: 1_425 }));
    await settled();
    expect(refundsOf(bench)).toEqual([
      { id: "adj_early", amount: 25 },
      { id: "adj_rest", amount: 75 },
    ]);
    expect(saleOf(bench)).toEqual({ status: "refunded", commission: 0 });
  });

  it("gives all of a Paddle sale back by leaving the amount out", async () => {
    const bench = await open();
    const { deliver, settled } = bench.relay();
    await deliver(transactionCompleted("1", { referral: "ref_ada", net: 10_000, tax: 1_900 }));
    await deliver(adjustmentCreated("full", { transaction: "txn_1", net: 10_000, tax: 1_900 }));
    await settled();
    expect(refundsOf(bench)).toEqual([{ id: "adj_full", amount: 100 }]);
    expect(JSON.parse(String(bench.sandbox.requests.at(-1)?.body))).not.toHaveProperty("amount");
  });

  it("finds its sale weeks later", async () => {
    const bench = await open();
    const { deliver, settled, pass } = bench.relay();
    await deliver(sale, payment);
    await settled();
    await pass(40 * DAY);
    await deliver(refund);
    await settled();
    expect(refundsOf(bench)).toEqual([{ id: "re_1", amount: 100 }]);
  });

  it("becomes a dead letter with the endpoint's words where the endpoint refuses it", async () => {
    const bench = await open();
    const { deliver, settled, relay, told } = bench.relay();
    await deliver(sale, payment);
    await settled();
    bench.sandbox.faults.next({ status: 400 });
    await deliver(refund);
    await settled();
    expect(await relay.deadLetters.list()).toMatchObject([
      { externalEventId: "re_1", record: { kind: "refund" }, reason: { reason: "rejected", code: "VALIDATION_ERROR" } },
    ]);
    await until(() => expect(told.at(-1)).toMatchObject({ hook: "deadLetter", value: { event: { kind: "refund" } } }));
    expect(await relay.deadLetters.replay({})).toBe(1);
    await settled();
    expect(refundsOf(bench)).toEqual([{ id: "re_1", amount: 100 }]);
  });
});
