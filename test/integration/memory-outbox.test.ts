import { once } from "node:events";
import { createInterface } from "node:readline";
import { describe, expect, it } from "vitest";
import { memoryOutbox } from "../../src/outbox/memory.js";
import { describeOutbox } from "../contract/outbox-store.js";
import { start } from "../helpers/outbox/processes.js";

describeOutbox("memoryOutbox", {
  make: async (options) => ({ outbox: memoryOutbox(options) }),
});

describe("memoryOutbox", () => {
  it("says that it keeps nothing, and that it is one process's alone", () => {
    expect(memoryOutbox()).toMatchObject({ durable: false, sharedAcrossProcesses: false });
  });

  it.each([{ maxBacklog: 0 }, { maxBacklog: 1.5 }, { maxBacklog: "5" }, { path: "x" }])("refuses %o", (options) => {
    expect(() => memoryOutbox(options as object)).toThrow(/invalid_options: /);
  });

  it("takes hardly more steps for a webhook with 10,000 entries in its backlog than with 100", async () => {
    const child = start("memory-operations.ts", "100", "10000");
    const [line] = await once(createInterface({ input: child.stdout }), "line");
    const [few = Number.NaN, many = Number.NaN]: number[] = JSON.parse(String(line));
    expect(few).toBeGreaterThan(10);
    expect(many).toBeLessThan(3 * few);
  });
});
