import { describe, expect, it } from "vitest";
import { type HmacOptions, hmacSha256, hmacSha512 } from "../../../adapters/custom/index.js";
import { check, NOW_MS, NOW_SECONDS, nodeHmac, optionErrorOf, refusalOf } from "./support.js";

const SECRET = "correct-horse-battery";
const BODY = '{"id":"evt_1","name":"Žofie","amount":10.0}';
const SIGNATURE = nodeHmac("sha256", SECRET, BODY);
const verifier = (options: Partial<HmacOptions> = {}) =>
  hmacSha256({ header: "x-signature", secret: SECRET, ...options });
const signed = (signature: string) => ({ "x-signature": signature });

describe("hmacSha256", () => {
  it("accepts the HMAC of test case 2 in RFC 4231", async () => {
    const signature = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    const body = "what do ya want for nothing?";
    expect(await check(hmacSha256({ header: "x-signature", secret: "Jefe" }), signed(signature), body)).toBe(
      "accepted",
    );
  });

  it("accepts what node:crypto signed, as text, as bytes, and through a Headers object", async () => {
    expect(await check(verifier(), signed(SIGNATURE), BODY)).toBe("accepted");
    expect(await check(verifier(), signed(SIGNATURE), Buffer.from(BODY))).toBe("accepted");
    expect(await check(verifier(), new Headers({ "X-Signature": SIGNATURE }), BODY)).toBe("accepted");
  });

  it("refuses what was signed with another secret or for another body", async () => {
    const forged = signed(nodeHmac("sha256", "another-secret", BODY));
    expect(await refusalOf(() => check(verifier(), forged, BODY))).toMatch(
      /no signature in header x-signature matches/,
    );
    await refusalOf(() => check(verifier(), signed(SIGNATURE), `${BODY} `));
    await refusalOf(() => check(verifier(), signed(SIGNATURE), JSON.stringify(JSON.parse(BODY))));
  });

  it("refuses a signature after any single bit of it changed", async () => {
    for (let bit = 0; bit < 256; bit++) {
      const flipped = Buffer.from(SIGNATURE, "hex");
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await refusalOf(() => check(verifier(), signed(flipped.toString("hex")), BODY));
    }
  });

  it("takes hex in either case", async () => {
    expect(await check(verifier(), signed(SIGNATURE.toUpperCase()), BODY)).toBe("accepted");
  });

  it("refuses hex that is truncated, lengthened, doubled, empty among others or no hex", async () => {
    for (const broken of [
      SIGNATURE.slice(0, -2),
      SIGNATURE.slice(0, -1),
      `${SIGNATURE}00`,
      SIGNATURE + SIGNATURE,
      `${SIGNATURE}, ${SIGNATURE}`,
      `${SIGNATURE},`,
      `0x${SIGNATURE}`,
      `${SIGNATURE.slice(0, -2)}zz`,
      Buffer.from(SIGNATURE, "hex").toString("base64"),
    ]) {
      expect(await refusalOf(() => check(verifier(), signed(broken), BODY))).toMatch(
        /something else than hex of 32 bytes/,
      );
    }
  });

  it("refuses a header that came twice, however the framework shows it", async () => {
    const headers = new Headers();
    headers.append("x-signature", SIGNATURE);
    headers.append("x-signature", SIGNATURE);
    await refusalOf(() => check(verifier(), headers, BODY));
    await refusalOf(() => check(verifier(), { "x-signature": [SIGNATURE, SIGNATURE] }, BODY));
  });

  it("refuses a missing header by its name, and one of more than 4096 characters", async () => {
    expect(await refusalOf(() => check(verifier(), {}, BODY))).toMatch(/header x-signature is missing/);
    expect(await refusalOf(() => check(verifier(), signed(""), BODY))).toMatch(/header x-signature is missing/);
    expect(await refusalOf(() => check(verifier(), signed("a".repeat(4098)), BODY))).toMatch(/longer than 4096/);
  });

  it("accepts a signature under any of several secrets", async () => {
    const rotating = verifier({ secret: ["new-secret", SECRET] });
    expect(await check(rotating, signed(SIGNATURE), BODY)).toBe("accepted");
    expect(await check(rotating, signed(nodeHmac("sha256", "new-secret", BODY)), BODY)).toBe("accepted");
    await refusalOf(() => check(rotating, signed(nodeHmac("sha256", "old-secret", BODY)), BODY));
  });

  it("finds the right one among at most 16 signatures with commas between them", async () => {
    const other = nodeHmac("sha256", "another-secret", BODY);
    const fifteen = Array.from({ length: 15 }, () => other).join(",");
    expect(await check(verifier(), signed(`${fifteen},${SIGNATURE}`), BODY)).toBe("accepted");
    expect(await check(verifier(), signed(`${SIGNATURE},${fifteen}`), BODY)).toBe("accepted");
    await refusalOf(() => check(verifier(), signed(fifteen), BODY));
    expect(await refusalOf(() => check(verifier(), signed(`${fifteen},${other},${SIGNATURE}`), BODY))).toMatch(
      /more than 16/,
    );
  });

  it("takes the signature after its prefix, and refuses it without or with another one", async () => {
    const github = verifier({ header: "x-hub-signature-256", prefix: "sha256=" });
    expect(await check(github, { "x-hub-signature-256": `sha256=${SIGNATURE}` }, BODY)).toBe("accepted");
    for (const wrong of [SIGNATURE, `sha1=${SIGNATURE}`, `SHA256=${SIGNATURE}`, `sha256= ${SIGNATURE}`, "sha256="]) {
      await refusalOf(() => check(github, { "x-hub-signature-256": wrong }, BODY));
    }
    expect(await refusalOf(() => check(github, { "x-hub-signature-256": SIGNATURE }, BODY))).toMatch(
      /header x-hub-signature-256 carries a signature without sha256= before it/,
    );
    await refusalOf(() => check(verifier(), signed(`sha256=${SIGNATURE}`), BODY));
  });

  it("takes base64 strictly", async () => {
    const shopify = verifier({ header: "x-shopify-hmac-sha256", encoding: "base64" });
    const right = nodeHmac("sha256", SECRET, BODY, "base64");
    const header = (value: string) => ({ "x-shopify-hmac-sha256": value });
    expect(await check(shopify, header(right), BODY)).toBe("accepted");
    for (const broken of [right.slice(0, -1), `${right}=`, right.slice(0, -4), `${right}${right}`, "=", SIGNATURE]) {
      expect(await refusalOf(() => check(shopify, header(broken), BODY))).toMatch(/than base64 of 32 bytes/);
    }
  });

  it("gives a base64 signature one spelling only", async () => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const right = nodeHmac("sha256", SECRET, BODY, "base64");
    const spare = alphabet[alphabet.indexOf(right[42] ?? "") + 1];
    const other = `${right.slice(0, 42)}${spare}=`;
    expect(Buffer.from(other, "base64")).toEqual(Buffer.from(right, "base64"));
    await refusalOf(() => check(verifier({ encoding: "base64" }), signed(other), BODY));
  });

  it("reads the secret's text as its bytes, as base64 or as hex", async () => {
    const key = Buffer.from("00ff10a0b0c0d0e0f0112233445566778899aabb", "hex");
    const signature = signed(nodeHmac("sha256", key, BODY));
    const base64 = verifier({ secret: key.toString("base64"), secretEncoding: "base64" });
    const hex = verifier({ secret: key.toString("hex"), secretEncoding: "hex" });
    expect(await check(base64, signature, BODY)).toBe("accepted");
    expect(await check(hex, signature, BODY)).toBe("accepted");
    await refusalOf(() => check(verifier({ secret: key.toString("hex") }), signature, BODY));
  });

  it("never shows the signature, the secret or the body in an error", async () => {
    for (const value of [SIGNATURE.replace(/^../, "00"), "canary", `sha256=${SIGNATURE}`]) {
      const message = await refusalOf(() => check(verifier({ prefix: "" }), signed(value), "canary body"));
      expect(message).not.toMatch(/canary|correct-horse/);
      expect(message).not.toContain(SIGNATURE.slice(2, 10));
    }
  });
});

describe("hmacSha512", () => {
  const paystack = hmacSha512({ header: "x-paystack-signature", secret: "sk_live_paystack" });
  const right = nodeHmac("sha512", "sk_live_paystack", BODY);

  it("accepts what node:crypto signed with SHA-512, and refuses SHA-256 and halves", async () => {
    expect(await check(paystack, { "x-paystack-signature": right }, BODY)).toBe("accepted");
    for (const wrong of [nodeHmac("sha256", "sk_live_paystack", BODY), right.slice(0, 64), `${right}00`]) {
      expect(await refusalOf(() => check(paystack, { "x-paystack-signature": wrong }, BODY))).toMatch(
        /hex of 64 bytes/,
      );
    }
  });

  it("takes the options of hmacSha256", async () => {
    const options = { header: "x-signature", secret: "abc", encoding: "base64", prefix: "v1=" } as const;
    const signature = `v1=${nodeHmac("sha512", "abc", BODY, "base64")}`;
    expect(await check(hmacSha512(options), signed(signature), BODY)).toBe("accepted");
  });
});

describe("an HMAC over a timestamp and the body", () => {
  const timestamp = { header: "x-timestamp" };
  const at = (time: number | string, separator = ".") => ({
    "x-timestamp": String(time),
    "x-signature": nodeHmac("sha256", SECRET, `${time}${separator}${BODY}`),
  });

  it("accepts seconds up to 300 s in both directions, and no second more", async () => {
    const stamped = verifier({ timestamp });
    for (const offset of [-300, -1, 0, 1, 300]) {
      expect(await check(stamped, at(NOW_SECONDS + offset), BODY)).toBe("accepted");
    }
    expect(await refusalOf(() => check(stamped, at(NOW_SECONDS - 301), BODY))).toMatch(/301 s old/);
    expect(await refusalOf(() => check(stamped, at(NOW_SECONDS + 301), BODY))).toMatch(/301 s ahead/);
  });

  it("accepts milliseconds where they are asked for", async () => {
    const stamped = verifier({ timestamp: { ...timestamp, unit: "ms" } });
    for (const offset of [-300_000, 0, 999, 300_000]) {
      expect(await check(stamped, at(NOW_MS + offset), BODY)).toBe("accepted");
    }
    expect(await refusalOf(() => check(stamped, at(NOW_MS - 301_000), BODY))).toMatch(/301 s old/);
    expect(await refusalOf(() => check(stamped, at(NOW_MS + 301_000), BODY))).toMatch(/301 s ahead/);
    await refusalOf(() => check(stamped, at(NOW_SECONDS), BODY));
    await refusalOf(() => check(verifier({ timestamp }), at(NOW_MS), BODY));
  });

  it("signs with the separator that was chosen", async () => {
    const stamped = verifier({ timestamp: { ...timestamp, separator: ":" } });
    expect(await check(stamped, at(NOW_SECONDS, ":"), BODY)).toBe("accepted");
    await refusalOf(() => check(stamped, at(NOW_SECONDS, "."), BODY));
    const none = verifier({ timestamp: { ...timestamp, separator: "" } });
    expect(await check(none, at(NOW_SECONDS, ""), BODY)).toBe("accepted");
  });

  it("keeps to its own tolerance, 0 included", async () => {
    const exact = verifier({ timestamp: { ...timestamp, toleranceSeconds: 0 } });
    expect(await check(exact, at(NOW_SECONDS), BODY)).toBe("accepted");
    await refusalOf(() => check(exact, at(NOW_SECONDS - 1), BODY));
    const wide = verifier({ timestamp: { ...timestamp, toleranceSeconds: 3600 } });
    expect(await check(wide, at(NOW_SECONDS - 3600), BODY)).toBe("accepted");
  });

  it("refuses a fresh timestamp that the signature does not cover", async () => {
    const captured = { ...at(NOW_SECONDS - 3600), "x-timestamp": String(NOW_SECONDS) };
    expect(await refusalOf(() => check(verifier({ timestamp }), captured, BODY))).toMatch(/no signature .* matches/);
    const bodyOnly = { "x-timestamp": String(NOW_SECONDS), "x-signature": SIGNATURE };
    await refusalOf(() => check(verifier({ timestamp }), bodyOnly, BODY));
  });

  it("refuses a timestamp that is missing, doubled or no whole number, by the header's name", async () => {
    const stamped = verifier({ timestamp });
    expect(await refusalOf(() => check(stamped, signed(SIGNATURE), BODY))).toMatch(/header x-timestamp is missing/);
    for (const time of ["abc", "1.7e9", "-1", `${NOW_SECONDS}.5`, `${NOW_SECONDS}, ${NOW_SECONDS}`, "9".repeat(13)]) {
      expect(await refusalOf(() => check(stamped, at(time), BODY))).toMatch(
        /x-timestamp is no whole number of unix sec/,
      );
    }
  });
});

describe("the options of an HMAC", () => {
  it("are refused by name, saying what was expected", async () => {
    const wrong: [Record<string, unknown>, RegExp][] = [
      [{ header: undefined }, /hmacSha256 header must be the name of a header.*got undefined/],
      [{ header: "x signature" }, /hmacSha256 header must be/],
      [{ header: "x-signature\n" }, /hmacSha256 header must be/],
      [{ header: "" }, /hmacSha256 header must be/],
      [{ secret: undefined }, /hmacSha256 secret must be the shared secret.*got undefined/],
      [{ secret: "" }, /hmacSha256 secret must be.*got an empty string/],
      [{ secret: " abc" }, /hmacSha256 secret begins or ends with white space/],
      [{ secret: "abc\n" }, /hmacSha256 secret begins or ends with white space/],
      [{ secret: [] }, /hmacSha256 secret must be.*got an empty array/],
      [{ secret: ["abc", undefined] }, /hmacSha256 secret\[1\] must be.*got undefined/],
      [{ secret: "abc", secretEncoding: "hex" }, /hmacSha256 secret must be hex/],
      [{ secret: "a-b", secretEncoding: "base64" }, /hmacSha256 secret must be base64/],
      [{ secretEncoding: "ascii" }, /hmacSha256 secretEncoding must be "utf8" or "base64" or "hex"/],
      [{ encoding: "base64url" }, /hmacSha256 encoding must be "hex" or "base64"/],
      [{ prefix: "a,b" }, /hmacSha256 prefix must be/],
      [{ prefix: 1 }, /hmacSha256 prefix must be.*got a number/],
      [{ timestamp: "x-timestamp" }, /the argument of hmacSha256 timestamp must be an object, got a string/],
      [{ timestamp: {} }, /hmacSha256 timestamp\.header must be/],
      [{ timestamp: { header: "x", unit: "m" } }, /hmacSha256 timestamp\.unit must be "s" or "ms"/],
      [{ timestamp: { header: "x", separator: "1" } }, /hmacSha256 timestamp\.separator must be/],
      [{ timestamp: { header: "x", toleranceSeconds: -1 } }, /hmacSha256 timestamp\.toleranceSeconds must be/],
      [{ timestamp: { header: "x", toleranceSeconds: Number.NaN } }, /toleranceSeconds must be a whole number/],
      [{ timestamp: { header: "x", tolerance: 5 } }, /has no option tolerance; it has header, unit/],
      [{ secrets: ["abc"] }, /hmacSha256 has no option secrets; it has header, secret, encoding/],
    ];
    for (const [options, message] of wrong) {
      const given = { header: "x-signature", secret: SECRET, ...options };
      expect(await optionErrorOf(() => Reflect.apply(hmacSha256, undefined, [given]))).toMatch(message);
    }
    expect(await optionErrorOf(() => Reflect.apply(hmacSha512, undefined, [undefined]))).toMatch(
      /the argument of hmacSha512 must be an object, got undefined/,
    );
  });

  it("are copied: changing the list of secrets afterwards changes nothing", async () => {
    const secrets = [SECRET];
    const made = verifier({ secret: secrets });
    secrets[0] = "another-secret";
    expect(await check(made, signed(SIGNATURE), BODY)).toBe("accepted");
  });
});
