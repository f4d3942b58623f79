import { type } from "arktype";
import { Webhook } from "standardwebhooks";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import {
  type CustomResult,
  custom,
  fromMajorUnits,
  hmacSha256,
  type StandardSchemaV1,
  standardWebhooks,
  unsafeNoVerification,
} from "../../../adapters/custom/index.js";
import { recordsOf, verifyAt } from "../../helpers/records.js";
import { failureOf, NOW_MS, nodeHmac, refusalOf } from "./support.js";

const SECRET = "correct-horse-battery";
const signedRequest = (body: string) => ({ body, headers: { "X-Signature": nodeHmac("sha256", SECRET, body) } });
const answering = (result: CustomResult) =>
  custom({ name: "billing", verify: unsafeNoVerification(), schema: z.unknown(), normalize: () => result });

describe("a custom adapter", () => {
  const libraries: [
    string,
    StandardSchemaV1<unknown, { id: string; customer: string; amount: string; currency: string }>,
  ][] = [
    ["zod", z.object({ id: z.string(), customer: z.string(), amount: z.string(), currency: z.string() })],
    ["valibot", v.object({ id: v.string(), customer: v.string(), amount: v.string(), currency: v.string() })],
    ["arktype", type({ id: "string", customer: "string", amount: "string", currency: "string" })],
  ];

  it.each(libraries)("verifies a signed body and turns it into a record with a schema of %s", async (_, schema) => {
    const adapter = custom({
      name: "billing",
      verify: hmacSha256({ header: "x-signature", secret: SECRET }),
      schema,
      normalize: (payload, { source, header }) => ({
        type: "conversion",
        name: "invoice_paid",
        externalEventId: `${source}:${payload.id}`,
        identity: { customerId: payload.customer },
        sale: fromMajorUnits(payload.amount, payload.currency),
        metadata: { topic: header("x-topic") ?? null },
      }),
    });
    const request = signedRequest('{"id":"inv_1","customer":"cus_1","amount":"19.99","currency":"eur","extra":[1]}');
    const payload = await verifyAt(adapter, request, NOW_MS);
    expect(await recordsOf(adapter, payload, { "X-Topic": "invoice" })).toEqual([
      {
        kind: "event",
        source: "billing",
        type: "conversion",
        name: "invoice_paid",
        externalEventId: "billing:inv_1",
        identity: { customerId: "cus_1" },
        references: {},
        sale: { minorUnits: 1999, currency: "EUR", decimals: 2 },
        metadata: { topic: "invoice" },
      },
    ]);
  });

  it.each(libraries)(
    "names the field of a malformed payload and not its value with a schema of %s",
    async (_, schema) => {
      const adapter = custom({ name: "billing", verify: unsafeNoVerification(), schema, normalize: () => null });
      const payload = { id: 4711_0815, customer: "cus_1", amount: "1", currency: "EUR" };
      const error = await failureOf(() => adapter.normalize(payload, { source: "billing", header: () => undefined }));
      expect(error).toMatchObject({ code: "malformed_payload", status: 400 });
      expect(error.message).toMatch(/billing webhook has not the expected shape: .*\bid\b/);
      expect(error.message).not.toContain("47110815");
    },
  );

  it("refuses a body that was signed and is not JSON, and does not quote it", async () => {
    const adapter = custom({
      name: "billing",
      verify: hmacSha256({ header: "x-signature", secret: SECRET }),
      schema: z.unknown(),
      normalize: () => null,
    });
    const error = await failureOf(() => verifyAt(adapter, signedRequest("id=canary"), NOW_MS));
    expect(error.code).toBe("malformed_payload");
    expect(error.message).not.toContain("canary");
    await refusalOf(() => verifyAt(adapter, { ...signedRequest("{}"), body: "{ }" }, NOW_MS));
  });

  it("gives normalize what the schema made of the payload", async () => {
    const adapter = custom({
      name: "billing",
      verify: unsafeNoVerification(),
      schema: z.object({ at: z.coerce.date(), plan: z._default(z.string(), "free") }),
      normalize: ({ at, plan }) => ({
        type: "trial",
        name: "trial_started",
        identity: { clickId: "clk_1" },
        occurredAt: at,
        metadata: { plan },
      }),
    });
    expect(await recordsOf(adapter, { at: "2026-01-01T00:00:00Z" })).toMatchObject([
      { occurredAt: "2026-01-01T00:00:00.000Z", metadata: { plan: "free" } },
    ]);
  });
});

describe("what a custom normalize answers", () => {
  it("may be each of the four event types with every field of the contract", async () => {
    for (const eventType of ["conversion", "lead", "trial", "milestone"] as const) {
      const everything = {
        kind: "event",
        type: eventType,
        name: `${eventType}_happened`,
        externalEventId: "evt_1",
        businessKey: "billing:invoice:inv_1",
        identity: { referralId: "ref_1", customerId: "cus_1", externalUserId: "usr_1", clickId: "clk_1" },
        references: {
          customer: "cus_1",
          subscription: "sub_1",
          invoice: "inv_1",
          session: "cs_1",
          payment: "pay_1",
          charge: "ch_1",
          transaction: "txn_1",
        },
        occurredAt: "2026-01-01T00:00:00.000Z",
        sale: { minorUnits: 9900, currency: "USD", decimals: 2 },
        productIds: ["prod_1"],
        priceIds: ["price_1"],
        interval: "yearly",
        isSubscription: true,
        metadata: { seats: 3, tags: ["a"], nested: { plan: null } },
      } as const;
      const result: CustomResult = {
        ...everything,
        productIds: [...everything.productIds],
        priceIds: [...everything.priceIds],
        metadata: { seats: 3, tags: ["a"], nested: { plan: null } },
      };
      expect(await recordsOf(answering(result), {})).toEqual([{ ...everything, source: "billing" }]);
    }
  });

  it("may be a refund, a link, a skip, or several of them", async () => {
    const records: CustomResult = [
      {
        kind: "refund",
        externalEventId: "rf_1",
        businessKey: "billing:refund:rf_1",
        saleKey: "billing:invoice:inv_1",
        references: { payment: "pay_1" },
        amount: { minorUnits: 500, currency: "JPY" },
        reason: "requested_by_customer",
      },
      { kind: "link", referralId: "ref_1", references: { customer: "cus_1", subscription: "sub_1" } },
      { kind: "skip", reason: "not_final" },
    ];
    expect(await recordsOf(answering(records), {})).toEqual(
      records.map((record) => ({ ...record, source: "billing" })),
    );
  });

  it("may be null or an empty list for nothing to send, now or later", async () => {
    expect(await recordsOf(answering(null), {})).toEqual([]);
    expect(await recordsOf(answering([]), {})).toEqual([]);
    const later = custom({
      name: "billing",
      verify: unsafeNoVerification(),
      schema: z.unknown(),
      normalize: async () => null,
    });
    expect(await recordsOf(later, {})).toEqual([]);
  });

  it("is refused by name where it has a field that the contract has not", async () => {
    const misspelt = { type: "lead", name: "x", identity: { clickId: "clk_1" }, externalEventID: "evt_1" } as const;
    const error = await failureOf(() => recordsOf(answering(misspelt), {}));
    expect(error.code).toBe("invalid_event");
    expect(error.message).toMatch(/unknown field externalEventID/);
  });

  it("is refused where it is nothing at all, since a forgotten return is not a decision", async () => {
    for (const nothing of [undefined, false, "conversion", [null], [undefined]]) {
      const adapter = Reflect.apply(answering, undefined, [nothing]);
      const error = await failureOf(() => recordsOf(adapter, {}));
      expect(error.code).toBe("invalid_event");
      expect(error.message).toMatch(
        /the normalize function of billing answered .* null where there is nothing to send/,
      );
    }
  });
});

describe("a custom normalize that throws", () => {
  const throwing = (thrown: unknown) =>
    custom({
      name: "billing",
      verify: unsafeNoVerification(),
      schema: z.unknown(),
      normalize: () => {
        throw thrown;
      },
    });
  const normalized = (thrown: unknown) => failureOf(() => recordsOf(throwing(thrown), {}));

  it("leaves the webhook with its sender, and is named", async () => {
    for (const cause of [new TypeError("payload.lines is undefined"), "text"]) {
      const error = await normalized(cause);
      expect(error).toMatchObject({ code: "mapping_failed", status: 503, cause });
      expect(error.message).toContain("normalize of billing");
      expect(error.message).not.toContain("lines");
    }
  });

  it("may throw what fromMajorUnits does: an amount that can't be read is the sender's mistake", async () => {
    const adapter = custom({
      name: "billing",
      verify: unsafeNoVerification(),
      schema: z.unknown(),
      normalize: () => ({
        type: "conversion",
        name: "sale",
        externalEventId: "evt_1",
        identity: { customerId: "cus_1" },
        sale: fromMajorUnits("19,99", "EUR"),
      }),
    });
    expect(await failureOf(() => recordsOf(adapter, {}))).toMatchObject({ code: "malformed_payload", status: 400 });
  });
});

describe("the upstream webhook's id", () => {
  const whsec = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const lead = { type: "lead", name: "user_created", identity: { externalUserId: "usr_1" } } as const;
  const refund = {
    kind: "refund",
    businessKey: "billing:refund:rf_1",
    amount: { minorUnits: 100, currency: "EUR" },
  } as const;
  const link = { kind: "link", referralId: "ref_1", references: { customer: "cus_1" } } as const;
  const signing = (result: CustomResult) =>
    custom({
      name: "billing",
      verify: standardWebhooks({ secret: whsec }),
      schema: z.unknown(),
      normalize: () => result,
    });

  it.each(["webhook", "svix"])("comes from the verified %s-id header when the event has none", async (family) => {
    const body = '{"type":"user.created"}';
    const headers = {
      [`${family}-id`]: "msg_1",
      [`${family}-timestamp`]: String(NOW_MS / 1000),
      [`${family}-signature`]: new Webhook(whsec).sign("msg_1", new Date(NOW_MS), body),
    };
    const adapter = signing({ ...lead, type: "conversion", sale: { minorUnits: 1, currency: "EUR" } });
    const payload = await verifyAt(adapter, { body, headers }, NOW_MS);
    expect(await recordsOf(adapter, payload, headers)).toMatchObject([{ externalEventId: "msg_1" }]);
  });

  it("is given to a refund too, and leaves an id of its own alone", async () => {
    const headers = { "webhook-id": "msg_1" };
    expect(await recordsOf(signing([refund, link]), {}, headers)).toMatchObject([
      { kind: "refund", externalEventId: "msg_1" },
      { kind: "link" },
    ]);
    expect(await recordsOf(signing({ ...lead, externalEventId: "own" }), {}, headers)).toMatchObject([
      { externalEventId: "own" },
    ]);
    expect(await recordsOf(signing([lead, { ...lead, externalEventId: "own" }]), {}, headers)).toMatchObject([
      { externalEventId: "msg_1" },
      { externalEventId: "own" },
    ]);
  });

  it("is never given to two records of one webhook: the endpoint would drop the second as a replay", async () => {
    const headers = { "webhook-id": "msg_1" };
    for (const several of [
      [lead, lead],
      [lead, refund],
      [lead, link, lead],
      [{ ...lead, externalEventId: "msg_1" }, lead],
    ]) {
      const error = await failureOf(() => recordsOf(signing(several), {}, headers));
      expect(error.code).toBe("invalid_event");
      expect(error.message).toMatch(/give each its own externalEventId/);
    }
  });

  it("is not guessed where webhook-id and svix-id differ, since only one of them was signed", async () => {
    const same = { "webhook-id": "msg_1", "svix-id": "msg_1" };
    expect(await recordsOf(signing(lead), {}, same)).toMatchObject([{ externalEventId: "msg_1" }]);
    const error = await failureOf(() => recordsOf(signing(lead), {}, { ...same, "svix-id": "msg_2" }));
    expect(error.code).toBe("malformed_payload");
  });

  it("is not looked for where the verifier names no header", async () => {
    const [record] = await recordsOf(answering(lead), {}, { "webhook-id": "msg_1" });
    expect(record).not.toHaveProperty("externalEventId");
  });

  it("can come from a header that a verifier of one's own names", async () => {
    const adapter = custom({
      name: "billing",
      verify: { verify() {}, idHeaders: ["X-Event-Id"] },
      schema: z.unknown(),
      normalize: () => lead,
    });
    expect(await recordsOf(adapter, {}, { "x-event-id": "evt_9" })).toMatchObject([{ externalEventId: "evt_9" }]);
  });

  it("is asked for where there are no headers and a record can't do without", async () => {
    expect((await failureOf(() => recordsOf(signing(refund), {}))).message).toMatch(
      /refund without an externalEventId/,
    );
    const sale = { ...lead, type: "conversion", sale: { minorUnits: 1, currency: "EUR" } } as const;
    expect((await failureOf(() => recordsOf(signing(sale), {}))).message).toMatch(
      /externalEventId: a conversion needs one/,
    );
    expect(await recordsOf(signing([lead, lead]), {})).toHaveLength(2);
  });
});
