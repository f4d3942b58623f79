import { describe, expect, it } from "vitest";
import * as z from "zod";
import { custom, unsafeNoVerification } from "../../adapters/custom/index.js";
import { headerOf } from "../../src/adapter.js";
import { createFetchHandler } from "../../src/http/fetch.js";
import { memoryOutbox } from "../../src/outbox/memory.js";
import { createRelay } from "../../src/relay-node.js";
import { recordingLogger, sandboxForTests } from "../helpers/relay.js";

/** Each of these was found by a reading of the whole before the first release. */
describe("what the review of 0.1.0 found", async () => {
  const { sandbox, baseUrl, relay } = await sandboxForTests();

  const relayOf = (records: readonly object[], outbox = memoryOutbox()) =>
    createRelay({
      apiKey: sandbox.apiKey,
      signingSecret: "signing",
      baseUrl,
      outbox,
      logger: recordingLogger().logger,
      adapters: [
        custom({
          name: "billing",
          verify: unsafeNoVerification(),
          schema: z.object({}),
          normalize: () => records as never,
        }),
      ],
    });
  const amount = { minorUnits: 500, currency: "USD" };
  const refund = { kind: "refund", externalEventId: "re_1", businessKey: "refund:1", amount };
  const sale = { name: "sale", type: "conversion", identity: { customerId: "1" }, sale: amount };

  it.each([
    ["two refunds with one id", [refund, { ...refund, businessKey: "refund:2" }], /two records .*externalEventId/],
    [
      "two sales with one business key",
      [
        { ...sale, externalEventId: "1", businessKey: "order:1" },
        { ...sale, externalEventId: "2", businessKey: "order:1" },
      ],
      /two records .*businessKey/,
    ],
  ])("refuses %s in one webhook, since the second would be lost as a duplicate", async (_what, records, says) => {
    const running = relayOf(records);
    await expect(running.receiveVerified("billing", {})).rejects.toThrow(says);
    await running.stop();
  });

  it("refuses a limit of the body that is no number, in the fetch handler too", () => {
    expect(() => createFetchHandler(relay(), "stripe", { maxBodyBytes: Number.NaN })).toThrow(/maxBodyBytes must be/);
  });

  it("reads headers of another class than the global one", () => {
    const foreign = { get: (name: string) => (name.toLowerCase() === "x-signature" ? "abc" : null) };
    expect(headerOf(foreign as unknown as Headers, "X-Signature")).toBe("abc");
    expect(headerOf(foreign as unknown as Headers, "x-other")).toBeUndefined();
  });

  it.each([
    ["refund", true],
    ["link", true],
    ["paused", false],
    ["resumed", false],
  ])("refuses the hook on.%s where nothing would call it", (hook, hasOutbox) => {
    const options = { on: { [hook]: () => {} }, ...(hasOutbox && { outbox: memoryOutbox() }) };
    expect(() => relay(options)).toThrow(new RegExp(`on\\.${hook} does nothing with`));
  });

  it("closes an outbox that only its numbers were asked of", async () => {
    let closed = 0;
    const outbox = memoryOutbox();
    const close = outbox.close.bind(outbox);
    outbox.close = () => {
      closed++;
      return close();
    };
    const running = relayOf([], outbox);
    await running.stats();
    await running.stop();
    expect(closed).toBe(1);
  });
});
