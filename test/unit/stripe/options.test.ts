import { describe, expect, it } from "vitest";
import { type StripeEventInput, stripe, stripeEvents } from "../../../adapters/stripe/index.js";
import type { Identity } from "../../../src/event.js";
import { recordsOf, verifyAt } from "../../helpers/records.js";
import { recordingLogger } from "../../helpers/relay.js";
import {
  BODY,
  failureOf,
  fixture,
  NOW_MS,
  NOW_SECONDS,
  relayOf,
  request,
  SECRET,
  signed,
  v1,
  withEvent,
  withLines,
  withObject,
} from "./webhook.js";

const adapter = stripe({ webhookSecret: SECRET });
const sale = () => fixture("invoice-paid.clover.first");

describe("an event that stripe() has no mapping for", () => {
  it("is skipped", async () => {
    expect(await recordsOf(adapter, fixture("customer-created"))).toEqual([
      {
        kind: "skip",
        source: "stripe",
        reason: "unmapped",
        externalEventId: "evt_customer",
        message: "customer.created has no mapping",
      },
    ]);
  });

  it.each(["constructor", "__proto__", "toString", "v1.invoice.paid", ""])("is skipped: %j", async (type) => {
    expect(await recordsOf(adapter, withEvent("invoice-paid.clover.first", { type }))).toMatchObject([
      { kind: "skip", reason: "unmapped" },
    ]);
  });
});

describe("an event of the test mode", () => {
  const event = () => withEvent("invoice-paid.clover.first", { livemode: false });

  it("is skipped by default, and the message says how to send it", async () => {
    for (const testMode of [undefined, "ignore"] as const) {
      expect(await recordsOf(stripe({ webhookSecret: SECRET, testMode }), event())).toEqual([
        {
          kind: "skip",
          source: "stripe",
          reason: "test_mode",
          externalEventId: "evt_clover_first",
          message: expect.stringContaining('testMode: "forward"'),
        },
      ]);
    }
  });

  it("is sent where it is asked for, and says in its metadata what it is", async () => {
    const using = stripe({ webhookSecret: SECRET, testMode: "forward" });
    const [live] = await recordsOf(using, sale());
    const [test] = await recordsOf(using, event());
    expect(live).toMatchObject({ kind: "event" });
    expect(live).not.toHaveProperty("metadata.test_mode");
    expect(test).toEqual({ ...live, metadata: { ...(live as { metadata: object }).metadata, test_mode: true } });
  });
});

describe("a thin event", () => {
  const thin = () => fixture("thin.invoice-paid");

  it("is refused with a sentence that says what to change, whoever verified it", async () => {
    const body = JSON.stringify(thin());
    const payload = await verifyAt(adapter, request(`t=${NOW_SECONDS},v1=${v1(body)}`, body), NOW_MS);
    for (const received of [payload, thin()]) {
      const error = await failureOf(recordsOf(adapter, received as never));
      expect(error).toMatchObject({ code: "unsupported_webhook", status: 400 });
      expect(error.message).toContain("thin event");
      expect(error.message).toContain("Snapshot");
    }
  });

  it("is refused by the relay just so, and logged once without what is in it", async () => {
    const { logger, lines } = recordingLogger();
    const relay = relayOf(adapter, { logger });
    const error = await failureOf(relay.receive("stripe", signed(thin())));
    expect(error).toMatchObject({ code: "unsupported_webhook", status: 400, retryable: false });
    expect(error.message).toMatch(/thin event.*Snapshot/);
    expect(lines).toEqual([
      { level: "warn", fields: { source: "stripe", code: "unsupported_webhook" }, message: error.message },
    ]);
    expect(JSON.stringify(lines)).not.toMatch(/evt_thin|in_thin/);
    const forged = request(`t=${NOW_SECONDS},v1=${v1()}`, JSON.stringify(thin()));
    expect((await failureOf(relay.receive("stripe", forged))).code).toBe("signature_invalid");
    expect((await failureOf(relay.receiveVerified("stripe", thin()))).code).toBe("unsupported_webhook");
  });

  it("is not even looked at before its signature", async () => {
    const error = await failureOf(
      verifyAt(adapter, request(`t=${NOW_SECONDS},v1=${v1()}`, JSON.stringify(thin())), NOW_MS),
    );
    expect(error.code).toBe("signature_invalid");
  });
});

describe("the envelope of an event", () => {
  it.each([
    ["id", { id: undefined }],
    ["id", { id: "evt 1" }],
    ["type", { type: 7 }],
    ["created", { created: "2025-10-09T08:55:07Z" }],
    ["created", { created: 1.5 }],
    ["livemode", { livemode: undefined }],
    ["object", { object: "topsecret" }],
    ["data", { data: null }],
    ["data.object", { data: { object: "topsecret" } }],
  ])("must have the field %s: %j", async (field, changes) => {
    const error = await failureOf(recordsOf(adapter, withEvent("invoice-paid.clover.first", changes)));
    expect(error).toMatchObject({ code: "malformed_payload", status: 400 });
    expect(error.message).toContain(`${field}:`);
    expect(error.message).not.toContain("topsecret");
  });

  it.each([null, undefined, [], "event", 42, {}])("must be an object: %j", async (payload) => {
    expect((await failureOf(recordsOf(adapter, payload as never))).code).toBe("malformed_payload");
  });
});

describe("a timestamp of an event", () => {
  const [FIRST, LAST] = [0, 253_402_300_799];
  const lines = (field: string) => (value: number) =>
    withLines("invoice-paid.clover.first", [{ period: { start: 1_760_000_000, end: 1_762_678_400, [field]: value } }]);
  const places: [string, (value: number) => StripeEventInput][] = [
    ["created", (created) => withEvent("invoice-paid.clover.first", { created })],
    [
      "data.object.status_transitions.paid_at",
      (paid_at) => withObject("invoice-paid.clover.first", { status_transitions: { paid_at } }),
    ],
    ["data.object.lines.data.0.period.start", lines("start")],
    ["data.object.lines.data.0.period.end", lines("end")],
    ["data.object.trial_start", (trial_start) => withObject("subscription-created.trialing", { trial_start })],
    ["data.object.trial_end", (trial_end) => withObject("subscription-created.trialing", { trial_end })],
    ["data.object.created", (created) => withObject("refund-created", { created })],
    [
      "data.object.refunds.data.0.created",
      (created) =>
        withObject("charge-refunded.legacy", {
          refunds: { data: [{ id: "re_1", amount: 100, currency: "usd", created }] },
        }),
    ],
  ];

  it.each(places)("is refused where it is none of unix seconds: %s", async (field, event) => {
    for (const value of [NOW_MS, -1, 9e12, LAST + 1, 2 ** 53, 1.5]) {
      const error = await failureOf(recordsOf(adapter, event(value)));
      expect(error).toMatchObject({ code: "malformed_payload", status: 400 });
      expect(error.message).toContain(`${field}:`);
    }
  });

  it.each(places)("may be any from 1970 to 9999: %s", async (_, event) => {
    for (const value of [FIRST, LAST]) {
      expect(await recordsOf(adapter, event(value))).not.toMatchObject([{ kind: "skip" }]);
    }
  });

  it("is dated to the second", async () => {
    const status_transitions = { paid_at: LAST };
    expect(await recordsOf(adapter, withObject("invoice-paid.clover.first", { status_transitions }))).toMatchObject([
      { occurredAt: "9999-12-31T23:59:59.000Z" },
    ]);
  });
});

describe("the option events", () => {
  const lead = { type: "lead", name: "customer_created", identity: { customerId: "cus_ada" } } as const;

  it("replaces a default, and leaves the others", async () => {
    const using = stripe({ webhookSecret: SECRET, events: { "invoice.paid": () => lead } });
    expect(await recordsOf(using, sale())).toMatchObject([lead]);
    expect(await recordsOf(using, fixture("checkout-session.payment"))).toMatchObject([{ name: "checkout_completed" }]);
  });

  it("adds a type that has no default", async () => {
    const using = stripe({
      webhookSecret: SECRET,
      events: { "customer.created": async ({ id }) => [{ ...lead, externalEventId: id }] },
    });
    expect(await recordsOf(using, fixture("customer-created"))).toMatchObject([
      { ...lead, externalEventId: "evt_customer" },
    ]);
  });

  it("turns a default off with null", async () => {
    const using = stripe({ webhookSecret: SECRET, events: { "invoice.paid": null } });
    expect(await recordsOf(using, sale())).toMatchObject([{ kind: "skip", reason: "unmapped" }]);
  });

  it("refuses to turn off what is not on, as a misspelt type would be", () => {
    const make = () => stripe({ webhookSecret: SECRET, events: { "invoices.paid": null } });
    expect(make).toThrow(/^invalid_options: events\["invoices\.paid"\].*invoice\.paid/);
  });

  it("keeps a default where the answer is undefined", async () => {
    const using = stripe({ webhookSecret: SECRET, events: { "invoice.paid": undefined } });
    expect(await recordsOf(using, sale())).toEqual(await recordsOf(adapter, sale()));
  });

  it("lends the exported default, the options and the identity to a handler", async () => {
    const seen: unknown[] = [];
    const using = stripe({
      webhookSecret: SECRET,
      name: "second-account",
      amount: "gross",
      identify: () => ({ externalUserId: "user_7" }),
      events: {
        "invoice.paid": async (event, context) => {
          seen.push(context.source, context.options, context.isTest, context.header("x-anything"));
          const found = await stripeEvents["invoice.paid"](event, context);
          return { ...(found as object), name: "renamed" } as never;
        },
      },
    });
    expect(await recordsOf(using, sale())).toMatchObject([
      {
        name: "renamed",
        source: "second-account",
        sale: { minorUnits: 11900 },
        identity: { externalUserId: "user_7" },
        metadata: { source: "second-account" },
      },
    ]);
    expect(seen).toEqual([
      "second-account",
      { amount: "gross", clientReferenceId: "auto", refundsFrom: "refund" },
      false,
      undefined,
    ]);
  });

  it("may answer null for nothing", async () => {
    const using = stripe({ webhookSecret: SECRET, events: { "invoice.paid": () => null } });
    expect(await recordsOf(using, sale())).toEqual([]);
  });

  it("keeps the webhook with Stripe where a handler throws or forgets to answer", async () => {
    const cause = new Error("database is down");
    const handlers = [() => Promise.reject(cause), () => undefined as never, () => "sold" as never];
    for (const handler of handlers) {
      const using = stripe({ webhookSecret: SECRET, events: { "invoice.paid": handler } });
      const error = await failureOf(recordsOf(using, sale()));
      expect(error).toMatchObject({ code: "mapping_failed", status: 503 });
      expect(error.message).toContain('events["invoice.paid"] of stripe()');
    }
  });

  it("leaves an error of the kit what it is, since a handler may call a default", async () => {
    const events = { "invoice.paid": stripeEvents["invoice.paid"] };
    const wrong = withObject("invoice-paid.clover.first", { currency: 7 });
    const error = await failureOf(recordsOf(stripe({ webhookSecret: SECRET, events }), wrong));
    expect(error.code).toBe("malformed_payload");
  });

  it.each([
    ["invoice.paid", 42],
    ["invoice.paid", "off"],
    ["invoice.paid", false],
  ])("takes functions and null only: %s %j", (type, handler) => {
    const make = () => stripe({ webhookSecret: SECRET, events: { [type]: handler as never } });
    expect(make).toThrow(/^invalid_options: events\["invoice\.paid"\]/);
  });

  it("offers defaults that nobody can change", () => {
    expect(Object.isFrozen(stripeEvents)).toBe(true);
    expect(Object.keys(stripeEvents).sort()).toEqual([
      "charge.dispute.closed",
      "charge.refund.updated",
      "charge.refunded",
      "checkout.session.async_payment_succeeded",
      "checkout.session.completed",
      "customer.subscription.created",
      "invoice.paid",
      "invoice.payment_succeeded",
      "invoice_payment.paid",
      "refund.created",
      "refund.updated",
    ]);
  });
});

describe("what functions of the app are given", () => {
  const changes = (object: object, field: string) =>
    Reflect.set(object, field, Number(Reflect.get(object, field)) - 100);
  const cheaper = (event: { readonly data: { readonly object: object } }) => {
    for (const field of ["amount_paid", "total", "total_excluding_tax"]) changes(event.data.object, field);
  };

  it("may be changed by them: the same payload is the same sale the next time", async () => {
    const using = stripe({
      webhookSecret: SECRET,
      identify: (event) => {
        cheaper(event);
        return undefined;
      },
      amount: (invoice) => {
        changes(invoice, "amount_paid");
        return Number(invoice.amount_paid);
      },
      events: {
        "invoice.paid": (event, context) => {
          cheaper(event);
          return stripeEvents["invoice.paid"](event, context);
        },
      },
    });
    const payload = fixture("invoice-paid.clover.first");
    const before = structuredClone(payload);
    const first = await recordsOf(using, payload);
    expect(payload).toEqual(before);
    expect(await recordsOf(using, payload)).toEqual(first);
    const paid = Number(Reflect.get(before.data.object, "amount_paid"));
    // The handler's change is wanted, and so is that of the amount; identify's reaches nobody.
    expect(first).toMatchObject([{ sale: { minorUnits: paid - 200 }, paid: { minorUnits: paid - 100 } }]);
  });
});

describe("the option identify", () => {
  const identityOf = async (
    identify: (event: object, found: Identity) => unknown,
    name = "invoice-paid.clover.first",
  ) => {
    const using = stripe({ webhookSecret: SECRET, identify: identify as never });
    const [record] = await recordsOf(using, fixture(name));
    return record?.kind === "event" ? record.identity : record;
  };

  it("is asked with the event and what was found", async () => {
    const asked: unknown[] = [];
    await identityOf((event, found) => {
      asked.push(event, found);
      return undefined;
    });
    expect(asked).toMatchObject([
      { id: "evt_clover_first", data: { object: { id: "in_clover_first" } } },
      { referralId: "ref_42", customerId: "acct_buyer" },
    ]);
  });

  it("keeps what was found with undefined", async () => {
    expect(await identityOf(() => undefined)).toEqual({ referralId: "ref_42", customerId: "acct_buyer" });
  });

  it("completes it, also later", async () => {
    const complete = async (_: object, found: Identity) => ({ ...found, externalUserId: "user_7" });
    expect(await identityOf(complete)).toEqual({
      referralId: "ref_42",
      customerId: "acct_buyer",
      externalUserId: "user_7",
    });
  });

  it("replaces it, with nothing too", async () => {
    expect(await identityOf(() => ({ clickId: "click_1" }))).toEqual({ clickId: "click_1" });
    expect(await identityOf(() => ({}))).toEqual({});
  });

  it.each(["checkout-session.payment", "subscription-created.trialing"])(
    "is asked about every sale and trial: %s",
    async (name) => {
      expect(await identityOf(() => ({ externalUserId: "user_7" }), name)).toEqual({ externalUserId: "user_7" });
    },
  );

  it("names the referral of a link too, or takes it away", async () => {
    for (const name of ["checkout-session.subscription", "subscription-created.active"]) {
      expect(await identityOf(() => ({ referralId: "ref_other" }), name)).toMatchObject({
        kind: "link",
        referralId: "ref_other",
      });
      expect(await identityOf(() => ({}), name)).toMatchObject({ kind: "skip", reason: "no_referral" });
    }
  });

  it("keeps the webhook with Stripe when it throws", async () => {
    const cause = new Error("database is down");
    const throwing = () => {
      throw cause;
    };
    for (const identify of [throwing, () => Promise.reject(cause)]) {
      const error = await failureOf(identityOf(identify));
      expect(error).toMatchObject({ code: "mapping_failed", status: 503, cause });
      expect(error.message).toContain("identify of stripe()");
    }
  });

  it.each([[null], ["cus_ada"], [["cus_ada"]], [true], [7]])(
    "must answer an identity, and answered %j",
    async (answer) => {
      expect((await failureOf(identityOf(() => answer))).code).toBe("mapping_failed");
    },
  );

  it("must answer fields that there are", async () => {
    const error = await failureOf(identityOf(() => ({ userId: "user_7" })));
    expect(error.code).toBe("invalid_event");
    expect(error.message).toContain("userId");
  });
});

describe("the options of stripe()", () => {
  const invalid = (options: object) => {
    try {
      stripe({ webhookSecret: SECRET, ...options });
    } catch (error) {
      expect(error).toMatchObject({ name: "RelayError", code: "invalid_options" });
      expect(String(error)).not.toContain(SECRET);
      return String(error);
    }
    throw new Error("they were taken");
  };

  it("refuses one that nobody reads, and names those that there are", () => {
    const message = invalid({ amounts: "net" });
    for (const name of ["amounts", "amount", "clientReferenceId", "refundsFrom", "webhookSecret", "testMode"]) {
      expect(message).toContain(name);
    }
  });

  it.each([
    ["amount", "brutto"],
    ["amount", 100],
    ["amount", null],
    ["clientReferenceId", "Auto"],
    ["clientReferenceId", true],
    ["refundsFrom", "charges"],
    ["refundsFrom", null],
    ["testMode", true],
    ["testMode", "allow"],
    ["identify", { referralId: "ref_42" }],
    ["name", "a/b"],
    ["name", ""],
    ["events", "all"],
  ])("refuses a wrong %s: %j", (option, value) => {
    const message = invalid({ [option]: value });
    expect(message).toContain(`${option} must be`);
    if (typeof value === "string" && value !== "") expect(message).not.toContain(value);
  });

  it.each([undefined, null, "whsec_alone", [], 42])("must be an object with a webhookSecret: %j", (options) => {
    expect(() => stripe(options as never)).toThrow(/^invalid_options/);
  });

  it("is called stripe, or what you call a second account", () => {
    expect(adapter.name).toBe("stripe");
    expect(stripe({ webhookSecret: SECRET, name: "stripe_eu" }).name).toBe("stripe_eu");
    expect(Object.isFrozen(adapter)).toBe(true);
  });

  it("are read once: changing them later changes nothing", async () => {
    const events: Record<string, () => null> = {};
    const options = { webhookSecret: [SECRET], amount: "net" as "net" | "gross", events };
    const using = stripe(options);
    options.amount = "gross";
    options.webhookSecret.length = 0;
    events["invoice.paid"] = () => null;
    expect(await recordsOf(using, sale())).toEqual(await recordsOf(adapter, sale()));
    await expect(verifyAt(using, request(`t=${NOW_SECONDS},v1=${v1()}`), NOW_MS)).resolves.toEqual(JSON.parse(BODY));
  });
});
