import { describe, expect, it } from "vitest";
import { batchOf, confirmedLink } from "../../../src/outbox/batch.js";
import { link, refund, sale } from "./support.js";

const noId = () => expect.fail("there is an id already");
const entryOf = (record: Parameters<typeof batchOf>[0][number], newId: () => string = noId) => {
  const [entry, ...others] = batchOf([record], newId).entries;
  expect(others).toEqual([]);
  return entry ?? expect.fail("there is no entry");
};

describe("a webhook's batch", () => {
  it("of nothing is empty", () => {
    expect(batchOf([], noId)).toEqual({ entries: [], links: [] });
  });

  it("keeps the order of its entries", () => {
    const batch = batchOf([refund(), link(), sale({ externalEventId: "evt_b" }), sale()], noId);
    expect(batch.entries.map(({ externalEventId }) => externalEventId)).toEqual(["re_1", "evt_b", "evt_1"]);
    expect(batch.links).toHaveLength(1);
  });
});

describe("a sale", () => {
  it("becomes an entry with its keys, its references and itself as the payload", () => {
    const event = sale();
    expect(entryOf(event)).toEqual({
      kind: "event",
      source: "stripe",
      externalEventId: "evt_1",
      businessKey: "invoice:in_1",
      fingerprint: '["stripe","invoice:in_1","conversion",10000,"EUR"]',
      payload: expect.any(String),
      references: ["key:invoice:in_1", "invoice:in_1", "subscription:sub_1", "customer:cus_1"],
      awaitsReferral: true,
    });
    expect(JSON.parse(entryOf(event).payload)).toEqual(JSON.parse(JSON.stringify(event)));
  });

  it("that names no referral makes no link, since an empty one must not stand in a known one's way", () => {
    expect(batchOf([sale()], noId).links).toEqual([]);
    expect(batchOf([sale({ identity: { referralId: "", customerId: "cus_1" } })], noId).links).toEqual([]);
  });

  it("that names its referral awaits none, and says it of all that it refers to but the customer", () => {
    const { entries, links } = batchOf([sale({ identity: { referralId: "ref_1", customerId: "cus_1" } })], noId);
    expect(entries).toMatchObject([{ awaitsReferral: false }]);
    expect(links).toEqual([
      {
        source: "stripe",
        referralId: "ref_1",
        references: ["invoice:in_1", "subscription:sub_1"],
      },
    ]);
  });

  it("has the fingerprint of another webhook of it, and another one where amount or currency differ", () => {
    const { fingerprint } = entryOf(sale());
    const other = { externalEventId: "evt_2", name: "other", occurredAt: "2026-01-01T00:00:00Z", metadata: { a: 1 } };
    expect(entryOf(sale(other)).fingerprint).toBe(fingerprint);
    const amounts = [
      { minorUnits: 10_001, currency: "EUR" },
      { minorUnits: 10_000, currency: "USD" },
    ];
    for (const amount of amounts) expect(entryOf(sale({ sale: amount })).fingerprint).not.toBe(fingerprint);
  });

  it("has another fingerprint where source or business key differ, so that one id of two sources is a conflict", () => {
    const { fingerprint } = entryOf(sale());
    const others = [
      { ...sale(), source: "paddle" },
      sale({ businessKey: "invoice:in_2" }),
      sale({ businessKey: undefined }),
    ];
    for (const other of others) expect(entryOf(other).fingerprint).not.toBe(fingerprint);
  });

  it("without a business key is found by its references alone", () => {
    const entry = entryOf(sale({ businessKey: undefined }));
    expect(entry.businessKey).toBeNull();
    expect(entry.references).toEqual(["invoice:in_1", "subscription:sub_1", "customer:cus_1"]);
  });

  it("that refers to nothing has nothing but its key", () => {
    expect(entryOf(sale({ references: {} })).references).toEqual(["key:invoice:in_1"]);
    expect(entryOf(sale({ references: {}, businessKey: undefined })).references).toEqual([]);
  });
});

describe("an event of another type", () => {
  const lead = (changes: object = {}) =>
    sale({ type: "lead", name: "signed_up", externalEventId: undefined, businessKey: undefined, ...changes });

  it("gets an id where it has none, in its payload too, so that a retry of it counts once", () => {
    const ids = ["relay_1", "relay_2"];
    const { entries } = batchOf([lead(), lead()], () => ids.shift() ?? noId());
    expect(entries.map(({ externalEventId }) => externalEventId)).toEqual(["relay_1", "relay_2"]);
    expect(entries.map(({ payload }) => JSON.parse(payload).externalEventId)).toEqual(["relay_1", "relay_2"]);
  });

  it("keeps the id that it has", () => {
    expect(entryOf(lead({ externalEventId: "lead_7" })).externalEventId).toBe("lead_7");
  });

  it("without an amount is told apart by its type", () => {
    const [one, other] = ["lead", "trial"].map((type) =>
      entryOf(lead({ type, externalEventId: "x", sale: undefined })),
    );
    expect(one?.fingerprint).toBe('["stripe",null,"lead",null,null]');
    expect(other?.fingerprint).toBe('["stripe",null,"trial",null,null]');
  });

  it.each(["lead", "trial", "milestone"])(
    "(%s) is not found in the place of the sale that it shares ids with",
    (type) => {
      const references = {
        session: "cs_1",
        invoice: "in_1",
        payment: "pi_1",
        subscription: "sub_1",
        customer: "cus_1",
      };
      const event = { type, externalEventId: "x", references };
      expect(entryOf(lead(event)).references).toEqual(["subscription:sub_1", "customer:cus_1"]);
      expect(entryOf(lead({ ...event, businessKey: "trial:1" })).references).toEqual([
        ...["key:trial:1", "subscription:sub_1", "customer:cus_1"],
      ]);
    },
  );

  it("that names its referral says it of all that it refers to all the same, as the sale after it may need it", () => {
    const event = lead({ identity: { referralId: "ref_1" }, references: { session: "cs_1", customer: "cus_1" } });
    expect(batchOf([event], () => "x").links).toEqual([
      { source: "stripe", referralId: "ref_1", references: ["session:cs_1"] },
    ]);
  });

  it("awaits a referral too, where it names none", () => {
    expect(entryOf(lead({ externalEventId: "x" })).awaitsReferral).toBe(true);
    expect(entryOf(lead({ externalEventId: "x", identity: { referralId: "ref_1" } })).awaitsReferral).toBe(false);
  });
});

describe("a refund", () => {
  it("becomes an entry of its own that refers to the key of its sale", () => {
    expect(entryOf(refund())).toEqual({
      kind: "refund",
      source: "stripe",
      externalEventId: "re_1",
      businessKey: "refund:re_1",
      fingerprint: '["stripe","refund:re_1","refund",5950,"EUR"]',
      payload: JSON.stringify(refund()),
      references: ["key:invoice:in_1", "invoice:in_1", "payment:pi_1"],
      awaitsReferral: false,
    });
  });

  it("refers to what its sale refers to, so that the sale's delivery wakes it", () => {
    const shared = entryOf(refund()).references.filter((reference) => entryOf(sale()).references.includes(reference));
    expect(shared).toContain("key:invoice:in_1");
  });

  it("that does not know its sale's key has the payment's references alone", () => {
    expect(entryOf(refund({ saleKey: undefined })).references).toEqual(["invoice:in_1", "payment:pi_1"]);
  });

  it("has another fingerprint where source, business key, amount or currency differ", () => {
    const others = [
      { ...refund(), source: "paddle" },
      refund({ businessKey: "refund:re_2" }),
      refund({ amount: { minorUnits: 5_951, currency: "EUR" } }),
      refund({ amount: { minorUnits: 5_950, currency: "USD" } }),
    ];
    const fingerprints = [refund(), ...others].map((record) => entryOf(record).fingerprint);
    expect(new Set(fingerprints).size).toBe(5);
  });

  it("makes no link", () => {
    expect(batchOf([refund()], noId).links).toEqual([]);
  });
});

describe("a link", () => {
  it("becomes a link with its references as text, the nearest to the sale first", () => {
    expect(batchOf([link()], noId)).toEqual({
      entries: [],
      links: [
        {
          source: "stripe",
          referralId: "ref_1",
          references: ["session:cs_1", "subscription:sub_1", "customer:cus_1"],
        },
      ],
    });
  });

  it.each([undefined, null, "", "  "])("that names no referral (%j) still relates what it names", (referralId) => {
    const { links } = batchOf([link({ referralId, references: { invoice: "in_1", payment: "pi_1" } })], noId);
    expect(links).toEqual([{ source: "stripe", referralId: null, references: ["invoice:in_1", "payment:pi_1"] }]);
  });
});

describe("a referral that the endpoint has confirmed", () => {
  it("is the customer's", () => {
    expect(confirmedLink(sale({ identity: { referralId: "ref_1" } }))).toEqual({
      source: "stripe",
      referralId: "ref_1",
      references: ["customer:cus_1", "confirmed:cus_1"],
    });
  });

  it("is nobody's where the event names no referral or no customer", () => {
    expect(confirmedLink(sale())).toBeUndefined();
    expect(confirmedLink(sale({ identity: { referralId: "ref_1" }, references: { invoice: "in_1" } }))).toBeUndefined();
  });
});
