import { readdirSync } from "node:fs";
import Stripe from "stripe";
import { describe, expect, it } from "vitest";
import { stripe } from "../../../adapters/stripe/index.js";
import { recordsOf, verifyAt } from "../../helpers/records.js";
import { fixture, NOW_MS, request, SECRET, vendorHeader } from "./webhook.js";

const names = readdirSync(new URL("../../fixtures/stripe/", import.meta.url)).map((file) => file.replace(".json", ""));
const snapshots = names.filter((name) => !name.startsWith("thin."));
const adapter = stripe({ webhookSecret: SECRET });
const construct = (body: string | Buffer) =>
  Stripe.webhooks.constructEvent(body, vendorHeader(String(body)), SECRET, 300, undefined, NOW_MS);

describe("an event that the vendor's SDK has verified", () => {
  it.each(snapshots)("becomes the same records as its JSON: %s", async (name) => {
    const body = JSON.stringify(fixture(name));
    const expected = await recordsOf(adapter, fixture(name));
    expect(expected.length).toBeGreaterThan(0);
    expect(await recordsOf(adapter, construct(body))).toEqual(expected);
    expect(await recordsOf(adapter, construct(Buffer.from(body)))).toEqual(expected);
    const ours = await verifyAt(adapter, request(vendorHeader(body), body), NOW_MS);
    expect(await recordsOf(adapter, ours as Stripe.Event)).toEqual(expected);
  });

  it("is not changed by normalizing it, so that your own handler sees what Stripe sent", async () => {
    for (const name of snapshots) {
      const event = construct(JSON.stringify(fixture(name)));
      await recordsOf(adapter, event);
      expect(event).toEqual(fixture(name));
    }
  });

  it("can't be a thin one: the SDK refuses it as we do", () => {
    expect(() => construct(JSON.stringify(fixture("thin.invoice-paid")))).toThrow(/thin event/);
  });
});
