import * as node from "node:crypto";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { toHex, utf8Bytes } from "../../../src/signing/encoding.js";
import { anyHmacMatches, constantTimeEqual, createHmac, type HmacHash } from "../../../src/signing/hmac.js";

const HASHES: [HmacHash, string][] = [
  ["SHA-256", "sha256"],
  ["SHA-512", "sha512"],
];
const key = fc.uint8Array({ minLength: 1, maxLength: 200 });
const parts = fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 4 });
const fill = (byte: number, length: number) => new Uint8Array(length).fill(byte);
const utf8 = (text: string) => utf8Bytes(text);

// https://www.rfc-editor.org/rfc/rfc4231#section-4
const RFC_4231: [number, Uint8Array<ArrayBuffer>, Uint8Array, Record<HmacHash, string>][] = [
  [
    1,
    fill(0x0b, 20),
    utf8("Hi There"),
    {
      "SHA-256": "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
      "SHA-512":
        "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde" +
        "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
    },
  ],
  [
    2,
    utf8("Jefe"),
    utf8("what do ya want for nothing?"),
    {
      "SHA-256": "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      "SHA-512":
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554" +
        "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
    },
  ],
  [
    3,
    fill(0xaa, 20),
    fill(0xdd, 50),
    {
      "SHA-256": "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
      "SHA-512":
        "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39" +
        "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb",
    },
  ],
  [
    6,
    fill(0xaa, 131),
    utf8("Test Using Larger Than Block-Size Key - Hash Key First"),
    {
      "SHA-256": "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
      "SHA-512":
        "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352" +
        "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
    },
  ],
];

/** As made where there is nothing of Node to ask. */
const createHmacWithoutNode: typeof createHmac = (...options) => {
  vi.stubGlobal("process", undefined);
  try {
    return createHmac(...options);
  } finally {
    vi.unstubAllGlobals();
  }
};

describe.each(
  HASHES.flatMap(([hash, nodeHash]) => [
    { hash, nodeHash, runtime: "Node", createHmac },
    { hash, nodeHash, runtime: "a runtime without Node", createHmac: createHmacWithoutNode },
  ]),
)("HMAC-$hash on $runtime", ({ hash, nodeHash, createHmac }) => {
  it.each(RFC_4231)("gives the answer of RFC 4231, test case %i", async (_, secret, content, answers) => {
    expect(toHex(await createHmac(hash, secret)(content))).toBe(answers[hash]);
  });

  it("is the same as that of node:crypto, whatever the key and however the content is cut", async () => {
    await fc.assert(
      fc.asyncProperty(key, parts, async (secret, pieces) => {
        const expected = node.createHmac(nodeHash, secret).update(Buffer.concat(pieces)).digest("hex");
        expect(toHex(await createHmac(hash, new Uint8Array(secret))(...pieces))).toBe(expected);
      }),
    );
  });

  it("can be used again and again, and many times at once", async () => {
    const sign = createHmac(hash, utf8("key"));
    const [first, second, other] = await Promise.all([sign(utf8("a")), sign(utf8("a")), sign(utf8("b"))]);
    expect(toHex(first)).toBe(toHex(second));
    expect(toHex(first)).not.toBe(toHex(other));
    expect(toHex(await sign(utf8("a")))).toBe(toHex(first));
  });
});

describe("constantTimeEqual", () => {
  it("says the same as node:crypto of byte strings of one length", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.uint8Array({ maxLength: 64 }), (a, b) => {
        const same = a.length === b.length && node.timingSafeEqual(a, b);
        expect(constantTimeEqual(a, b)).toBe(same);
        expect(constantTimeEqual(a, Uint8Array.from(a))).toBe(true);
      }),
    );
  });

  it("notices each single bit", () => {
    const digest = node.randomBytes(32);
    for (let bit = 0; bit < 256; bit++) {
      const other = Uint8Array.from(digest);
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(constantTimeEqual(digest, other)).toBe(false);
    }
  });

  it("answers false for other lengths, where node:crypto throws", () => {
    expect(constantTimeEqual(fill(1, 32), fill(1, 31))).toBe(false);
    expect(constantTimeEqual(fill(1, 32), fill(1, 33))).toBe(false);
    expect(constantTimeEqual(fill(0, 0), fill(0, 1))).toBe(false);
  });
});

describe("anyHmacMatches", () => {
  const content = [utf8("1767225600."), utf8('{"id":"evt_1"}')];
  const digest = (secret: string, hash = "sha256") =>
    new Uint8Array(node.createHmac(hash, secret).update(Buffer.concat(content)).digest());
  const signers = ["old", "new"].map((secret) => createHmac("SHA-256", utf8(secret)));
  const wrong = [fill(0, 32), fill(0, 0), digest("old").slice(0, 31), digest("other"), digest("old", "sha512")];

  it.each(["old", "new"])("finds the signature of the %s key wherever it stands", async (secret) => {
    for (let at = 0; at <= wrong.length; at++) {
      const candidates = [...wrong.slice(0, at), digest(secret), ...wrong.slice(at)];
      expect(await anyHmacMatches(signers, content, candidates)).toBe(true);
    }
  });

  it.each<[string, Uint8Array[]]>([
    ["are of another key, cut, empty or of another hash", wrong],
    ["are none", []],
  ])("finds nothing where the candidates %s", async (_, candidates) => {
    expect(await anyHmacMatches(signers, content, candidates)).toBe(false);
  });

  it("finds nothing without keys", async () => {
    expect(await anyHmacMatches([], content, [digest("old")])).toBe(false);
    expect(await anyHmacMatches([], [], [fill(0, 0)])).toBe(false);
  });

  it("finds nothing when a byte of the content has changed", async () => {
    const other = [utf8("1767225600."), utf8('{"id":"evt_2"}')];
    expect(await anyHmacMatches(signers, other, [digest("old"), digest("new")])).toBe(false);
  });

  it("computes the HMAC of every key, also after the first has matched", async () => {
    let computed = 0;
    const counting = signers.map((sign) => (...pieces: readonly (Uint8Array | string)[]) => {
      computed++;
      return sign(...pieces);
    });
    expect(await anyHmacMatches(counting, content, [digest("old")])).toBe(true);
    expect(computed).toBe(2);
  });
});
