import { describe, expect, it } from "vitest";
import { memoryOutbox } from "../../src/outbox/memory.js";
import { describeOutbox } from "../contract/outbox-store.js";

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
});
