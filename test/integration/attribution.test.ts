import { describe, expect, it } from "vitest";
import { Bench, conversionsOf, STORES, until } from "../proof/support/model/bench.js";
import {
  invoicePaid,
  paymentCompleted,
  sessionCompleted,
  subscriptionCreated,
  transactionCompleted,
} from "../proof/support/model/webhooks.js";

const SECOND = 1_000;
const DAY = 24 * 60 * 60 * SECOND;

describe.each(STORES)("attribution with $store", ({ openStore }) => {
  const first = invoicePaid("1", { customer: "cus_1", subscription: "sub_1" });
  const session = sessionCompleted("1", { referral: "ref_ada", customer: "cus_1", subscription: "sub_1" });

  it("holds a first invoice, and sends it at once with the referral that the session brings", async () => {
    const bench = await Bench.open(openStore);
    const { deliver, settled, held } = bench.relay();
    await deliver(first);
    await held("evt_in_1");
    expect(bench.sandbox.requests).toEqual([]);
    await deliver(session);
    await settled();
    expect(conversionsOf(bench.sandbox)).toEqual([{ id: "evt_in_1", referral: "ref_ada", amount: 100 }]);
    expect(bench.sandbox.requests).toHaveLength(1);
  });

  it("keeps a sale that nobody is named on, for the link that says whose it is", async () => {
    const bench = await Bench.open(openStore);
    const { deliver, settled } = bench.relay({ mappings: { customers: () => null } });
    await deliver(session, first);
    await settled();
    expect(conversionsOf(bench.sandbox)).toEqual([{ id: "evt_in_1", referral: "ref_ada", amount: 100 }]);
  });

  it("counts the sale of a customer who came back through another affiliate, of whose first sale it knows nothing", async () => {
    const bench = await Bench.open(openStore);
    bench.sandbox.addReferral({ id: "ref_first", customerId: "cus_1" });
    const { deliver, settled } = bench.relay();
    await deliver(invoicePaid("1", { customer: "cus_1", referral: "ref_bob" }));
    await settled();
    expect(conversionsOf(bench.sandbox)).toMatchObject([{ referral: "ref_bob" }]);
  });

  it("counts a sale for its customer's affiliate where the referral that it names is none", async () => {
    const bench = await Bench.open(openStore);
    const { deliver, settled } = bench.relay();
    await deliver(invoicePaid("1", { customer: "cus_1", referral: "ref_ada" }));
    await settled();
    await deliver(invoicePaid("2", { customer: "cus_1", referral: "user_42" }));
    await settled();
    expect(conversionsOf(bench.sandbox)).toMatchObject([{ referral: "ref_ada" }, { referral: "ref_ada" }]);
  });

  it("finds the invoice that the session names, where they share nothing else", async () => {
    const bench = await Bench.open(openStore);
    const { deliver, settled, held } = bench.relay();
    await deliver(invoicePaid("1", { customer: "cus_of_the_invoice" }));
    await held("evt_in_1");
    await deliver(sessionCompleted("1", { referral: "ref_ada", customer: "cus_of_the_session", invoice: "in_1" }));
    await settled();
    expect(conversionsOf(bench.sandbox)).toMatchObject([{ referral: "ref_ada" }]);
  });

  it("sends an invoice again that was unmatched when its session came late", async () => {
    const bench = await Bench.open(openStore);
    const { deliver, settled, held, pass, told, relay } = bench.relay();
    await deliver(first);
    await held("evt_in_1");
    await pass(61 * SECOND);
    await settled();
    await until(() => expect(told.map(({ hook }) => hook)).toEqual(["unmatched"]));
    expect(bench.sandbox.requests).toHaveLength(1);

    await deliver(session);
    await settled();
    await until(() => expect(told.map(({ hook }) => hook)).toEqual(["unmatched", "delivered"]));
    expect(conversionsOf(bench.sandbox)).toEqual([{ id: "evt_in_1", referral: "ref_ada", amount: 100 }]);
    expect((await relay.stats()).counts).toMatchObject({ delivered: 1, unmatched: 0 });
  });

  it("sends an unmatched invoice again a week later", async () => {
    const bench = await Bench.open(openStore);
    const { deliver, settled, pass } = bench.relay({ linkWaitMs: 0 });
    await deliver(first);
    await settled();
    await pass(7 * DAY + SECOND);
    await deliver(session);
    await settled();
    expect(conversionsOf(bench.sandbox)).toMatchObject([{ referral: "ref_ada" }]);
  });

  it("waits for nothing where the session came first", async () => {
    const bench = await Bench.open(openStore);
    const { deliver, settled } = bench.relay();
    await deliver(session, first);
    await settled();
    expect(conversionsOf(bench.sandbox)).toEqual([{ id: "evt_in_1", referral: "ref_ada", amount: 100 }]);
  });

  it("waits as long as linkWaitMs says, and no longer", async () => {
    const bench = await Bench.open(openStore);
    const { deliver, settled, held, pass } = bench.relay({ linkWaitMs: 10 * SECOND });
    await deliver(first);
    await held("evt_in_1");
    await pass(5 * SECOND);
    await deliver(invoicePaid("2", { referral: "ref_ada" }));
    await until(() => expect(bench.sandbox.events).toHaveLength(1));
    expect(bench.sandbox.requests).toHaveLength(1);
    await pass(6 * SECOND);
    await settled();
    expect(bench.sandbox.requests).toHaveLength(2);
  });

  it("sends at once what has no referral, where linkWaitMs is 0", async () => {
    const bench = await Bench.open(openStore);
    const { deliver, settled, told } = bench.relay({ linkWaitMs: 0 });
    await deliver(first);
    await settled();
    await until(() => expect(told.map(({ hook }) => hook)).toEqual(["unmatched"]));
    expect(bench.sandbox.requests).toHaveLength(1);
  });

  it("leaves it to the endpoint whether it knows a customer that no link speaks of", async () => {
    const bench = await Bench.open(openStore, { referrals: [{ id: "ref_ada", customerId: "cus_1" }] });
    const { deliver, settled, held, pass } = bench.relay();
    await deliver(first, invoicePaid("2", { customer: "cus_2" }));
    await held("evt_in_2");
    await pass(61 * SECOND);
    await settled();
    expect(conversionsOf(bench.sandbox)).toEqual([{ id: "evt_in_1", referral: "ref_ada", amount: 100 }]);
    expect(bench.sandbox.requests).toHaveLength(2);
  });

  it("finds the referral of a renewal a year later, by its subscription or its customer alone", async () => {
    const bench = await Bench.open(openStore);
    const { deliver, settled, pass } = bench.relay();
    await deliver(session, first);
    await settled();
    await pass(365 * DAY);
    await deliver(
      invoicePaid("2", { customer: "cus_of_a_merged_account", subscription: "sub_1" }),
      invoicePaid("3", { customer: "cus_1" }),
    );
    await settled();
    expect(conversionsOf(bench.sandbox).map(({ referral }) => referral)).toEqual(["ref_ada", "ref_ada", "ref_ada"]);
  });

  it("remembers a referral that only the first invoice named", async () => {
    const bench = await Bench.open(openStore);
    const { deliver, settled, pass } = bench.relay();
    await deliver(invoicePaid("1", { customer: "cus_1", subscription: "sub_1", referral: "ref_ada" }));
    await settled();
    await pass(30 * DAY);
    await deliver(invoicePaid("2", { customer: "cus_1", subscription: "sub_1" }));
    await settled();
    expect(conversionsOf(bench.sandbox).map(({ referral }) => referral)).toEqual(["ref_ada", "ref_ada"]);
  });

  it("never loses a referral to a link that names none", async () => {
    const bench = await Bench.open(openStore);
    const { deliver, settled } = bench.relay();
    await deliver(
      session,
      sessionCompleted("2", { customer: "cus_1", subscription: "sub_1" }),
      subscriptionCreated("1", { status: "trialing", customer: "cus_1", invoice: "in_0" }),
      first,
    );
    await settled();
    expect(conversionsOf(bench.sandbox)).toEqual([{ id: "evt_in_1", referral: "ref_ada", amount: 100 }]);
  });

  it("gives each of a customer's two subscriptions to the affiliate who brought it", async () => {
    const bench = await Bench.open(openStore);
    const { deliver, settled, relay } = bench.relay();
    const second = sessionCompleted("2", { referral: "ref_bob", customer: "cus_1", subscription: "sub_2" });
    await deliver(session, first);
    await settled();
    await deliver(second, invoicePaid("2", { customer: "cus_1", subscription: "sub_2" }));
    await settled();
    await deliver(
      invoicePaid("3", { customer: "cus_1", subscription: "sub_1" }),
      invoicePaid("4", { customer: "cus_1", subscription: "sub_2" }),
    );
    await settled();
    expect(await relay.deadLetters.list()).toEqual([]);
    const byId = Object.fromEntries(conversionsOf(bench.sandbox).map(({ id, referral }) => [id, referral]));
    expect(byId).toEqual({ evt_in_1: "ref_ada", evt_in_2: "ref_bob", evt_in_3: "ref_ada", evt_in_4: "ref_bob" });
  });

  it("keeps a customer with the first affiliate, where an invoice says nothing nearer", async () => {
    const bench = await Bench.open(openStore);
    const { deliver, settled } = bench.relay();
    await deliver(
      session,
      first,
      sessionCompleted("2", { referral: "ref_bob", customer: "cus_1", subscription: "sub_2" }),
      invoicePaid("3", { customer: "cus_1" }),
    );
    await settled();
    const byId = Object.fromEntries(conversionsOf(bench.sandbox).map(({ id, referral }) => [id, referral]));
    expect(byId).toEqual({ evt_in_1: "ref_ada", evt_in_3: "ref_ada" });
  });

  it("does not mix up sources: a customer of one provider is nobody at another", async () => {
    const bench = await Bench.open(openStore);
    const { deliver, settled, held, pass } = bench.relay();
    await deliver(session, transactionCompleted("1", { customer: "cus_1" }));
    await held("evt_txn_1");
    await pass(61 * SECOND);
    await settled();
    expect(bench.sandbox.requests.map(({ body }) => JSON.parse(body).referral_id)).toEqual([undefined]);
    expect(bench.sandbox.events).toEqual([]);
  });

  it("finds the referral of a renewal after a single payment of the same customer", async () => {
    const bench = await Bench.open(openStore);
    const { deliver, settled, pass } = bench.relay();
    await deliver(paymentCompleted("1", { customer: "cus_1", referral: "ref_ada" }));
    await settled();
    await pass(90 * DAY);
    await deliver(invoicePaid("2", { customer: "cus_1", subscription: "sub_9" }));
    await settled();
    expect(conversionsOf(bench.sandbox).map(({ referral }) => referral)).toEqual(["ref_ada", "ref_ada"]);
  });

  it("outlives a restart", async () => {
    const bench = await Bench.open(openStore);
    const one = bench.relay();
    await one.deliver(session);
    await one.settled();
    if (!bench.store.outbox.durable) return;
    await one.relay.stop();
    const two = bench.relay({ outbox: bench.store.again() });
    await two.deliver(first);
    await two.settled();
    expect(conversionsOf(bench.sandbox)).toMatchObject([{ referral: "ref_ada" }]);
  });
});
