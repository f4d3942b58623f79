// Compiled by tsc and never run: what the types of affonso-relay/custom promise.
import { type } from "arktype";
import * as v from "valibot";
import * as z from "zod";
import {
  type CustomRecord,
  custom,
  hmacSha256,
  type NormalizeContext,
  staticHeader,
  unsafeNoVerification,
  type WebhookAdapter,
} from "../../adapters/custom/index.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectTrue<_T extends true>(): void {}

const verify = unsafeNoVerification();
const lead = { type: "lead", name: "signed_up", identity: { externalUserId: "usr_1" } } as const;

// The schema's output types normalize, its input types receiveVerified, and the name stays a literal.
const billing = custom({
  name: "billing",
  verify: hmacSha256({ header: "x-signature", secret: ["new", "old"] }),
  schema: z.object({
    id: z.string(),
    at: z.pipe(
      z.string(),
      z.transform((text) => new Date(text)),
    ),
  }),
  normalize(payload, context) {
    expectTrue<Equal<typeof payload, { id: string; at: Date }>>();
    expectTrue<Equal<typeof context, NormalizeContext>>();
    // @ts-expect-error the schema knows no such field
    void payload.missing;
    return { ...lead, externalEventId: payload.id, occurredAt: payload.at };
  },
});
expectTrue<Equal<typeof billing, WebhookAdapter<"billing", { id: string; at: string }>>>();

custom({
  name: "valibot",
  verify,
  schema: v.object({ amount: v.number() }),
  normalize(payload) {
    expectTrue<Equal<typeof payload, { amount: number }>>();
    return null;
  },
});

custom({
  name: "arktype",
  verify,
  schema: type({ amount: "number" }),
  async normalize(payload) {
    expectTrue<Equal<typeof payload, { amount: number }>>();
    return [lead, { kind: "link", referralId: "ref_1", references: { customer: "cus_1" } }];
  },
});

const schema = z.object({ id: z.string() });

// A refund may leave its id to the verifier's id header.
custom({
  name: "refunds",
  verify,
  schema,
  normalize: ({ id }) => ({ kind: "refund", businessKey: id, amount: { minorUnits: 100, currency: "EUR" } }),
});

// @ts-expect-error a wrong event type
custom({ name: "a", verify, schema, normalize: () => ({ type: "sale", name: "paid", identity: {} }) });

// @ts-expect-error a misspelt field that is needed
custom({ name: "b", verify, schema, normalize: () => ({ type: "lead", eventName: "x", identity: {} }) });

// TypeScript does not look for surplus fields in what a callback answers; with satisfies it does.
// @ts-expect-error a misspelt field that may be absent
void ({ type: "lead", name: "x", identity: {}, externalEventID: "1" } satisfies CustomRecord);

// @ts-expect-error a misspelt field, also in an async function and one level down
custom({ name: "b", verify, schema, normalize: async () => [{ type: "lead", name: "x", identity: { userId: "1" } }] });

// @ts-expect-error a misspelt field of the identity
custom({ name: "c", verify, schema, normalize: () => ({ type: "lead", name: "x", identity: { customerID: "1" } }) });

// @ts-expect-error an amount is an object of minor units
custom({ name: "d", verify, schema, normalize: () => ({ ...lead, type: "conversion", sale: 19.99 }) });

custom({
  name: "paid",
  verify,
  schema,
  normalize: ({ id }) => ({
    ...lead,
    type: "conversion",
    externalEventId: id,
    sale: { minorUnits: 1000, currency: "EUR" },
    paid: { minorUnits: 1190, currency: "EUR" },
  }),
});

// @ts-expect-error what was paid is an object of minor units as well
custom({ name: "d", verify, schema, normalize: () => ({ ...lead, type: "conversion", paid: 11.9 }) });

// @ts-expect-error an unknown interval
custom({ name: "e", verify, schema, normalize: () => ({ ...lead, interval: "weekly" }) });

// @ts-expect-error nothing to send is null; undefined may be a forgotten return
custom({ name: "f", verify, schema, normalize: () => undefined });

// @ts-expect-error the factory itself is no verifier
custom({ name: "g", verify: hmacSha256, schema, normalize: () => null });

// @ts-expect-error a function must answer true; a path that answers nothing would be a hole
custom({ name: "h", verify: () => {}, schema, normalize: () => null });

custom({ name: "i", verify: async (request) => request.body.length > 0, schema, normalize: () => null });

// @ts-expect-error an unknown encoding
hmacSha256({ header: "x-signature", secret: "abc", encoding: "base64url" });

// @ts-expect-error a misspelt option
staticHeader({ header: "authorization", values: ["abc"] });
