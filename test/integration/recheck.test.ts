import { EventEmitter, once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import type { RelayOptions } from "../../src/options.js";
import { memoryOutbox } from "../../src/outbox/memory.js";
import type { Relay } from "../../src/relay.js";
import { sandboxForTests } from "../helpers/relay.js";
import { invoicePaid } from "../helpers/webhooks.js";

describe("a sale whose referral the endpoint does not know", async () => {
  const { sandbox, relay } = await sandboxForTests();
  let running: Relay | undefined;
  afterEach(async () => running?.stop());

  /** Sends the sale of a referral that is not there yet; answers what becomes of it. */
  const send = async (options: Partial<RelayOptions>) => {
    const told = new EventEmitter();
    const outbox = memoryOutbox();
    const on = { delivered: () => told.emit("done", "delivered"), unmatched: () => told.emit("done", "unmatched") };
    running = relay({ outbox, on, ...options });
    const done = once(told, "done");
    const body = JSON.parse(invoicePaid("late", { metadata: { affonso_referral: "ref_late" } }));
    await running.receiveVerified("stripe", body);
    return async () => String((await done)[0]);
  };

  it("is unmatched at once where nobody asked for a recheck", async () => {
    const fate = await send({});
    expect(await fate()).toBe("unmatched");
    // With its customer, and for the customer alone.
    expect(sandbox.requests).toHaveLength(2);
  });

  it("is asked for once more after recheckUnmatchedMs, and counts if the referral has come", async () => {
    sandbox.faults.next({ status: 404, body: { success: false, error: { code: "NOT_FOUND", message: "not yet" } } });
    sandbox.addReferral("ref_late");
    const fate = await send({ recheckUnmatchedMs: 20 });
    expect(await fate()).toBe("delivered");
    expect(sandbox.requests).toHaveLength(3);
    expect(sandbox.conversions).toMatchObject([{ referral_id: "ref_late" }]);
  });

  it("is unmatched for good after the second time", async () => {
    const fate = await send({ recheckUnmatchedMs: 20 });
    expect(await fate()).toBe("unmatched");
    expect(sandbox.requests).toHaveLength(4);
    expect((await running?.stats())?.counts).toMatchObject({ unmatched: 1, pending: 0 });
  });
});
