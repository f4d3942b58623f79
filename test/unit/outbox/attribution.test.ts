import { describe, expect, it } from "vitest";
import { expandReferences, keyReference, referencesOf, resolveReferral } from "../../../src/attribution.js";
import type { Link, Refund, RelayEvent } from "../../../src/event.js";
import { batchOf, confirmedLink } from "../../../src/outbox/batch.js";
import { memoryOutbox } from "../../../src/outbox/memory.js";
import { link, refund, sale } from "./support.js";

const T0 = 1_767_225_600_000;

/** A store that these records came to, one webhook after the other. */
async function outboxWith(...records: readonly (RelayEvent | Refund | Link)[]) {
  const outbox = memoryOutbox();
  for (const [at, record] of records.entries())
    await outbox.put(
      batchOf([record], () => `new_${at}`),
      T0 + at,
    );
  return outbox;
}

/** Whose sale it is, after these records came. */
async function referralOf(references: Link["references"], ...records: readonly (RelayEvent | Refund | Link)[]) {
  return resolveReferral(await outboxWith(...records), "stripe", referencesOf(references));
}

const says = (referralId: string | undefined, references: object) => link({ referralId, references });

describe("referencesOf", () => {
  it("names what is nearest to the sale first and the customer last, however they come", () => {
    const references = {
      customer: "c",
      subscription: "s",
      transaction: "t",
      charge: "ch",
      payment: "p",
      invoice: "i",
      session: "cs",
    };
    expect(referencesOf(references)).toEqual([
      "session:cs",
      "invoice:i",
      "payment:p",
      "charge:ch",
      "transaction:t",
      "subscription:s",
      "customer:c",
    ]);
  });

  it("leaves out what is not there", () => {
    expect(referencesOf({})).toEqual([]);
    expect(referencesOf({ customer: undefined, invoice: "in_1" })).toEqual(["invoice:in_1"]);
  });

  it("keeps business keys apart from ids", () => {
    expect(keyReference("invoice:in_1")).toBe("key:invoice:in_1");
    expect(referencesOf({ invoice: "in_1" })).not.toContain(keyReference("invoice:in_1"));
  });
});

describe("expandReferences", () => {
  const expand = async (references: readonly string[], ...records: readonly (RelayEvent | Refund | Link)[]) =>
    expandReferences(await outboxWith(...records), "stripe", references);

  it("answers what it was asked for where no link knows more", async () => {
    expect(await expand([])).toEqual([]);
    expect(await expand(["invoice:in_1", "customer:cus_1"])).toEqual(["invoice:in_1", "customer:cus_1"]);
  });

  it("finds the invoice of a charge by the payment between them", async () => {
    const links = [
      says(undefined, { charge: "ch_1", payment: "pi_1" }),
      says(undefined, { invoice: "in_1", payment: "pi_1" }),
    ];
    expect(await expand(["charge:ch_1"], ...links)).toEqual(["charge:ch_1", "payment:pi_1", "invoice:in_1"]);
  });

  it("finds nothing through a customer or a subscription, whose sales have nothing in common", async () => {
    const links = [
      says("ref_1", { invoice: "in_1", subscription: "sub_1", customer: "cus_1" }),
      says("ref_1", { invoice: "in_2", subscription: "sub_1", customer: "cus_1" }),
    ];
    expect(await expand(["subscription:sub_1", "customer:cus_1"], ...links)).toEqual([
      "subscription:sub_1",
      "customer:cus_1",
    ]);
    expect(await expand(["invoice:in_1"], ...links)).toEqual(["invoice:in_1"]);
  });

  it("puts what it finds before subscription and customer", async () => {
    const found = await expand(
      ["invoice:in_1", "subscription:sub_1", "customer:cus_1"],
      says(undefined, { invoice: "in_1", payment: "pi_1" }),
    );
    expect(found).toEqual(["invoice:in_1", "payment:pi_1", "subscription:sub_1", "customer:cus_1"]);
  });

  it("names each once, and ends where links go in a circle", async () => {
    const found = await expand(
      ["invoice:in_1"],
      says(undefined, { invoice: "in_1", payment: "pi_1" }),
      says(undefined, { payment: "pi_1", session: "cs_1" }),
      says(undefined, { session: "cs_1", invoice: "in_1" }),
    );
    expect([...found].sort()).toEqual(["invoice:in_1", "payment:pi_1", "session:cs_1"]);
  });

  it("keeps the accounts of two sources apart", async () => {
    const outbox = await outboxWith(says("ref_1", { invoice: "in_1", payment: "pi_1" }));
    expect(await expandReferences(outbox, "paddle", ["invoice:in_1"])).toEqual(["invoice:in_1"]);
    expect(await resolveReferral(outbox, "paddle", ["invoice:in_1"])).toBeUndefined();
  });
});

describe("the referral of a sale", () => {
  it("is unknown where nothing was ever said of it", async () => {
    expect(await referralOf({ invoice: "in_1", customer: "cus_1" })).toBeUndefined();
    expect(await referralOf({})).toBeUndefined();
  });

  it("is what a Checkout session said of the subscription that the invoice bills", async () => {
    expect(await referralOf({ invoice: "in_1", subscription: "sub_1", customer: "cus_1" }, link())).toBe("ref_1");
  });

  it("is what a session said of the payment, which a link says is the invoice's", async () => {
    const links = [
      says("ref_1", { session: "cs_1", payment: "pi_1" }),
      says(undefined, { invoice: "in_1", payment: "pi_1" }),
    ];
    expect(await referralOf({ invoice: "in_1" }, ...links)).toBe("ref_1");
    expect(await referralOf({ invoice: "in_1" }, ...links.reverse())).toBe("ref_1");
  });

  it("is found from the charge over payment and invoice, and no further", async () => {
    const links = [
      says(undefined, { charge: "ch_1", payment: "pi_1" }),
      says(undefined, { payment: "pi_1", invoice: "in_1" }),
    ];
    expect(await referralOf({ charge: "ch_1" }, ...links, says("ref_1", { invoice: "in_1" }))).toBe("ref_1");
    const further = [says(undefined, { invoice: "in_1", session: "cs_1" }), says("ref_1", { session: "cs_1" })];
    expect(await referralOf({ charge: "ch_1" }, ...links, ...further)).toBeUndefined();
  });

  const first = sale({ identity: { referralId: "ref_1", customerId: "cus_1" } });

  it("is that of the first sale, for a renewal a year later, by its subscription", async () => {
    expect(await referralOf({ invoice: "in_13", subscription: "sub_1", customer: "cus_1" }, first)).toBe("ref_1");
    expect(await referralOf({ invoice: "in_13", subscription: "sub_1" }, first)).toBe("ref_1");
  });

  it("is that of the customer's first sale once the endpoint has confirmed it, and not before", async () => {
    const outbox = await outboxWith(first);
    const references = referencesOf({ invoice: "in_13", customer: "cus_1" });
    expect(await resolveReferral(outbox, "stripe", references)).toBeUndefined();
    const confirmed = confirmedLink(first) ?? expect.fail("there is a referral to confirm");
    await outbox.put({ entries: [], links: [confirmed] }, T0);
    expect(await resolveReferral(outbox, "stripe", references)).toBe("ref_1");
  });

  it("is the subscription's rather than the customer's, who may have come back through another affiliate", async () => {
    const links = [
      says("ref_old", { subscription: "sub_1", customer: "cus_1" }),
      says("ref_new", { subscription: "sub_2", customer: "cus_1" }),
    ];
    expect(await referralOf({ invoice: "in_9", subscription: "sub_2", customer: "cus_1" }, ...links)).toBe("ref_new");
    expect(await referralOf({ invoice: "in_8", subscription: "sub_1", customer: "cus_1" }, ...links)).toBe("ref_old");
  });

  it("is what was said of the invoice itself before all else", async () => {
    const links = [
      says("ref_customer", { customer: "cus_1" }),
      says("ref_subscription", { subscription: "sub_1" }),
      says("ref_invoice", { invoice: "in_1" }),
    ];
    expect(await referralOf({ invoice: "in_1", subscription: "sub_1", customer: "cus_1" }, ...links)).toBe(
      "ref_invoice",
    );
  });

  it("is what was said of a related payment rather than of the subscription", async () => {
    const links = [
      says("ref_subscription", { subscription: "sub_1" }),
      says("ref_payment", { payment: "pi_1" }),
      says(undefined, { invoice: "in_1", payment: "pi_1" }),
    ];
    expect(await referralOf({ invoice: "in_1", subscription: "sub_1" }, ...links)).toBe("ref_payment");
  });

  it("is the customer's first one for ever, where nothing nearer is known", async () => {
    const links = [says("ref_first", { customer: "cus_1" }), says("ref_second", { customer: "cus_1" })];
    expect(await referralOf({ invoice: "in_1", customer: "cus_1" }, ...links)).toBe("ref_first");
  });

  it("is not forgotten when a later webhook names none", async () => {
    const links = [link(), link({ referralId: undefined }), link({ referralId: "" })];
    expect(await referralOf({ subscription: "sub_1" }, ...links)).toBe("ref_1");
    expect(await referralOf({ session: "cs_1" }, ...links, sale({ externalEventId: "evt_9" }))).toBe("ref_1");
  });

  it("is not another customer's", async () => {
    expect(await referralOf({ invoice: "in_2", customer: "cus_2" }, link(), sale(), refund())).toBeUndefined();
  });
});
