import { describe, expect, it } from "vitest";
import { consoleLogger } from "../../../src/logger.js";
import type { RelayOptions } from "../../../src/options.js";
import { createRelay } from "../../../src/relay.js";
import { billing, failureOf, optionsOf, resolveOnNode } from "./support.js";

const CANARY = "CANARY-s3cret";
const withOption = (changes: object) => ({ apiKey: "sk_live_test", adapters: [billing], ...changes }) as RelayOptions;
const messageOf = async (options: unknown) => {
  const error = await failureOf(() => createRelay(options as RelayOptions));
  expect(error).toMatchObject({ code: "invalid_options", status: 500, retryable: false });
  expect(`${error.message} ${JSON.stringify(error)}`).not.toContain(CANARY);
  return error.message;
};
const baseUrlOf = (baseUrl: string) => resolveOnNode(withOption({ baseUrl })).baseUrl;

describe("a wrong option", () => {
  it.each<[string, object, string]>([
    ["no apiKey", { apiKey: undefined }, "apiKey must be your Affonso API key (sk_live_…), got undefined"],
    ["an empty apiKey", { apiKey: "" }, "apiKey must be your Affonso API key (sk_live_…), got an empty string"],
    [
      "an apiKey that is no text",
      { apiKey: [CANARY] },
      "apiKey must be your Affonso API key (sk_live_…), got an array",
    ],
    [
      "an apiKey with a line feed",
      { apiKey: `${CANARY}\n` },
      "apiKey begins or ends with white space or quotes; paste it",
    ],
    [
      "an apiKey with a space before",
      { apiKey: ` ${CANARY}` },
      "apiKey begins or ends with white space or quotes; paste it",
    ],
    [
      "an apiKey with a space in it",
      { apiKey: `${CANARY} x` },
      "apiKey must be your Affonso API key (sk_live_…), and this is text that no header can carry",
    ],
    [
      "an apiKey in quotes",
      { apiKey: `"${CANARY}"` },
      "apiKey begins or ends with white space or quotes; paste it without",
    ],
    [
      "an apiKey with an umlaut",
      { apiKey: `${CANARY}ä` },
      "apiKey must be your Affonso API key (sk_live_…), and this is text that no header can carry",
    ],
    ["an empty signingSecret", { signingSecret: "" }, "signingSecret must be the team's signing secret, or undefined"],
    ["a null signingSecret", { signingSecret: null }, "signingSecret must be the team's signing secret, or undefined"],
    [
      "several signingSecrets",
      { signingSecret: [CANARY] },
      "signingSecret must be the team's signing secret, or undefined, got an array",
    ],
    ["a signingSecret with a line feed", { signingSecret: `${CANARY}\n` }, "signingSecret begins or ends with white"],
    ["a signingSecret that is a number", { signingSecret: 42 }, "signingSecret must be the team's signing secret"],
    ["no adapters", { adapters: undefined }, "adapters must be a list of adapters"],
    ["an empty list of adapters", { adapters: [] }, "adapters must be a list of adapters"],
    ["one adapter instead of a list", { adapters: billing }, "adapters must be a list of adapters"],
    [
      "an adapter that is none",
      { adapters: [billing, { name: CANARY }] },
      "adapters[1] must be an adapter, such as stripe(…)",
    ],
    ["an adapter that is null", { adapters: [null] }, "adapters[0] must be an adapter, such as stripe(…)"],
    ["two adapters of one name", { adapters: [billing, billing] }, "two adapters are called billing"],
    ["mappings that are null", { mappings: null }, "mappings must be a plain object, got null"],
    ["an unknown mapping", { mappings: { product: {} } }, "mappings has no option product; it has customers, products"],
    ["a mapping that is text", { mappings: { products: CANARY } }, "mappings.products must be a record of ids or a"],
    ["a mapping that is null", { mappings: { customers: null } }, "mappings.customers must be a record of ids or a"],
    ["a mapping that is a list", { mappings: { prices: [CANARY] } }, "mappings.prices must be a record of ids or a"],
    ["a mapping that is a Map", { mappings: { prices: new Map([[CANARY, "x"]]) } }, "mappings.prices must be a record"],
    ["mappings that are a list", { mappings: [] }, "mappings must be a plain object, got"],
    ["mappings that are a Map", { mappings: new Map() }, "mappings must be a plain object"],
    ["mappings that are a promise", { mappings: Promise.resolve({ products: {} }) }, "mappings must be a plain object"],
    ["a mapping to a number", { mappings: { prices: { price_1: 42 } } }, 'mappings.prices["price_1"] must be an id of'],
    [
      "a mapping to a blank",
      { mappings: { prices: { price_1: "  " } } },
      'mappings.prices["price_1"] must be an id of 1',
    ],
    [
      "a mapping to text that is too long for an id",
      { mappings: { customers: { cus_1: "x".repeat(256) } } },
      'mappings.customers["cus_1"] must be an id of 1 to 255 characters',
    ],
    ["a mapping to two lines", { mappings: { products: { p: "a\nb" } } }, 'mappings.products["p"] must be an id of 1'],
    ["a mapping to nothing", { mappings: { prices: { price_1: "" } } }, 'mappings.prices["price_1"] must be an id of'],
    ["a mapping to undefined", { mappings: { prices: { price_1: undefined } } }, 'mappings.prices["price_1"] must be'],
    ["a transform that is text", { transform: CANARY }, "transform must be a function, got a string"],
    ["a transform that is null", { transform: null }, "transform must be a function, got null"],
    ["a timeoutMs of zero", { timeoutMs: 0 }, "timeoutMs must be a whole number from 1 to 60000"],
    ["a negative timeoutMs", { timeoutMs: -1 }, "timeoutMs must be a whole number"],
    ["half a millisecond", { timeoutMs: 0.5 }, "timeoutMs must be a whole number"],
    ["a timeoutMs of NaN", { timeoutMs: Number.NaN }, "timeoutMs must be a whole number"],
    ["an endless timeoutMs", { timeoutMs: Number.POSITIVE_INFINITY }, "timeoutMs must be a whole number"],
    ["a timeoutMs above a minute", { timeoutMs: 60_001 }, "timeoutMs must be a whole number"],
    ["a timeoutMs as text", { timeoutMs: "4000" }, "timeoutMs must be a whole number"],
    ["a logger that is null", { logger: null }, "logger.debug must be a function (fields, message)"],
    ["a logger that is text", { logger: "x" }, "logger.debug must be a function (fields, message)"],
    ["a logger without levels", { logger: { error() {} } }, "logger.debug must be a function (fields, message)"],
    [
      "a logger with text for a level",
      { logger: { ...consoleLogger, warn: CANARY } },
      "logger.warn must be a function",
    ],
    ["hooks that are null", { on: null }, "the argument of on must be an object, got null"],
    ["hooks that are a function", { on: () => CANARY }, "the argument of on must be an object, got a function"],
    ["an unknown hook", { on: { onDelivered() {} } }, "on has no option onDelivered; it has delivered, unmatched"],
    ["a fetch that is text", { fetch: CANARY }, "fetch must be a function, got a string"],
    ["a fetch that is null", { fetch: null }, "fetch must be a function, got null"],
    ["a clock that is a number", { clock: 42 }, "clock must be a function, got a number"],
    ["an option that there is none of", { apikey: CANARY }, "createRelay has no option apikey; it has apiKey, signing"],
  ])("is refused by its name: %s", async (_, changes, message) => {
    expect(await messageOf(withOption(changes))).toContain(`invalid_options: ${message}`);
  });

  const withoutIds: [string, object][] = [
    ["a promise of a record", Promise.resolve({ price_1: CANARY })],
    ["a Map", new Map([["price_1", CANARY]])],
    ["a Set", new Set([CANARY])],
    ["a Date", new Date(0)],
    ["an empty list", []],
    ["an instance of a class", new (class Prices {})()],
    [
      "an instance of a class with ids of its own",
      new (class Prices {
        price_1 = CANARY;
      })(),
    ],
  ];
  it.each(withoutIds)(
    "is refused: a mapping that is %s, which would map nothing without a word",
    async (_, mapping) => {
      for (const name of ["customers", "products", "prices"]) {
        expect(await messageOf(withOption({ mappings: { [name]: mapping } }))).toContain(
          `mappings.${name} must be a record of ids or a function of an id, got an`,
        );
      }
    },
  );

  it.each(["delivered", "unmatched", "deadLetter", "refund", "link"])("is refused: on.%s as text", async (hook) => {
    expect(await messageOf(withOption({ on: { [hook]: CANARY } }))).toContain(`on.${hook} must be a function, got a`);
  });

  it.each([[undefined], [null], [CANARY], [42]])("is refused: options that are no object (%#)", async (options) => {
    expect(await messageOf(options)).toContain("the argument of createRelay must be an object");
  });
});

describe("the base URL", () => {
  it.each([
    ["https://api.affonso.io/v1", "https://api.affonso.io/v1"],
    ["https://api.affonso.io/v1/", "https://api.affonso.io/v1"],
    ["https://api.affonso.io/v1///", "https://api.affonso.io/v1"],
    ["https://proxy.example.com", "https://proxy.example.com"],
    ["https://proxy.example.com:8443/affonso/v1", "https://proxy.example.com:8443/affonso/v1"],
    ["HTTPS://API.AFFONSO.IO/v1", "https://api.affonso.io/v1"],
    ["http://localhost:4010/v1", "http://localhost:4010/v1"],
    ["http://127.0.0.1:4010", "http://127.0.0.1:4010"],
    ["http://127.8.9.10/v1/", "http://127.8.9.10/v1"],
    ["http://[::1]:4010/v1", "http://[::1]:4010/v1"],
  ])("%s is taken as %s", (given, taken) => {
    expect(baseUrlOf(given)).toBe(taken);
  });

  it.each([
    "http://api.affonso.io/v1",
    "http://localhost.example.com",
    "http://127.0.0.1.example.com",
    "ftp://api.affonso.io",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "ws://localhost",
  ])("%s is refused: not https, and not this machine", async (baseUrl) => {
    expect(await messageOf(withOption({ baseUrl }))).toContain("baseUrl must begin with https://");
  });

  it.each(["http://10.0.0.1", "http://169.254.169.254", "http://0.0.0.0", "http://[::ffff:127.0.0.1]"])(
    "%s is refused: not this machine, though near it",
    async (baseUrl) => {
      expect(await messageOf(withOption({ baseUrl }))).toContain("baseUrl leads to a private network");
    },
  );

  it.each([
    ["its host alone", "https://api.affonso.io"],
    ["its host and a slash", "https://api.affonso.io/"],
    ["another path", "https://api.affonso.io/v10"],
    ["the URL that events go to", "https://api.affonso.io/v1/events"],
    ["the same of a proxy", "https://proxy.example.com/affonso/events/"],
    ["the same on this machine", "http://localhost:4010/events"],
  ])("is refused where events would go nowhere: %s", async (_, baseUrl) => {
    expect(await messageOf(withOption({ baseUrl }))).toContain(
      "baseUrl must be a URL such as https://api.affonso.io/v1, with /v1 and without /events",
    );
  });

  it.each(["https://proxy.example.com/v2", "https://events.example.com", "https://proxy.example.com/events/v1"])(
    "of a proxy may have any path that events can go below: %s",
    (baseUrl) => {
      expect(baseUrlOf(baseUrl)).toBe(baseUrl);
    },
  );

  it.each([
    `https://user@api.affonso.io/v1`,
    `https://user:${CANARY}@api.affonso.io/v1`,
    `https://:${CANARY}@api.affonso.io/v1`,
    `https://api.affonso.io/v1?key=${CANARY}`,
    `https://api.affonso.io/v1#${CANARY}`,
    "https://api.affonso.io/v1?",
    "https://api.affonso.io/v1#",
    "https://api.affonso.io/v1/?#",
    "https://api.affonso.io?",
    "http://localhost:4010/v1#",
  ])("is refused with a user, a query or a fragment (%#)", async (baseUrl) => {
    expect(await messageOf(withOption({ baseUrl }))).toContain(
      "baseUrl must have no user, password, query or fragment",
    );
  });

  it.each([[""], ["api.affonso.io/v1"], ["/v1"], [CANARY], ["https://"], ["https://a b/"], [42], [{}]])(
    "is refused where it is no URL (%#)",
    async (baseUrl) => {
      expect(await messageOf(withOption({ baseUrl }))).toContain(
        "baseUrl must be a URL such as https://api.affonso.io",
      );
    },
  );
});

describe("resolved options", () => {
  it("have a clock of whole milliseconds, which is all that stores keep", () => {
    expect(resolveOnNode(optionsOf({ clock: () => 1_767_225_600_000.75 })).clock()).toBe(1_767_225_600_000);
    expect(Number.isInteger(resolveOnNode(optionsOf()).clock())).toBe(true);
  });

  it("have defaults for all that may be left out", () => {
    const resolved = resolveOnNode({ apiKey: "sk_live_test", adapters: [billing] });
    expect(resolved).toMatchObject({
      signingSecret: undefined,
      baseUrl: "https://api.affonso.io/v1",
      mappings: {},
      transform: undefined,
      timeoutMs: 4_000,
      on: {},
    });
  });

  it("take undefined for an option that is left out", () => {
    const names = ["signingSecret", "baseUrl", "mappings", "transform", "timeoutMs", "logger", "on", "fetch", "clock"];
    const resolved = resolveOnNode(withOption(Object.fromEntries(names.map((name) => [name, undefined]))));
    expect(resolved).toMatchObject({ timeoutMs: 4_000, baseUrl: "https://api.affonso.io/v1" });
  });

  it("take a mapping or a hook that is undefined for one that is left out", () => {
    const options = withOption({ mappings: { products: undefined }, on: { refund: undefined } });
    expect(() => resolveOnNode(options)).not.toThrow();
  });

  it.each([1, 60_000])("take a timeoutMs of %i", (timeoutMs) => {
    expect(resolveOnNode(withOption({ timeoutMs })).timeoutMs).toBe(timeoutMs);
  });

  it("are frozen", () => {
    const resolved = resolveOnNode(withOption({ mappings: { products: {} }, on: { refund() {} } }));
    for (const part of [resolved, resolved.mappings, resolved.on]) expect(Object.isFrozen(part)).toBe(true);
  });

  it("are copies: what the caller changes later changes nothing", () => {
    const adapters = [billing];
    const mappings: Record<string, unknown> = { products: { a: "b" } };
    const on: Record<string, unknown> = {};
    const options: Record<string, unknown> = { apiKey: "sk_live_test", adapters, mappings, on };
    const resolved = resolveOnNode(options as never);
    const relay = createRelay(options as never);

    options["apiKey"] = "sk_live_other";
    options["timeoutMs"] = 1;
    adapters.length = 0;
    mappings["customers"] = () => "somebody else";
    mappings["products"] = undefined;
    on["refund"] = () => {};

    expect(resolved).toMatchObject({ apiKey: "sk_live_test", timeoutMs: 4_000, mappings: { products: { a: "b" } } });
    expect(resolved.mappings.customers).toBeUndefined();
    expect(resolved.on.refund).toBeUndefined();
    expect([...resolved.adapters.keys()]).toEqual(["billing"]);
    expect(relay.sources).toEqual(["billing"]);
  });

  it("have each record of ids copied and frozen, whatever the ids are called", () => {
    const records = {
      customers: JSON.parse('{"__proto__":"user_1","constructor":null}'),
      products: { a: "b" } as Record<string, string | null>,
      prices: Object.assign(Object.create(null), { price_a: "basic" }),
    };
    const { mappings } = resolveOnNode(withOption({ mappings: records }));
    for (const record of [mappings.customers, mappings.products, mappings.prices]) {
      expect(Object.isFrozen(record)).toBe(true);
    }

    records.products["a"] = "somebody else's";
    records.products["c"] = "d";
    delete records.prices.price_a;
    expect(Object.entries(mappings.customers ?? {})).toEqual([
      ["__proto__", "user_1"],
      ["constructor", null],
    ]);
    expect(mappings).toMatchObject({ products: { a: "b" }, prices: { price_a: "basic" } });
    expect(mappings.products).not.toHaveProperty("c");
  });

  it("may themselves be frozen", () => {
    const options = Object.freeze({ ...optionsOf(), mappings: Object.freeze({}), on: Object.freeze({}) });
    expect(() => createRelay(options)).not.toThrow();
  });

  it("call the logger as a method, and survive its throwing", () => {
    const lines: string[] = [];
    class Methods {
      level = "method";
      debug() {}
      info() {}
      warn(_fields: object, message: string) {
        lines.push(`${this.level}: ${message}`);
      }
      error() {
        throw new Error("the disk is full");
      }
    }
    const { logger } = resolveOnNode(withOption({ logger: new Methods() }));
    logger.warn({}, "hello");
    expect(lines).toEqual(["method: hello"]);
    expect(() => logger.error({}, "hello")).not.toThrow();
  });

  it("do not take the adapters' names from an object's prototype", async () => {
    const relay = createRelay(optionsOf());
    for (const source of ["constructor", "__proto__", "toString", "", "BILLING"]) {
      const error = await failureOf(() => relay.receiveVerified(source as never, { records: [] }));
      expect(error).toMatchObject({ code: "unknown_source", status: 404 });
    }
  });
});
