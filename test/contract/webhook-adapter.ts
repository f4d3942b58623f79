import { describe, expect, it } from "vitest";
import type { WebhookAdapter, WebhookHeaders } from "../../src/adapter.js";
import { isRelayError } from "../../src/errors.js";
import type { RelayRecord } from "../../src/event.js";
import { recordsOf, verifyAt } from "../helpers/records.js";

/** One provider's adapter, and its webhooks as the provider would send them. */
export interface AdapterUnderTest {
  /** Made with this one secret, or these. */
  make(secret: string | readonly string[]): WebhookAdapter<string, never>;
  /** Two secrets such as the provider hands out. */
  readonly secrets: readonly [string, string];
  /** The headers of a webhook, signed at this time: by the vendor's own code, or by node:crypto from its documentation. */
  sign(body: string, secret: string, atSeconds: number): Readonly<Record<string, string>>;
  /** The header that carries the signature, in lower case. */
  readonly signatureHeader: string;
  /** Whether the signature covers a time. */
  readonly hasTimestamp: boolean;
  /** A webhook of a sale: 29.00 USD paid by a customer whom the referral `ref_ada` brought. Each id is another webhook. */
  sale(webhookId: string): object;
  /** A webhook of a type that nobody has heard of; undefined where a source has but one type. */
  readonly unknown: object | undefined;
  /** Whether a sale that two webhooks tell of is known by a business key of its own. */
  readonly hasBusinessKey: boolean;
}

const NOW_SECONDS = 1_772_442_933;

/** What every adapter must do, whatever the provider; what is particular to one has tests of its own. */
export function describeWebhookAdapter(
  name: string,
  { make, secrets, sign, signatureHeader, hasTimestamp, sale, unknown, hasBusinessKey }: AdapterUnderTest,
): void {
  const [secret, other] = secrets;
  const adapter = make(secret);

  const verify = (body: string | Uint8Array, headers: WebhookHeaders, of = adapter) =>
    verifyAt(of, { body, headers }, NOW_SECONDS * 1000);
  const signed = (payload: object, by = secret, atSeconds = NOW_SECONDS) => {
    const body = JSON.stringify(payload);
    return { body, headers: sign(body, by, atSeconds) };
  };
  const records = (payload: object, headers: WebhookHeaders = {}): Promise<RelayRecord[]> =>
    recordsOf(adapter, payload as never, headers);
  const codeOf = async (attempt: Promise<unknown>) => {
    const error: unknown = await attempt.then(
      () => undefined,
      (reason) => reason,
    );
    if (error !== undefined && !isRelayError(error)) throw error;
    return error?.code ?? "taken";
  };

  describe(`the adapter contract, by ${name}`, () => {
    it("takes what the provider has signed, as bytes and as text", async () => {
      const payload = { ...sale("evt_1"), note: "Zoë 💶" };
      const { body, headers } = signed(payload);
      expect(await verify(body, headers)).toEqual(payload);
      expect(await verify(new TextEncoder().encode(body), headers)).toEqual(payload);
    });

    it("finds its header in any case, in a record and in Headers", async () => {
      const { body, headers } = signed(sale("evt_1"));
      const shouting = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key.toUpperCase(), value]));
      expect(await codeOf(verify(body, shouting))).toBe("taken");
      expect(await codeOf(verify(body, new Headers(headers)))).toBe("taken");
    });

    it("takes any of several secrets, as during a rotation", async () => {
      const rotating = make([other, secret]);
      for (const by of secrets) {
        const { body, headers } = signed(sale("evt_1"), by);
        expect(await codeOf(verify(body, headers, rotating))).toBe("taken");
      }
    });

    it.each<[string, (headers: Readonly<Record<string, string>>) => WebhookHeaders]>([
      ["is missing", ({ [signatureHeader]: _, ...rest }) => rest],
      ["is empty", (headers) => ({ ...headers, [signatureHeader]: "" })],
      ["is cut off", (headers) => ({ ...headers, [signatureHeader]: `${headers[signatureHeader]}`.slice(0, -8) })],
      ["has letters from elsewhere", (headers) => ({ ...headers, [signatureHeader]: "💶".repeat(64) })],
      ["is endless", (headers) => ({ ...headers, [signatureHeader]: "a=b,".repeat(20_000) })],
    ])("refuses a signature that %s", async (_what, changed) => {
      const { body, headers } = signed(sale("evt_1"));
      expect(await codeOf(verify(body, changed(headers)))).toBe("signature_invalid");
    });

    it("refuses a signature that came twice", async () => {
      const { body, headers } = signed(sale("evt_1"));
      const value = `${headers[signatureHeader]}`;
      for (const doubled of [[value, value], `${value}, ${value}`]) {
        expect(await codeOf(verify(body, { ...headers, [signatureHeader]: doubled }))).toBe("signature_invalid");
      }
    });

    it("refuses another secret, and a body that differs in one byte", async () => {
      const { body, headers } = signed(sale("evt_1"));
      expect(await codeOf(verify(body, sign(body, other, NOW_SECONDS)))).toBe("signature_invalid");
      for (const changed of [`${body} `, body.slice(0, -1), body.replace("2900", "2901"), ""]) {
        expect(await codeOf(verify(changed, headers))).toBe("signature_invalid");
      }
    });

    if (hasTimestamp) {
      it("bounds the time of a signature in both directions", async () => {
        for (const [away, code] of [
          [-301, "signature_invalid"],
          [-299, "taken"],
          [299, "taken"],
          [301, "signature_invalid"],
        ] as const) {
          const { body, headers } = signed(sale("evt_1"), secret, NOW_SECONDS + away);
          expect([away, await codeOf(verify(body, headers))]).toEqual([away, code]);
        }
      });
    }

    it("refuses a signed body that is not JSON, and one that was parsed before it", async () => {
      for (const body of ["not json", "\ufeff{}", ""]) {
        expect(await codeOf(verify(body, sign(body, secret, NOW_SECONDS)))).toBe("malformed_payload");
      }
      const { body, headers } = signed(sale("evt_1"));
      expect(await codeOf(verify(JSON.parse(body), headers))).toBe("body_already_parsed");
    });

    it("makes one conversion of a sale, under the upstream webhook's id", async () => {
      const { headers } = signed(sale("evt_1"));
      const events = (await records(sale("evt_1"), headers)).filter(({ kind }) => kind === "event");
      expect(events).toMatchObject([
        {
          type: "conversion",
          source: adapter.name,
          externalEventId: "evt_1",
          identity: { referralId: "ref_ada" },
          sale: { minorUnits: 2900, currency: "USD" },
        },
      ]);
    });

    it("says the same of the same payload, and leaves it as it was", async () => {
      const payload = sale("evt_1");
      const before = structuredClone(payload);
      expect(await records(payload)).toEqual(await records(payload));
      expect(payload).toEqual(before);
    });

    if (hasBusinessKey) {
      it("knows a sale again that another webhook tells of", async () => {
        const keyOf = async (webhookId: string) =>
          (await records(sale(webhookId))).flatMap((record) => (record.kind === "event" ? [record.businessKey] : []));
        const [first] = await keyOf("evt_1");
        expect(first).toEqual(expect.any(String));
        expect(await keyOf("evt_2")).toEqual([first]);
      });
    }

    if (unknown !== undefined) {
      it("has nothing to send for a type of webhook that it does not know", async () => {
        expect((await records(unknown)).filter(({ kind }) => kind !== "skip")).toEqual([]);
      });
    }

    it("takes a payload apart without falling over: what is missing or of another type is the sender's fault", async () => {
      for (const payload of mutilated(sale("evt_1"))) {
        expect(["taken", "malformed_payload", "invalid_event"]).toContain(await codeOf(records(payload)));
      }
      for (const payload of [null, undefined, 7, "text", [], true]) {
        expect(await codeOf(records(payload as never))).toBe("malformed_payload");
      }
    });

    it.each([undefined, null, "", [], [""], 7, {}])("can't be made with the secret %j", (wrong) => {
      expect(() => make(wrong as never)).toThrow(/invalid_options/);
    });
  });
}

/** The payload again and again, each time with one of its fields gone or made something else. */
function* mutilated(payload: object): Generator<object> {
  const text = JSON.stringify(payload);
  for (const path of pathsOf(payload)) {
    for (const value of [undefined, null, {}, [], "", -1, Number.MAX_SAFE_INTEGER + 2, "\u0000", "x".repeat(300)]) {
      const copy: object = JSON.parse(text);
      const parent = path.slice(0, -1).reduce<object>((at, key) => Reflect.get(at, key), copy);
      Reflect.set(parent, path.at(-1) ?? "", value);
      yield copy;
    }
  }
}

function pathsOf(value: unknown, path: readonly string[] = []): string[][] {
  const here = path.length === 0 ? [] : [[...path]];
  if (typeof value !== "object" || value === null) return here;
  return [...here, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))];
}
