import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteBuffer } from "../../../src/http/byte-buffer.js";

describe("a body as it comes in", () => {
  it("is what its chunks are one after another, whatever their sizes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 3_000 }), { maxLength: 12 }), (chunks) => {
        const body = new ByteBuffer(40_000);
        for (const chunk of chunks) body.append(chunk);
        expect(Buffer.from(body.toBytes())).toEqual(Buffer.concat(chunks));
      }),
    );
  });

  it.each([1, 4096, 5000])("may have as many bytes as are allowed (%i), and not one more", (maxBytes) => {
    const body = new ByteBuffer(maxBytes);
    for (let at = 0; at < maxBytes; at++) body.append(new Uint8Array([at]));
    expect(body.toBytes()).toHaveLength(maxBytes);
    expect(() => body.append(new Uint8Array(1))).toThrow(/body_too_large: the body has more than/);
  });

  it("is handed over in a buffer of its own length, and goes on", () => {
    const body = new ByteBuffer(100);
    body.append(Buffer.from("a"));
    const first = body.toBytes();
    body.append(Buffer.from("b"));
    expect([first.buffer.byteLength, String(Buffer.from(first)), String(Buffer.from(body.toBytes()))]).toEqual([
      1,
      "a",
      "ab",
    ]);
  });
});
