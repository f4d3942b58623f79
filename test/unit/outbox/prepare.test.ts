import { describe, expect, it } from "vitest";
import type { RelayEvent } from "../../../src/event.js";
import type { RelayOptions } from "../../../src/options.js";
import { toWireRefund } from "../../../src/outbox/refund.js";
import { prepareRecords } from "../../../src/prepare.js";
import { refund, sale } from "./support.js";

const eur = (minorUnits: number) => ({ minorUnits, currency: "EUR" });

/** The event as it is kept, after the app had it in hands. */
async function prepared(event: RelayEvent, transform: (event: RelayEvent) => unknown): Promise<RelayEvent> {
  const options = { mappings: {}, transform: transform as RelayOptions["transform"], findsIdentity: true };
  const [ready] = await prepareRecords([event], options);
  return ready?.kind === "event" ? ready : expect.fail("it is no event any more");
}

describe("an event whose sale transform made another amount", () => {
  it("keeps what was paid, so that a refund is its share of it", async () => {
    const { sale: half, paid } = await prepared(sale(), (event) => ({ ...event, sale: eur(5_000) }));
    expect([half, paid]).toEqual([eur(5_000), eur(10_000)]);
    expect(toWireRefund(refund({ amount: eur(2_500) }), half, paid).amount).toBe(12.5);
    expect(toWireRefund(refund({ amount: eur(10_000) }), half, paid).amount).toBeUndefined();
  });

  it("keeps what was paid with tax", async () => {
    const event = sale({ paid: eur(11_900) });
    expect((await prepared(event, (one) => ({ ...one, sale: eur(5_000) }))).paid).toEqual(eur(11_900));
    expect((await prepared(event, ({ paid: _, ...one }) => ({ ...one, sale: eur(5_000) }))).paid).toEqual(eur(11_900));
  });

  it("keeps what transform says was paid", async () => {
    const both = { sale: eur(5_000), paid: eur(7_000) };
    expect((await prepared(sale(), (event) => ({ ...event, ...both }))).paid).toEqual(eur(7_000));
  });

  it("keeps what was paid where the currency is another one, of the same number", async () => {
    const dollars = { minorUnits: 10_000, currency: "USD" };
    const event = await prepared(sale(), (one) => ({ ...one, sale: dollars }));
    expect([event.sale, event.paid]).toEqual([dollars, eur(10_000)]);
  });

  it("keeps what was paid where transform changed the event that it was given", async () => {
    const event = await prepared(sale(), (one) => {
      if (one.sale) Object.assign(one.sale, { minorUnits: 5_000 });
      return one;
    });
    expect([event.sale, event.paid]).toEqual([eur(5_000), eur(10_000)]);
  });
});

describe("an event whose sale transform left as it was", () => {
  it("was paid with what it says", async () => {
    const rename = (event: RelayEvent) => ({ ...event, name: "renamed" });
    expect(await prepared(sale(), rename)).toEqual({ ...sale(), name: "renamed" });
    expect((await prepared(sale({ paid: eur(11_900) }), rename)).paid).toEqual(eur(11_900));
  });

  it("was paid with what it said before, where transform built it anew", async () => {
    const { paid } = await prepared(sale({ paid: eur(11_900) }), ({ paid: _, ...event }) => event);
    expect(paid).toEqual(eur(11_900));
  });
});
