import { BlockList, isIPv4, isIPv6 } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isPrivateAddress, parseBaseUrl } from "../../../src/endpoint/base-url.js";
import { createRelay } from "../../../src/relay.js";
import { failureOf, optionsOf } from "./support.js";

// The registries once more, as Node reads them: what is not on the public internet.
const V4 =
  "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24".concat(
    " 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4",
  );
const V6 = "::/3 4000::/2 8000::/1 2001::/23 2001:db8::/32 2002::/16 3fff::/20";
// A list for each, since an IPv4 address is looked for among the IPv6 ones too, as ::ffff:….
const reservedV4 = blockList("ipv4", V4);
const reservedV6 = blockList("ipv6", V6);

function blockList(family: "ipv4" | "ipv6", networks: string): BlockList {
  const list = new BlockList();
  for (const [network = "", bits] of networks.split(" ").map((one) => one.split("/"))) {
    list.addSubnet(network, Number(bits), family);
  }
  return list;
}

const REFUSED = "baseUrl leads to a private network";
const isTaken = (url: string, allowPrivateNetwork = false) => {
  try {
    parseBaseUrl(url, allowPrivateNetwork);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: "invalid_options" });
    return false;
  }
};

const dotted = (bits: number) => [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join(".");
const anyV4 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const edges = V4.split(" ").flatMap((network) => {
  const [address = "", bits] = network.split("/");
  const first = address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
  return [first, first + 2 ** (32 - Number(bits))];
});
const nearEdges = fc
  .tuple(fc.constantFrom(...edges), fc.integer({ min: -3, max: 3 }))
  .map(([edge, offset]) => (edge + offset + 2 ** 32) % 2 ** 32);
const group = fc.oneof(fc.constantFrom("0", "1", "1ff", "200", "db8", "fff", "1000", "ffff"), fc.nat(65_535).map(hex));
const anyV6 = fc
  .tuple(
    fc.oneof(fc.constantFrom("2000", "2001", "2002", "3ffe", "3fff", "fc00", "fe80", "64", "0", "ff02"), group),
    fc.array(group, { minLength: 7, maxLength: 7 }),
  )
  .map((parts) => parts.flat().join(":"));

function hex(number: number): string {
  return number.toString(16);
}

/** Spellings that a URL takes for one address, by which a check of the text is passed by. */
function spellingsOf(address: number): string[] {
  const [a = 0, b = 0, c = 0, d = 0] = dotted(address).split(".").map(Number);
  const octal = (octet: number) => `0${octet.toString(8)}`;
  return [
    `${dotted(address)}`,
    `${dotted(address)}.`,
    `${address}`,
    `0x${hex(address)}`,
    `0${address.toString(8)}`,
    `${a}.${address % 2 ** 24}`,
    `${a}.${b}.${address % 2 ** 16}`,
    [a, b, c, d].map(octal).join("."),
    [a, b, c, d].map((octet) => `0X${hex(octet)}`).join("."),
    [...dotted(address)]
      .map((char) => (char === "." ? "。" : String.fromCharCode(char.charCodeAt(0) + 0xfee0)))
      .join(""),
    [...dotted(address)].map((char) => `%${hex(char.charCodeAt(0))}`).join(""),
    `[::ffff:${dotted(address)}]`,
    `[::${dotted(address)}]`,
    `[64:ff9b::${dotted(address)}]`,
    `[2002:${hex(address >>> 16)}:${hex(address & 65_535)}::1]`,
    `[2001:0:${hex(address >>> 16)}:${hex(address & 65_535)}::1]`,
  ];
}

describe("the base URL's address", () => {
  it("is taken where the registries say that it is public: IPv4", () => {
    fc.assert(
      fc.property(fc.oneof(anyV4, nearEdges), (bits) => {
        const address = dotted(bits);
        expect(isIPv4(address)).toBe(true);
        const isPublic = !reservedV4.check(address) || address.startsWith("127.");
        expect([address, isTaken(`https://${address}/v1`)]).toEqual([address, isPublic]);
      }),
      { numRuns: 5_000 },
    );
  });

  it("is taken where the registries say that it is public: IPv6", () => {
    fc.assert(
      fc.property(anyV6, (address) => {
        expect(isIPv6(address)).toBe(true);
        const isPublic = !reservedV6.check(address, "ipv6") || new URL(`http://[${address}]`).hostname === "[::1]";
        expect([address, isTaken(`https://[${address}]/v1`)]).toEqual([address, isPublic]);
      }),
      { numRuns: 5_000 },
    );
  });

  it("is refused in every spelling of a private one, and of none over http", () => {
    const isPrivate = (address: string) => reservedV4.check(address) && !address.startsWith("127.");
    // Without 0.0.0.1, which is this machine where IPv6 wraps it: [::1].
    const privateV4 = fc.oneof(anyV4, nearEdges).filter((bits) => bits !== 1 && isPrivate(dotted(bits)));
    fc.assert(
      fc.property(privateV4, (bits) => {
        for (const host of spellingsOf(bits)) {
          expect([host, isTaken(`https://${host}/v1`), isTaken(`http://${host}/v1`)]).toEqual([host, false, false]);
        }
      }),
    );
  });

  it("is refused where IPv6 wraps this machine's", () => {
    for (const host of spellingsOf(2_130_706_433).filter((spelling) => spelling.startsWith("["))) {
      if (new URL(`http://${host}`).hostname === "[::1]") continue;
      expect([host, isTaken(`https://${host}/v1`), isTaken(`http://${host}/v1`)]).toEqual([host, false, false]);
    }
  });

  it.each(["https://1.1.1.1/v1", "https://[2606:4700:4700::1111]/v1", "https://172.15.0.1", "https://100.63.255.255"])(
    "is taken: %s",
    (url) => expect(isTaken(url)).toBe(true),
  );
});

describe("the base URL's name", () => {
  it.each([
    ...["proxy", "proxy.", "metadata.google.internal", "relay.INTERNAL", "nas.local", "nas.local.", "app.localhost"],
    ...["localhost.", "router.home.arpa", "10"],
  ])("is refused where it is one of the own network: %s", async (host) => {
    const error = await failureOf(() => parseBaseUrl(`https://${host}/v1`, false));
    expect(error.message).toContain(REFUSED);
    expect(error.message).not.toContain(host);
  });

  it.each([
    ...["10.example.com", "127.0.0.1.example.com", "local.example.com", "internal.example.com", "notlocal.example"],
    ...["api.affonso.io.", "fe80.example.com", "xn--bcher-kva.example"],
    ...["eu.internal.example.com", "203.0.113.5.example.com"],
  ])("is taken where it only looks like one: %s", (host) => expect(isTaken(`https://${host}/v1`)).toBe(true));
});

describe("the base URL's path", () => {
  it.each(["https://api.affonso.io/api/v1", "https://api.affonso.io/v1x"])(
    "is refused where the events endpoint has none of the kind: %s",
    (url) => expect(isTaken(url)).toBe(false),
  );
});

describe("a base URL that is no text", () => {
  it("is refused, though the parser would take it", async () => {
    const error = await failureOf(() => parseBaseUrl(new URL("https://api.affonso.io/v1"), false));
    expect(error.message).toContain("baseUrl must be a URL such as https://api.affonso.io/v1, got an object");
  });
});

describe("white space and control characters in the base URL", () => {
  it.each([
    ...[
      "https://api.affonso.io/v1\n",
      "\nhttps://api.affonso.io/v1",
      " https://api.affonso.io/v1",
      "https://api.affonso.io/v1 ",
    ],
    ...["https://api.aff\nonso.io/v1", "https://api.affonso.io/v1\r\nx-injected: 1", "https://api.affonso.io/\tv1"],
    ...["https://api.affonso.io/v1\0", "https://api.affonso.io/v1\u0085", "https://api.affonso.io/v1\u2028"],
  ])("are refused, since the parser would drop them without a word (%#)", async (url) => {
    const error = await failureOf(() => parseBaseUrl(url, true));
    expect(error.message).toBe(
      "invalid_options: baseUrl must be a URL such as https://api.affonso.io/v1, got a string",
    );
  });
});

describe("allowPrivateNetwork", () => {
  it.each([
    ["https://10.0.0.5/v1", "https://10.0.0.5/v1"],
    ["http://10.0.0.5:8080/v1/", "http://10.0.0.5:8080/v1"],
    ["http://proxy.internal/v1", "http://proxy.internal/v1"],
    ["http://proxy:8080", "http://proxy:8080"],
    ["http://[fd00::1]/v1", "http://[fd00::1]/v1"],
    ["https://api.affonso.io/v1", "https://api.affonso.io/v1"],
  ])("lets %s pass", (given, taken) => expect(parseBaseUrl(given, true)).toBe(taken));

  it("still has the public internet spoken to by https, without a user, by no other scheme", () => {
    const refused = ["http://api.affonso.io/v1", "http://1.1.1.1", "http://[2606:4700:4700::1111]", "ftp://10.0.0.5"];
    const withMore = ["https://user@10.0.0.5/v1", "http://10.0.0.5/v1?key=x", "http://10.0.0.5/v1#", "file:///v1"];
    for (const url of [...refused, ...withMore]) expect([url, isTaken(url, true)]).toEqual([url, false]);
  });

  it("is an option of the relay, off by default", async () => {
    const baseUrl = "http://10.0.0.5/v1";
    expect(() => createRelay(optionsOf({ baseUrl, allowPrivateNetwork: true }))).not.toThrow();
    for (const allowPrivateNetwork of [undefined, false]) {
      const error = await failureOf(() => createRelay(optionsOf({ baseUrl: "https://10.0.0.5", allowPrivateNetwork })));
      expect(error.message).toContain(REFUSED);
    }
  });

  it.each([["true"], [1], [null], [{}]])("is refused where it is not true or false (%#)", async (value) => {
    const error = await failureOf(() => createRelay(optionsOf({ allowPrivateNetwork: value as never })));
    expect(error.message).toContain("invalid_options: allowPrivateNetwork must be true or false, got ");
  });
});

describe("an address that a name leads to", () => {
  it.each([
    ["93.184.215.14", false],
    ["10.0.0.5", true],
    ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", false],
    ["fd00::1", true],
    ["::1", true],
    ["fe80::1%eth0", true],
    // As sockets write IPv4, and as networks without it lead to it: what counts is the address within.
    ["::ffff:93.184.215.14", false],
    ["::ffff:10.0.0.5", true],
    ["::ffff:127.0.0.1", true],
    ["64:ff9b::5db8:d70e", false],
    ["64:ff9b::a00:5", true],
    ["64:ff9b::a00:0", true],
    ["64:ff9b::5", true],
    ["64:ff9b:1::a00:5", true],
    ["2002:a00:5::", true],
  ])("is private or not: %s %s", (address, isPrivate) => {
    expect(isPrivateAddress(address)).toBe(isPrivate);
  });

  it("is private where the registries say so, in IPv6 too", () => {
    fc.assert(
      fc.property(fc.oneof(anyV4, fc.constantFrom(...edges)), (bits) => {
        const isReserved = reservedV4.check(dotted(bits), "ipv4");
        expect(isPrivateAddress(dotted(bits))).toBe(isReserved);
        expect(isPrivateAddress(`::ffff:${dotted(bits)}`)).toBe(isReserved);
        expect(isPrivateAddress(`64:ff9b::${dotted(bits)}`)).toBe(isReserved);
      }),
    );
  });
});
