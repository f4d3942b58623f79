import { describe, expect, it } from "vitest";
import type { RelayEvent } from "../../../src/event.js";
import { parseRecord } from "../../../src/event-schema.js";
import { type IdMapping, mapIds } from "../../../src/mapping.js";
import { failureOf, sale } from "./support.js";

const PRODUCTS = ["prod_a", "prod_b", "prod_c"];

function eventWith(changes: object): RelayEvent {
  const record = parseRecord(sale(changes) as never, "billing");
  return record.kind === "event" ? record : expect.fail("not an event");
}

const productsBy = async (products: IdMapping, productIds: string[] = PRODUCTS) =>
  (await mapIds(eventWith({ productIds }), { products })).productIds;
const customerBy = async (customers: IdMapping, customerId = "cus_1") =>
  (await mapIds(eventWith({ identity: { customerId } }), { customers })).identity.customerId;

describe("without mappings", () => {
  it("every id goes through unchanged", async () => {
    const event = eventWith({ productIds: PRODUCTS, priceIds: ["price_a"] });
    expect(await mapIds(event, {})).toEqual(event);
  });

  it("lists that are absent stay absent", async () => {
    const mapped = await mapIds(eventWith({}), { products: () => "x", prices: { a: "b" } });
    expect(mapped).toMatchObject({ productIds: undefined, priceIds: undefined });
  });
});

describe("a record", () => {
  it("maps the ids it names, drops those it names with null, and leaves the others", async () => {
    expect(await productsBy({ prod_a: "basic", prod_b: null })).toEqual(["basic", "prod_c"]);
    expect(await customerBy({ cus_1: "user_1" })).toBe("user_1");
    expect(await customerBy({ cus_2: "user_2" })).toBe("cus_1");
    expect(await customerBy({ cus_1: null })).toBeUndefined();
  });

  it.each(["constructor", "toString", "__proto__", "hasOwnProperty", "valueOf"])(
    "does not find the id %s among what every object inherits",
    async (id) => {
      expect(await productsBy({ other: "x" }, [id])).toEqual([id]);
      expect(await customerBy({ other: "x" }, id)).toBe(id);
    },
  );

  it.each(["constructor", "toString", "__proto__"])("maps the id %s where the record itself names it", async (id) => {
    const mapping = JSON.parse(`{"${id}":"mapped"}`);
    expect(await productsBy(mapping, [id])).toEqual(["mapped"]);
  });

  it("may have no prototype", async () => {
    expect(await productsBy(Object.assign(Object.create(null), { prod_a: "basic" }), ["prod_a"])).toEqual(["basic"]);
  });

  it("compares ids byte by byte", async () => {
    expect(await productsBy({ PROD_A: "x", "prod_a ": "x" }, ["prod_a"])).toEqual(["prod_a"]);
    expect(await productsBy({ "caf\u00e9": "x" }, ["cafe\u0301"])).toEqual(["cafe\u0301"]);
  });
});

describe("a function", () => {
  it("may change the event that it is given, and nothing else changes with it", async () => {
    const event = eventWith({ productIds: [...PRODUCTS] });
    const products: IdMapping = (id, given) => {
      Reflect.set(given.sale ?? {}, "minorUnits", 1);
      Reflect.set(given.productIds ?? [], 0, "changed");
      return id;
    };
    expect(await mapIds(event, { products })).toEqual(eventWith({ productIds: [...PRODUCTS] }));
    expect(event).toEqual(eventWith({ productIds: [...PRODUCTS] }));
  });

  it.each([
    ["at once", (id: string) => `mine_${id}`],
    ["later", async (id: string) => `mine_${id}`],
  ])("may answer %s", async (_, mapping) => {
    expect(await productsBy(mapping)).toEqual(["mine_prod_a", "mine_prod_b", "mine_prod_c"]);
    expect(await customerBy(mapping)).toBe("mine_cus_1");
  });

  it.each([
    ["null", null],
    ["undefined", undefined],
    ["an empty string", ""],
  ])("drops an id by answering %s", async (_, answer) => {
    expect(await productsBy((id) => (id === "prod_b" ? answer : id))).toEqual(["prod_a", "prod_c"]);
    expect(await customerBy(() => answer)).toBeUndefined();
  });

  it("is told the id and the event", async () => {
    const event = eventWith({ productIds: ["prod_a"], priceIds: ["price_a"] });
    const seen: unknown[] = [];
    const note = (id: string, about: RelayEvent) => {
      seen.push([id, about]);
      return id;
    };
    await mapIds(event, { customers: note, products: note, prices: note });
    expect(seen).toEqual([
      ["cus_1", event],
      ["prod_a", event],
      ["price_a", event],
    ]);
  });

  it("is not asked about the customer of a guest", async () => {
    let asked = 0;
    const customers = () => {
      asked++;
      return "user_1";
    };
    for (const identity of [{ referralId: "ref_1" }, { customerId: null, clickId: "c" }, { customerId: "" }]) {
      expect((await mapIds(eventWith({ identity }), { customers })).identity.customerId).toBeUndefined();
    }
    expect(asked).toBe(0);
  });

  it("that throws is a mapping that failed, and its words stay in the cause", async () => {
    const cause = new Error("no user jane@example.com");
    for (const mapping of [
      () => {
        throw cause;
      },
      () => Promise.reject(cause),
    ]) {
      const error = await failureOf(() => customerBy(mapping));
      expect(error).toMatchObject({ code: "mapping_failed", status: 503, retryable: true, cause });
      expect(error.message).toContain("mappings.customers threw");
      expect(error.message).not.toContain("jane");
    }
  });

  it.each([
    [42, "a number"],
    [true, "a boolean"],
    [{ id: "user_secret" }, "an object"],
    [["user_secret"], "an array"],
    [0, "a number"],
    [false, "a boolean"],
  ])("that answers something that is no id is a mapping that failed (%#)", async (answer, words) => {
    const error = await failureOf(() => productsBy((() => answer) as never));
    expect(error.code).toBe("mapping_failed");
    expect(error.message).toContain(`mappings.products answered ${words}; answer a string, or null`);
    expect(error.message).not.toContain("user_secret");
  });
});

describe("the mapped event", () => {
  it("names each id once, in the order of the first", async () => {
    expect(await productsBy({ prod_a: "pro", prod_c: "pro" })).toEqual(["pro", "prod_b"]);
    expect(await productsBy(() => "pro")).toEqual(["pro"]);
  });

  it("keeps the order of the ids however long each answer takes", async () => {
    const release: (() => void)[] = [];
    const mapped = productsBy((id) => new Promise((resolve) => release.push(() => resolve(id))));
    for (const answer of release.reverse()) answer();
    expect(await mapped).toEqual(PRODUCTS);
  });

  it("is another one: the event passed in stays as it was", async () => {
    const event = eventWith({ productIds: PRODUCTS, priceIds: ["price_a"], identity: { customerId: "cus_1" } });
    const before = structuredClone(event);
    const mapped = await mapIds(event, { customers: () => "user_1", products: () => null, prices: { price_a: "p" } });
    expect(mapped).toMatchObject({ identity: { customerId: "user_1" }, productIds: [], priceIds: ["p"] });
    expect(event).toEqual(before);
  });

  it("keeps all other fields", async () => {
    const event = eventWith({ identity: { customerId: "cus_1", referralId: "ref_1", clickId: "click_1" } });
    expect(await mapIds(event, { customers: { cus_1: "user_1" } })).toEqual({
      ...event,
      identity: { ...event.identity, customerId: "user_1" },
    });
  });
});
