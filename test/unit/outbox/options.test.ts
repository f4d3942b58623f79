import { describe, expect, it } from "vitest";
import { durableOptions } from "../../../src/outbox/options.js";
import { createRelay } from "../../../src/relay.js";
import { failureOf, optionsOf } from "../core/support.js";

const DAY_MS = 86_400_000;

describe("the options of a relay with an outbox", () => {
  it("have defaults", () => {
    expect(durableOptions({})).toEqual({
      rateLimit: { perMinute: 300, perSecond: 10 },
      retry: {
        delaysMs: [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 21_600].map((seconds) => seconds * 1_000),
        jitter: 0.2,
        maxAgeMs: 7 * DAY_MS,
      },
      linkWaitMs: 60_000,
      saleWaitMs: DAY_MS,
      recheckUnmatchedMs: undefined,
      concurrency: 8,
      keepMs: 30 * DAY_MS,
      requestTimeoutMs: 15_000,
    });
  });

  it("are the defaults where they are undefined, in a retry policy too", () => {
    const retry = { delaysMs: undefined, jitter: undefined, maxAgeMs: undefined };
    expect(durableOptions({ rateLimit: undefined, retry })).toEqual(durableOptions({}));
  });

  it.each([
    { retry: { jitter: 0 } },
    { retry: { jitter: 1 } },
    { retry: { delaysMs: [1], maxAgeMs: 1 } },
    { linkWaitMs: 0 },
    { recheckUnmatchedMs: 1, concurrency: 1_000, keepMs: DAY_MS },
    { rateLimit: { perMinute: 1_000_000, perSecond: 100_000 } },
  ])("may go to their bounds (%#)", (options) => expect(durableOptions(options)).toMatchObject(options));

  it.each<[object, string]>([
    [{ rateLimit: null }, "the argument of rateLimit must be an object, got null"],
    [{ rateLimit: { perMinute: 300 } }, "rateLimit.perSecond must be a whole number from 1 to 100000"],
    [{ rateLimit: { perMinute: 0, perSecond: 1 } }, "rateLimit.perMinute must be a whole number from 1 to 1000000"],
    [{ rateLimit: { perMinute: 1, perSecond: 1, perHour: 1 } }, "rateLimit has no option perHour"],
    [{ retry: { attempts: 3 } }, "retry has no option attempts; it has delaysMs, jitter, maxAgeMs"],
    [{ retry: { delaysMs: [] } }, "retry.delaysMs must be a list of delays, got an empty array"],
    [{ retry: { delaysMs: 5_000 } }, "retry.delaysMs must be a list of delays, got a number"],
    [{ retry: { delaysMs: [5_000, 0] } }, "retry.delaysMs[1] must be a whole number from 1 to 259200000"],
    [{ retry: { jitter: 1.1 } }, "retry.jitter must be a share from 0 to 1, got a number"],
    [{ retry: { jitter: -0.1 } }, "retry.jitter must be a share from 0 to 1, got a number"],
    [{ retry: { jitter: Number.NaN } }, "retry.jitter must be a share from 0 to 1, got a number"],
    [{ retry: { jitter: "0.2" } }, "retry.jitter must be a share from 0 to 1, got a string"],
    [{ retry: { maxAgeMs: 0 } }, "retry.maxAgeMs must be a whole number from 1"],
    [{ linkWaitMs: -1 }, "linkWaitMs must be a whole number from 0"],
    [{ recheckUnmatchedMs: 0 }, "recheckUnmatchedMs must be a whole number from 1"],
    [{ concurrency: 0 }, "concurrency must be a whole number from 1 to 1000"],
    [{ keepMs: DAY_MS - 1 }, "keepMs must be a whole number from 86400000"],
  ])("are refused by their name (%#)", async (options, message) => {
    const error = await failureOf(() => durableOptions(options as never));
    expect(error.message).toContain(`invalid_options: ${message}`);
  });

  it("are frozen copies: what the caller changes later changes nothing", () => {
    const given = { rateLimit: { perMinute: 100, perSecond: 2 }, retry: { delaysMs: [1_000] } };
    const taken = durableOptions(given);
    given.rateLimit.perMinute = 1;
    given.retry.delaysMs.push(1);
    expect(taken).toMatchObject({ rateLimit: { perMinute: 100 }, retry: { delaysMs: [1_000] } });
    for (const part of [taken, taken.rateLimit, taken.retry, taken.retry.delaysMs]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });
});

describe("an outbox that is none", () => {
  it.each([[null], ["./relay.db"], [{}], [() => ({ put() {} })]])("is refused at start (%#)", async (outbox) => {
    const error = await failureOf(() => createRelay(optionsOf({ outbox: outbox as never })));
    expect(error.message).toContain("outbox must be an outbox, such as sqliteOutbox(…), got ");
  });

  it.each([
    [undefined, "undefined"],
    [null, "null"],
    [{}, "an object"],
    ["outboxEngine", "a string"],
  ])("is told of its engine where it is a store without one: %j", async (engine, got) => {
    const error = await failureOf(() => createRelay(optionsOf({ outbox: { put() {}, engine } as never })));
    expect(error).toMatchObject({
      code: "invalid_options",
      message: `invalid_options: outbox.engine must be outboxEngine of "affonso-relay/outbox", got ${got}`,
    });
  });
});
