import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import type { WebhookHeaders } from "../../../src/adapter.js";
import {
  createStandardWebhooksVerifier,
  type StandardWebhooksVerification,
} from "../../../src/signing/standard-webhooks.js";
import { failureOf, NOW_MS, NOW_SECONDS, refusalOf } from "../custom/support.js";

// The vector that the reference libraries for JavaScript, Go, C#, Java and PHP share in their tests.
const VECTOR = {
  secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
  timestamp: 1614265330,
  body: '{"test": 2432232314}',
  signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
};
const OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

interface Message {
  readonly id?: string;
  readonly timestamp?: number | string;
  readonly body?: string | Uint8Array;
  readonly signature?: string;
}

function verify(message: Message, options: Partial<StandardWebhooksVerification> = {}, prefix = "webhook") {
  const { id = VECTOR.id, timestamp = VECTOR.timestamp, body = VECTOR.body, signature = VECTOR.signature } = message;
  const headers = {
    [`${prefix}-id`]: id,
    [`${prefix}-timestamp`]: String(timestamp),
    [`${prefix}-signature`]: signature,
  };
  return verifyHeaders(headers, body, options);
}

async function verifyHeaders(
  headers: WebhookHeaders,
  body: string | Uint8Array = VECTOR.body,
  options: Partial<StandardWebhooksVerification> = {},
  nowMs = VECTOR.timestamp * 1000,
) {
  const check = createStandardWebhooksVerifier({
    secrets: [VECTOR.secret],
    encoding: "base64",
    toleranceSeconds: 300,
    ...options,
  });
  await check({ body, headers }, { nowMs });
  return "accepted";
}

function signedBy(secret: string, seconds = VECTOR.timestamp, body = VECTOR.body): string {
  return new Webhook(secret).sign(VECTOR.id, new Date(seconds * 1000), body);
}

describe("a Standard Webhooks signature", () => {
  it("is accepted for the vector of the reference libraries", async () => {
    expect(signedBy(VECTOR.secret)).toBe(VECTOR.signature);
    expect(await verify({})).toBe("accepted");
    expect(await verify({ body: new TextEncoder().encode(VECTOR.body) })).toBe("accepted");
  });

  it("made by the standardwebhooks package is accepted, and one under another secret is not", async () => {
    const body = '{"name":"Žofie 🙂","amount":10.0}';
    const signature = signedBy(VECTOR.secret, VECTOR.timestamp, body);
    expect(await verify({ body, signature })).toBe("accepted");
    expect(await refusalOf(() => verify({ body, signature: signedBy(OTHER_SECRET, VECTOR.timestamp, body) }))).toMatch(
      /no v1 signature in header webhook-signature matches; check that the secret .* encoding is right, .* unchanged$/,
    );
  });

  it("is refused wherever the standardwebhooks package refuses the same message now", async () => {
    const reference = new Webhook(VECTOR.secret);
    const now = Math.floor(Date.now() / 1000);
    for (const [seconds, signature] of [
      [now, signedBy(VECTOR.secret, now)],
      [now - 1000, signedBy(VECTOR.secret, now - 1000)],
      [now + 1000, signedBy(VECTOR.secret, now + 1000)],
      [now, signedBy(OTHER_SECRET, now)],
      [now, `v1a,${signedBy(VECTOR.secret, now).slice(3)}`],
      [now, `v1,AAAA ${signedBy(OTHER_SECRET, now)}`],
    ] as const) {
      const headers = {
        "webhook-id": VECTOR.id,
        "webhook-timestamp": String(seconds),
        "webhook-signature": signature,
      };
      const theirs = outcome(() => reference.verify(VECTOR.body, headers));
      const ours = await verifyHeaders(headers, VECTOR.body, {}, now * 1000).catch(() => "refused");
      expect(ours).toBe(theirs);
    }
  });

  it("is read from svix-id, svix-timestamp and svix-signature as well", async () => {
    expect(await verify({}, {}, "svix")).toBe("accepted");
    expect(await verify({}, {}, "Webhook")).toBe("accepted");
    expect(await refusalOf(() => verify({ id: "msg_other" }, {}, "svix"))).toMatch(/header svix-signature matches/);
  });

  it("is never put together from headers of both families", async () => {
    const svix = {
      "svix-id": VECTOR.id,
      "svix-timestamp": String(VECTOR.timestamp),
      "svix-signature": VECTOR.signature,
    };
    expect(await verifyHeaders(svix)).toBe("accepted");
    // The id headers are looked up in the order webhook-id, svix-id: an unsigned one must not get past the check.
    expect(await refusalOf(() => verifyHeaders({ ...svix, "webhook-id": "msg_forged" }))).toMatch(
      /header webhook-timestamp is missing/,
    );
    for (const part of ["timestamp", "signature"] as const) {
      const mixed = { ...svix, [`webhook-${part}`]: svix[`svix-${part}`] };
      expect(await refusalOf(() => verifyHeaders(mixed))).toMatch(/header webhook-id is missing/);
    }
  });

  it("is found at any place among at most 16", async () => {
    const wrong = signedBy(OTHER_SECRET);
    const fifteen = Array.from({ length: 15 }, () => wrong).join(" ");
    expect(await verify({ signature: `${fifteen} ${VECTOR.signature}` })).toBe("accepted");
    expect(await verify({ signature: `${VECTOR.signature} ${fifteen}` })).toBe("accepted");
    expect(await refusalOf(() => verify({ signature: `${fifteen} ${wrong} ${VECTOR.signature}` }))).toMatch(
      /more than 16 signatures/,
    );
  });

  it("beside a v1a signature is accepted, and v1a or an unknown scheme alone is not", async () => {
    const bare = VECTOR.signature.slice("v1,".length);
    expect(await verify({ signature: `v1a,c2lnbmF0dXJl ${VECTOR.signature}` })).toBe("accepted");
    for (const signature of [`v1a,${bare}`, `v0,${bare}`, `v2,${bare}`, `V1,${bare}`, `v1=${bare}`, bare]) {
      expect(await refusalOf(() => verify({ signature }))).toMatch(/carries no v1 signature/);
    }
  });

  it("that is truncated, lengthened, doubled or not base64 is refused", async () => {
    const { signature } = VECTOR;
    for (const broken of [
      signature.slice(0, -1),
      signature.slice(0, -5),
      `${signature}=`,
      `${signature}A`,
      `${signature}${signature}`,
      `${signature}, ${signature}`,
      signature.replace("+", "-"),
      "v1,",
      "v1",
      "v1,!!!!",
    ]) {
      expect(await refusalOf(() => verify({ signature: broken }))).toMatch(/not base64 of 32 bytes, or came twice/);
    }
  });

  it("has one spelling: other spare bits in its last character are refused", async () => {
    expect(await refusalOf(() => verify({ signature: VECTOR.signature.replace("OE=", "OF=") }))).toMatch(/not base64/);
  });

  it("is refused after any single bit of signature, id, timestamp or body changed", async () => {
    const raw = Buffer.from(VECTOR.signature.slice(3), "base64");
    for (let bit = 0; bit < raw.length * 8; bit++) {
      const flipped = Buffer.from(raw);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await refusalOf(() => verify({ signature: `v1,${flipped.toString("base64")}` }));
    }
    const body = new TextEncoder().encode(VECTOR.body);
    for (let at = 0; at < body.length; at++) {
      const flipped = Uint8Array.from(body, (byte, index) => (index === at ? byte ^ 1 : byte));
      await refusalOf(() => verify({ body: flipped }));
    }
    await refusalOf(() => verify({ id: `${VECTOR.id}x` }));
    await refusalOf(() => verify({ timestamp: VECTOR.timestamp + 1 }));
  });

  it("covers the bytes of the body, not their meaning", async () => {
    await refusalOf(() => verify({ body: '{"test":2432232314}' }));
    await refusalOf(() => verify({ body: `\uFEFF${VECTOR.body}` }));
    const signature = signedBy(VECTOR.secret, VECTOR.timestamp, '{"a":"\uFFFD"}');
    const invalidUtf8 = Uint8Array.from([...Buffer.from('{"a":"'), 0xff, ...Buffer.from('"}')]);
    await refusalOf(() => verify({ body: invalidUtf8, signature }));
  });

  it("is refused one second past the tolerance, in the past and in the future", async () => {
    for (const [seconds, result] of [
      [NOW_SECONDS - 300, "accepted"],
      [NOW_SECONDS - 301, "s old and 300 s are allowed"],
      [NOW_SECONDS + 300, "accepted"],
      [NOW_SECONDS + 301, "s ahead of this machine's clock"],
      [NOW_SECONDS + 86_400, "s ahead of this machine's clock"],
    ] as const) {
      const attempt = () =>
        verifyHeaders(
          {
            "webhook-id": VECTOR.id,
            "webhook-timestamp": String(seconds),
            "webhook-signature": signedBy(VECTOR.secret, seconds),
          },
          VECTOR.body,
          {},
          NOW_MS,
        );
      if (result === "accepted") expect(await attempt()).toBe(result);
      else expect(await refusalOf(attempt)).toContain(result);
    }
  });

  it("with a timestamp that is no number of seconds is refused", async () => {
    for (const timestamp of ["", " ", "abc", "1614265330.0", "1e9", "-1614265330", "+1614265330", "NaN"]) {
      await refusalOf(() => verify({ timestamp }));
    }
    expect(await refusalOf(() => verify({ timestamp: `${VECTOR.timestamp}, ${VECTOR.timestamp}` }))).toMatch(
      /timestamp is not a number/,
    );
  });

  it("without one of the three headers is refused by that header's name", async () => {
    const all = {
      "webhook-id": VECTOR.id,
      "webhook-timestamp": String(VECTOR.timestamp),
      "webhook-signature": VECTOR.signature,
    };
    for (const name of ["webhook-id", "webhook-timestamp", "webhook-signature"]) {
      expect(await refusalOf(() => verifyHeaders({ ...all, [name]: undefined }))).toContain(
        `header ${name} is missing`,
      );
      expect(await refusalOf(() => verifyHeaders({ ...all, [name]: "" }))).toContain(`header ${name} is missing`);
    }
    expect(await refusalOf(() => verifyHeaders({}))).toContain("header webhook-id is missing");
  });

  it("with an id or a header that is too long is refused before anything is computed", async () => {
    const id = "i".repeat(255);
    const signature = new Webhook(VECTOR.secret).sign(id, new Date(VECTOR.timestamp * 1000), VECTOR.body);
    expect(await verify({ id, signature })).toBe("accepted");
    expect(await refusalOf(() => verify({ id: `${id}i` }))).toMatch(/webhook-id is longer than 255/);
    expect(await refusalOf(() => verify({ signature: `${VECTOR.signature} ${"x".repeat(4096)}` }))).toMatch(
      /webhook-signature is longer than 4096/,
    );
  });

  it("never shows the signature, the secret or the body in an error", async () => {
    for (const message of [{ signature: signedBy(OTHER_SECRET) }, { body: "canary" }, { signature: "v1,canary" }]) {
      const text = await refusalOf(() => verify(message));
      expect(text).not.toMatch(/canary|MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw|g0hM9SsE/);
    }
  });
});

describe("a Standard Webhooks secret", () => {
  it("may be one of several during a rotation", async () => {
    const secrets = [OTHER_SECRET, VECTOR.secret];
    expect(await verify({}, { secrets })).toBe("accepted");
    expect(await verify({ signature: signedBy(OTHER_SECRET) }, { secrets })).toBe("accepted");
    await refusalOf(() => verify({ signature: signedBy("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA") }, { secrets }));
  });

  it("is base64 with or without whsec_ before it", async () => {
    expect(await verify({}, { secrets: [VECTOR.secret.slice("whsec_".length)] })).toBe("accepted");
  });

  it("is taken letter by letter, whsec_ included, with the encoding utf8", async () => {
    const secret = "polar_whs_ovyN6cPrTv56AApvzCaJno08SSmGJmgbWilb33N2JuK";
    for (const raw of [secret, VECTOR.secret]) {
      // Polar's SDK hands base64 of the whole text to the standardwebhooks package.
      const signature = signedBy(Buffer.from(raw).toString("base64"));
      expect(await verify({ signature }, { secrets: [raw], encoding: "utf8" })).toBe("accepted");
      await refusalOf(() => verify({}, { secrets: [raw], encoding: "utf8" }));
    }
  });

  it("that is not base64 is refused at once, with a hint at the encoding utf8", async () => {
    for (const secret of ["polar_whs_abc", "whsec_", "whsec_a", "whsec_not base64", "whpk_AAAA"]) {
      const error = await failureOf(() => verify({}, { secrets: [secret] }));
      expect(error.code).toBe("invalid_options");
      expect(error.message).toMatch(/standardWebhooks secret must be base64.*encoding: "utf8"/);
      expect(error.message).not.toContain("abc");
    }
  });
});

function outcome(attempt: () => unknown): "accepted" | "refused" {
  try {
    attempt();
    return "accepted";
  } catch {
    return "refused";
  }
}
