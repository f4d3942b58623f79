import fc from "fast-check";
import Stripe from "stripe";
import { describe, expect, it } from "vitest";
import { stripe } from "../../../adapters/stripe/index.js";
import type { WebhookRequest } from "../../../src/adapter.js";
import { toHex, utf8Bytes } from "../../../src/signing/encoding.js";
import { createHmac } from "../../../src/signing/hmac.js";
import { verifyAt } from "../../helpers/records.js";
import {
  BODY,
  failureOf,
  NOW_MS,
  NOW_SECONDS,
  OTHER_SECRET,
  relayOf,
  request,
  SECRET,
  v1,
  vendorHeader,
} from "./webhook.js";

const adapter = stripe({ webhookSecret: SECRET });
const header = (signature = v1(), timestamp: number | string = NOW_SECONDS) => `t=${timestamp},v1=${signature}`;

/** What the vendor's code says of a request at a given time; throws what it throws. */
const vendorAccepts = (
  body: string | Uint8Array,
  signature: string,
  { nowMs = NOW_MS, toleranceSeconds = 300 } = {},
): unknown => Stripe.webhooks.constructEvent(body as string, signature, SECRET, toleranceSeconds, undefined, nowMs);

const refused = async (
  signature: Parameters<typeof request>[0],
  { body = BODY as string | Uint8Array, nowMs = NOW_MS, using = adapter } = {},
) => {
  const error = await failureOf(verifyAt(using, request(signature, body), nowMs));
  expect(error.code).toBe("signature_invalid");
  return error.message;
};

const accepted = (
  signature: Parameters<typeof request>[0],
  { body = BODY as string | Uint8Array, nowMs = NOW_MS, using = adapter } = {},
) => expect(verifyAt(using, request(signature, body), nowMs)).resolves.toEqual(JSON.parse(BODY));

describe("the signature of a Stripe webhook", () => {
  it("is taken as the vendor's own code makes it", async () => {
    await accepted(vendorHeader());
  });

  it("is taken as node:crypto makes it from the documentation", async () => {
    expect(header()).toBe(vendorHeader());
    await accepted(header());
  });

  it("is accepted by the vendor's code where it was made with our signing", async () => {
    const sign = createHmac("SHA-256", utf8Bytes(SECRET));
    const ours = toHex(await sign(utf8Bytes(`${NOW_SECONDS}.`), utf8Bytes(BODY)));
    expect(vendorAccepts(BODY, header(ours))).toEqual(JSON.parse(BODY));
  });

  it("agrees with the vendor's code on any body and any secret", async () => {
    const secrets = fc.stringMatching(/^[A-Za-z0-9]{8,40}$/).map((text) => `whsec_${text}`);
    await fc.assert(
      fc.asyncProperty(fc.json(), secrets, fc.integer({ min: -300, max: 300 }), async (payload, secret, skew) => {
        const signature = vendorHeader(payload, secret, NOW_SECONDS + skew);
        const answer = await verifyAt(stripe({ webhookSecret: secret }), request(signature, payload), NOW_MS);
        expect(answer).toEqual(JSON.parse(payload));
      }),
      { numRuns: 60 },
    );
  });

  it("covers text and its bytes alike", async () => {
    for (const body of [BODY, new TextEncoder().encode(BODY), Buffer.from(BODY)]) await accepted(header(), { body });
  });

  it("is found whatever the header's case, in a record and in Headers", async () => {
    for (const headers of [{ "Stripe-Signature": header() }, new Headers({ "STRIPE-SIGNATURE": header() })]) {
      await expect(verifyAt(adapter, { body: BODY, headers }, NOW_MS)).resolves.toEqual(JSON.parse(BODY));
    }
  });

  it("may stand at any place among several v1", async () => {
    const other = v1(BODY, OTHER_SECRET);
    for (const list of [`v1=${v1()},v1=${other}`, `v1=${other},v1=${v1()}`, `v1=nonsense,v1=${v1()}`]) {
      await accepted(`t=${NOW_SECONDS},${list}`);
    }
  });

  it("may be made with any of several secrets, as during a rotation", async () => {
    for (const webhookSecret of [
      [SECRET, OTHER_SECRET],
      [OTHER_SECRET, SECRET],
    ]) {
      const using = stripe({ webhookSecret });
      await accepted(header(), { using });
      await accepted(header(v1(BODY, OTHER_SECRET)), { using });
    }
  });

  it("is refused when another secret made it", async () => {
    expect(await refused(header(v1(BODY, OTHER_SECRET)))).toContain("the one secret given");
    const using = stripe({ webhookSecret: [SECRET, `${SECRET}x`] });
    expect(await refused(header(v1(BODY, OTHER_SECRET)), { using })).toContain("any of the 2 secrets");
  });

  it("is made with the whole secret, whsec_ included", async () => {
    await refused(header(v1(BODY, SECRET.slice("whsec_".length))));
  });

  it("counts as v1 only: v0 and other schemes are ignored", async () => {
    for (const scheme of ["v0", "v2", "V1", "v1a", "v11"]) await refused(`t=${NOW_SECONDS},${scheme}=${v1()}`);
    await accepted(`t=${NOW_SECONDS},v1=${v1()},v0=${v1(BODY, OTHER_SECRET)}`);
  });

  it("is refused when any bit of the body differs", async () => {
    const bytes = new TextEncoder().encode(BODY);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (at, bit) => {
        const body = Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ (1 << bit) : byte));
        await refused(header(), { body });
      }),
      { numRuns: 80 },
    );
  });

  it("is refused when any of its own bits differs", async () => {
    const good = Buffer.from(v1(), "hex");
    await fc.assert(
      fc.asyncProperty(fc.nat(31), fc.nat(7), async (at, bit) => {
        const bad = Buffer.from(good);
        bad[at] = (bad[at] ?? 0) ^ (1 << bit);
        await refused(header(bad.toString("hex")));
      }),
      { numRuns: 80 },
    );
  });

  it("is refused when another timestamp stands beside it, though it is recent", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -300, max: 300 }), async (skew) => {
        fc.pre(skew !== 0);
        await refused(header(v1(), NOW_SECONDS + skew));
      }),
      { numRuns: 40 },
    );
    await refused(header(v1(), `0${NOW_SECONDS}`));
  });

  it("is refused under a secret that differs in one character", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 6, max: SECRET.length - 1 }), async (at) => {
        const changed = SECRET[at] === "A" ? "B" : "A";
        const webhookSecret = SECRET.slice(0, at) + changed + SECRET.slice(at + 1);
        await refused(header(), { using: stripe({ webhookSecret }) });
      }),
      { numRuns: 30 },
    );
  });

  it("is refused when bytes were replaced that the vendor's code can't tell apart", async () => {
    const signed = '{"id":"evt_1","name":"\uFFFD"}';
    const [before = "", after = ""] = signed.split("\uFFFD");
    const body = Buffer.concat([Buffer.from(before), Buffer.from([0xff]), Buffer.from(after)]);
    expect(vendorAccepts(body, vendorHeader(signed))).toEqual(JSON.parse(signed));
    await refused(vendorHeader(signed), { body });
  });

  it("is refused when it is not 64 hexadecimal digits", async () => {
    const good = v1();
    for (const bad of [
      ...[good.slice(0, 63), good.slice(0, 62), good.slice(0, 32), `${good}0`, `${good}00`, `00${good}`],
      ...[
        `x${good}`,
        `${good}x`,
        `"${good}"`,
        `0x${good}`,
        `${good.slice(0, 63)}g`,
        `${good.slice(0, 32)} ${good.slice(32)}`,
      ],
      ...["", " ", "=", "undefined", `${good}\u0000`, `${good.slice(0, 63)}٣`],
    ]) {
      expect(await refused(header(bad))).toContain("64 hexadecimal digits");
    }
  });

  it("may be written in capitals, since the bytes are the same", async () => {
    await accepted(header(v1().toUpperCase()));
  });

  it("may have spaces around its parts, and none within", async () => {
    await accepted(` t=${NOW_SECONDS} , v1=${v1()} `);
    for (const spelling of [
      `t=${NOW_SECONDS},v1 =${v1()}`,
      `t=${NOW_SECONDS},v1= ${v1()}`,
      `t= ${NOW_SECONDS},v1=${v1()}`,
    ]) {
      await refused(spelling);
    }
  });
});

describe("the header Stripe-Signature", () => {
  it("must be there and say something", async () => {
    expect(await refused(undefined)).toContain("Stripe-Signature is missing");
    for (const nothing of ["", [], [""]]) await refused(nothing);
  });

  it("must have a timestamp and a v1", async () => {
    for (const nonsense of [
      ...[v1(), `v1=${v1()}`, `t=${NOW_SECONDS}`, `t=${NOW_SECONDS},`, ",", "=", "t=,v1=", `t,v1=${v1()}`],
      ...[`t=${NOW_SECONDS};v1=${v1()}`, `{"t":${NOW_SECONDS},"v1":"${v1()}"}`],
    ]) {
      await refused(nonsense);
    }
  });

  it("must have one timestamp: which of two was signed is not the sender's to choose", async () => {
    const twice = `t=${NOW_SECONDS},${header()}`;
    expect(vendorAccepts(BODY, twice)).toEqual(JSON.parse(BODY));
    expect(await refused(twice)).toContain("timestamps");
    await refused(`${header()},t=${NOW_SECONDS + 1}`);
  });

  it("is refused when it came twice, in a list or joined", async () => {
    await refused([header(), header()]);
    await refused(`${header()}, ${header()}`);
    const headers = new Headers();
    headers.append("stripe-signature", header());
    headers.append("stripe-signature", header());
    expect((await failureOf(verifyAt(adapter, { body: BODY, headers }, NOW_MS))).code).toBe("signature_invalid");
  });

  it("may be a list of one", async () => {
    await accepted([header()]);
  });

  it.each(["", "abc", "1e9", "1760000100.0", "-1760000100", "+1760000100", "0x68e77a34", "NaN", "17600001000000"])(
    "must have unix seconds for a timestamp: %j",
    async (timestamp) => {
      await refused(header(v1(BODY, SECRET, timestamp), timestamp));
    },
  );

  it("may be 4096 characters long and no longer", async () => {
    const padded = (length: number) => `${header()},x=`.padEnd(length, "y");
    await accepted(padded(4096));
    expect(await refused(padded(4097))).toContain("4096");
  });

  it("may have 16 signatures and no more", async () => {
    const many = (count: number) => `t=${NOW_SECONDS}${`,v1=${v1(BODY, OTHER_SECRET)}`.repeat(count - 1)},v1=${v1()}`;
    await accepted(many(16));
    expect(await refused(many(17))).toContain("16");
  });

  it("never shows in an error message, nor does the body or the secret", async () => {
    const message = await refused(header(v1(BODY, OTHER_SECRET)));
    for (const shown of [v1(BODY, OTHER_SECRET), v1(), SECRET, "evt_1", "customer.created"]) {
      expect(message).not.toContain(shown);
    }
  });
});

describe("the age of a Stripe signature", () => {
  const later = (seconds: number) => NOW_MS + seconds * 1000;

  it("may be 300 seconds, to the last millisecond", async () => {
    await accepted(header(), { nowMs: later(300) });
    await accepted(header(), { nowMs: later(300) + 999 });
    await accepted(header(), { nowMs: later(-300) });
  });

  it("may not be 301 seconds, as in the vendor's code", async () => {
    expect(await refused(header(), { nowMs: later(301) })).toContain("301 s old");
    expect(() => vendorAccepts(BODY, header(), { nowMs: later(301) })).toThrow(/tolerance/);
  });

  it("may not lie 301 seconds in the future, which the vendor's code accepts", async () => {
    expect(await refused(header(), { nowMs: later(-301) })).toContain("301 s ahead");
    expect(vendorAccepts(BODY, header(), { nowMs: later(-301) })).toEqual(JSON.parse(BODY));
    expect(vendorAccepts(BODY, header(), { nowMs: later(-365 * 86_400) })).toEqual(JSON.parse(BODY));
    await refused(header(), { nowMs: later(-365 * 86_400) });
  });

  it("is limited by toleranceSeconds in both directions", async () => {
    const using = stripe({ webhookSecret: SECRET, toleranceSeconds: 10 });
    await accepted(header(), { using, nowMs: later(10) });
    await accepted(header(), { using, nowMs: later(-10) });
    await refused(header(), { using, nowMs: later(11) });
    await refused(header(), { using, nowMs: later(-11) });
  });

  it("must be the very second where toleranceSeconds is 0, which turns the check off in the vendor's code", async () => {
    const using = stripe({ webhookSecret: SECRET, toleranceSeconds: 0 });
    await accepted(header(), { using });
    await accepted(header(), { using, nowMs: NOW_MS + 999 });
    await refused(header(), { using, nowMs: later(1) });
    await refused(header(), { using, nowMs: later(-1) });
    expect(vendorAccepts(BODY, header(), { nowMs: later(1e6), toleranceSeconds: 0 })).toEqual(JSON.parse(BODY));
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, "300", null])("can't be limited by %j", (toleranceSeconds) => {
    expect(() => stripe({ webhookSecret: SECRET, toleranceSeconds: toleranceSeconds as number })).toThrow(
      /^invalid_options: toleranceSeconds/,
    );
  });
});

describe("a signed body", () => {
  const malformed = async (body: string | Uint8Array) => {
    const error = await failureOf(verifyAt(adapter, request(header(v1(body)), body), NOW_MS));
    expect(error.code).toBe("malformed_payload");
    return error.message;
  };

  it("must be JSON", async () => {
    for (const body of ["", "not json", "{", '{"a":1}}', "id=evt_1&customer=cus_topsecret", "undefined"]) {
      expect(await malformed(body)).not.toContain("topsecret");
    }
  });

  it("must be UTF-8", async () => {
    await malformed(Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xff]), Buffer.from('"}')]));
    await malformed(Buffer.from(BODY, "utf16le"));
  });

  it("must not begin with a byte order mark", async () => {
    await malformed(Buffer.from(`\uFEFF${BODY}`));
    await malformed(`\uFEFF${BODY}`);
  });

  it("is not looked at before the signature", async () => {
    await refused(header(), { body: "not json" });
  });
});

describe("a body that is neither bytes nor text", () => {
  it.each<[string, unknown, string]>([
    ["a parsed object", JSON.parse(BODY), "an object"],
    ["a parsed list", [JSON.parse(BODY)], "an array"],
    ["an ArrayBuffer", new TextEncoder().encode(BODY).buffer, "an object"],
    ["null", null, "null"],
    ["nothing", undefined, "undefined"],
    ["a number", 7, "a number"],
  ])("can't be verified, and the message says what to hand over: %s", async (_, body, what) => {
    const parsed = { body, headers: { "stripe-signature": header() } } as WebhookRequest;
    const attempts = [verifyAt(adapter, parsed, NOW_MS), relayOf(adapter).receive("stripe", parsed)];
    for (const attempt of attempts) {
      const error = await failureOf(attempt);
      expect(error).toMatchObject({ code: "body_already_parsed", status: 500, retryable: false });
      expect(error.message).toContain(`got ${what}:`);
      expect(error.message).toMatch(/the body must be the raw bytes or text.*express\.raw\(\)/);
      expect(error.message).not.toContain("evt_1");
    }
  });

  it("may be read late, and is refused just so", async () => {
    const late = { body: async () => JSON.parse(BODY), headers: { "stripe-signature": header() } };
    expect((await failureOf(relayOf(adapter).receive("stripe", late))).code).toBe("body_already_parsed");
  });
});

describe("the webhookSecret of stripe()", () => {
  const message = (webhookSecret: unknown): string => {
    try {
      stripe({ webhookSecret: webhookSecret as string });
    } catch (error) {
      expect(error).toMatchObject({ name: "RelayError", code: "invalid_options" });
      return String(error);
    }
    throw new Error("it was taken");
  };

  it.each([
    ["sk_test_51Hxyzzy", "an API key"],
    ["sk_live_51Hxyzzy", "an API key"],
    ["rk_live_51Hxyzzy", "an API key"],
    ["pk_live_51Hxyzzy", "a publishable key"],
    ["we_1Hxyzzy", "the endpoint's id"],
  ])("is not %s, and the message says what it is and not the value", (webhookSecret, what) => {
    for (const given of [webhookSecret, [SECRET, webhookSecret]]) {
      const text = message(given);
      expect(text).toContain(what);
      expect(text).toContain("whsec_");
      expect(text).not.toContain("xyzzy");
      expect(text).not.toContain(SECRET);
    }
  });

  it.each([` ${SECRET}`, `${SECRET}\n`, `\t${SECRET}`, " ", "\n"])(
    "has no white space around it: %j",
    (webhookSecret) => {
      const text = message(webhookSecret);
      expect(text).toContain("white space");
      expect(text).not.toContain("fixture");
    },
  );

  it.each([[undefined], [null], [""], [[]], [[""]], [[SECRET, ""]], [42], [{}], [[[SECRET]]]])(
    "is text or a list of texts, never %j",
    (webhookSecret) => {
      const text = message(webhookSecret);
      expect(text).toMatch(/webhookSecret(\[\d\])? of stripe\(\) must be/);
      expect(text).not.toContain("fixture");
    },
  );
});
