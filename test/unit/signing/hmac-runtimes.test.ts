import * as node from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { utf8Bytes } from "../../../src/signing/encoding.js";
import { createHmac, type HmacSigner } from "../../../src/signing/hmac.js";

const KEY = utf8Bytes("team secret é");

const FORBIDDING = {
  get getBuiltinModule(): never {
    throw new Error("A Node.js API is used which is not supported in the Edge Runtime.");
  },
};

describe("an HMAC", () => {
  it.each([
    ["on Node", globalThis.process],
    ["where there is no process", undefined],
    ["where there is one that lends no modules", {}],
    ["where there is one that throws when it is asked, as in the Edge Runtime of Next.js", FORBIDDING],
  ])("counts text as its UTF-8 bytes, beside bytes: %s", async (_, process) => {
    vi.stubGlobal("process", process);
    let sign: HmacSigner;
    try {
      sign = createHmac("SHA-256", KEY);
    } finally {
      vi.unstubAllGlobals();
    }
    const digest = await sign("msg_1.überwiesen 😀.", utf8Bytes('{"id":"evt_1"}'), "");
    const expected = node.createHmac("sha256", KEY).update('msg_1.überwiesen 😀.{"id":"evt_1"}').digest();
    expect([...digest]).toEqual([...expected]);
  });

  it("is there at once where Node lends its modules, without the way to another thread and back", () => {
    // Not before 20.16 and 22.3.
    const lends = Reflect.has(process, "getBuiltinModule");
    expect(createHmac("SHA-256", KEY)("a") instanceof Promise).toBe(!lends);
  });
});
