import { describe, expect, it } from "vitest";
import { paddle } from "../../../adapters/paddle/index.js";
import type { WebhookRequest } from "../../../src/adapter.js";
import { createRelay } from "../../../src/relay.js";
import { verifyAt } from "../../helpers/records.js";
import { recordingLogger } from "../../helpers/relay.js";
import { BODY, h1, NOW_MS, NOW_SECONDS, request, SECRET } from "./webhook.js";

const OTHER = "pdl_ntfset_02fixture_OfAnotherDestination";

const signed = (body: string | Uint8Array = BODY) => request(`ts=${NOW_SECONDS};h1=${h1(body)}`, body);

async function refusal(sent: WebhookRequest, options = {}) {
  const adapter = paddle({ webhookSecret: SECRET, ...options });
  const error: unknown = await verifyAt(adapter, sent, NOW_MS).then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toMatchObject({ name: "RelayError", status: expect.any(Number) });
  return error as { code: string; message: string };
}

describe("the signature of a Paddle webhook", () => {
  it("takes the vector that Paddle's own SDK is tested with", async () => {
    const digest = "a300428748dce5c70e4da19bffd60769591ea969c99dea3105d0ec9612cf43f9";
    const adapter = paddle({ webhookSecret: "VALID_SECRET" });
    const sent = request(`ts=1698796800;h1=${digest}`, '{"data": ["1", "2"]}');
    await expect(verifyAt(adapter, sent, 1_698_796_800_000)).resolves.toEqual({ data: ["1", "2"] });
  });

  it("answers the parsed body of a request that was signed just now", async () => {
    const adapter = paddle({ webhookSecret: SECRET });
    await expect(verifyAt(adapter, signed(), NOW_MS)).resolves.toEqual(JSON.parse(BODY));
  });

  it("takes the body as bytes and the header whatever its case", async () => {
    const body = new TextEncoder().encode('{"name":"Zoë ☂"}');
    const adapter = paddle({ webhookSecret: SECRET });
    const header = `ts=${NOW_SECONDS};h1=${h1(body)}`;
    for (const headers of [{ "Paddle-Signature": header }, new Headers({ "Paddle-Signature": header })]) {
      await expect(verifyAt(adapter, { body, headers }, NOW_MS)).resolves.toEqual({ name: "Zoë ☂" });
    }
  });

  it("takes any of several signatures, in either order", async () => {
    const adapter = paddle({ webhookSecret: SECRET });
    const good = h1();
    const bad = h1(BODY, OTHER);
    for (const list of [`h1=${good};h1=${bad}`, `h1=${bad};h1=${good}`]) {
      await expect(verifyAt(adapter, request(`ts=${NOW_SECONDS};${list}`), NOW_MS)).resolves.toBeDefined();
    }
  });

  it("takes any of several secrets, in either order", async () => {
    for (const webhookSecret of [
      [SECRET, OTHER],
      [OTHER, SECRET],
    ]) {
      await expect(verifyAt(paddle({ webhookSecret }), signed(), NOW_MS)).resolves.toBeDefined();
    }
  });

  it("takes a signature in upper-case hexadecimal", async () => {
    const sent = request(`ts=${NOW_SECONDS};h1=${h1().toUpperCase()}`);
    await expect(verifyAt(paddle({ webhookSecret: SECRET }), sent, NOW_MS)).resolves.toBeDefined();
  });

  it("ignores keys that it does not know, wherever they stand", async () => {
    const sent = request(`v2=abc;h1=${h1()};h2=;flag;ts=${NOW_SECONDS};h1v=x`);
    await expect(verifyAt(paddle({ webhookSecret: SECRET }), sent, NOW_MS)).resolves.toBeDefined();
  });

  it.each([-300, 0, 300])("takes a signature %i seconds away from the clock", async (seconds) => {
    const adapter = paddle({ webhookSecret: SECRET });
    await expect(verifyAt(adapter, signed(), NOW_MS + seconds * 1000)).resolves.toBeDefined();
  });

  it.each([
    [301, "301 s old"],
    [-301, "301 s ahead"],
    [-86_400, "86400 s ahead"],
  ])("refuses a correct signature %i seconds away from the clock", async (seconds, says) => {
    const adapter = paddle({ webhookSecret: SECRET });
    await expect(verifyAt(adapter, signed(), NOW_MS + seconds * 1000)).rejects.toThrow(says);
  });

  it("allows no slack at all with a tolerance of 0", async () => {
    const adapter = paddle({ webhookSecret: SECRET, toleranceSeconds: 0 });
    await expect(verifyAt(adapter, signed(), NOW_MS)).resolves.toBeDefined();
    await expect(verifyAt(adapter, signed(), NOW_MS + 1000)).rejects.toThrow("1 s old and 0 s are allowed");
    await expect(verifyAt(adapter, signed(), NOW_MS - 1000)).rejects.toThrow("1 s ahead");
  });

  it("refuses every flipped bit of the signature", async () => {
    const adapter = paddle({ webhookSecret: SECRET });
    for (let bit = 0; bit < 256; bit++) {
      const bytes = Buffer.from(h1(), "hex");
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const sent = request(`ts=${NOW_SECONDS};h1=${bytes.toString("hex")}`);
      await expect(verifyAt(adapter, sent, NOW_MS)).rejects.toMatchObject({ code: "signature_invalid" });
    }
  });

  it("refuses a body or a timestamp that is not the one signed", async () => {
    expect((await refusal(request(`ts=${NOW_SECONDS};h1=${h1()}`, `${BODY} `))).code).toBe("signature_invalid");
    expect((await refusal(request(`ts=${NOW_SECONDS + 1};h1=${h1()}`))).code).toBe("signature_invalid");
  });

  it("says how many secrets it tried when none fits, and asks about the destination", async () => {
    const sent = request(`ts=${NOW_SECONDS};h1=${h1(BODY, "pdl_ntfset_unknown")}`);
    expect((await refusal(sent)).message).toMatch(/the one secret given.*secret of this destination/);
    expect((await refusal(sent, { webhookSecret: [SECRET, OTHER] })).message).toContain("any of the 2 secrets given");
  });

  it.each([
    ["no timestamp", `h1=${h1()}`, "has no timestamps"],
    ["two timestamps", `ts=${NOW_SECONDS};ts=${NOW_SECONDS};h1=${h1()}`, "has several timestamps"],
    ["a timestamp with letters behind it", `ts=${NOW_SECONDS}abc;h1=${h1(BODY, SECRET, `${NOW_SECONDS}abc`)}`, "unix"],
    ["an empty timestamp", `ts=;h1=${h1(BODY, SECRET, "")}`, "unix seconds"],
    ["no signature", `ts=${NOW_SECONDS}`, "no h1 of 64"],
    ["a cut signature", `ts=${NOW_SECONDS};h1=${h1().slice(0, 62)}`, "no h1 of 64"],
    ["a signature with a tail", `ts=${NOW_SECONDS};h1=${h1()}00`, "no h1 of 64"],
    ["a signature under another scheme", `ts=${NOW_SECONDS};h2=${h1()}`, "no h1 of 64"],
    ["17 signatures", `ts=${NOW_SECONDS}${`;h1=${h1()}`.repeat(17)}`, "more than the 16 signatures"],
    ["an oversized header", `ts=${NOW_SECONDS};h1=${h1()};x=${"a".repeat(4096)}`, "4096"],
    ["two headers joined", `ts=${NOW_SECONDS};h1=${h1()}, ts=${NOW_SECONDS};h1=${h1()}`, "more than once"],
  ])("refuses a header with %s", async (_what, header, says) => {
    const { code, message } = await refusal(request(header));
    expect(code).toBe("signature_invalid");
    expect(message).toContain(says);
  });

  it("names the header that is missing and what may have dropped it", async () => {
    const { code, message } = await refusal(request(undefined));
    expect(code).toBe("signature_invalid");
    expect(message).toMatch(/Paddle-Signature is missing.*proxy/);
  });

  it("never shows a signature, a secret or the body", async () => {
    const wrong = h1(BODY, OTHER);
    for (const sent of [request(`ts=${NOW_SECONDS};h1=${wrong}`), request("ts=1;h1=zz"), request(undefined)]) {
      const { message } = await refusal(sent);
      expect(message).not.toContain(wrong);
      expect(message).not.toContain(SECRET);
      expect(message).not.toContain("evt_1");
    }
  });

  it("refuses a signed body that is not JSON as malformed, not as forged", async () => {
    expect((await refusal(signed("not json"))).code).toBe("malformed_payload");
    expect((await refusal(signed(Uint8Array.of(0x22, 0xff, 0x22)))).code).toBe("malformed_payload");
  });

  it.each<[string, unknown, string]>([
    ["a parsed object", JSON.parse(BODY), "an object"],
    ["a parsed list", [JSON.parse(BODY)], "an array"],
    ["an ArrayBuffer", new TextEncoder().encode(BODY).buffer, "an object"],
    ["nothing", undefined, "undefined"],
  ])("can't verify a body that is %s, and says what to hand over", async (_what, body, got) => {
    const parsed = { body, headers: { "paddle-signature": `ts=${NOW_SECONDS};h1=${h1()}` } } as WebhookRequest;
    const relay = createRelay({
      apiKey: "sk_live_test",
      adapters: [paddle({ webhookSecret: SECRET })],
      clock: () => NOW_MS,
      logger: recordingLogger().logger,
    });
    const received = await relay.receive("paddle", parsed).catch((error) => error);
    for (const error of [await refusal(parsed), received]) {
      expect(error).toMatchObject({ name: "RelayError", code: "body_already_parsed" });
      expect(error.message).toMatch(/the body must be the raw bytes or text.*express\.raw\(\)/);
      expect(error.message).toContain(`got ${got}:`);
      expect(error.message).not.toContain("evt_1");
    }
  });

  it.each(["alert_name=payment_succeeded&alert_id=1&p_signature=abc%3D", "p_signature=abc&alert_id=7"])(
    "recognises a webhook of Paddle Classic: %s",
    async (body) => {
      const { code, message } = await refusal({
        body,
        headers: { "content-type": "application/x-www-form-urlencoded" },
      });
      expect(code).toBe("unsupported_webhook");
      expect(message).toMatch(/Paddle Classic.*Paddle Billing.*https:\/\/developer\.paddle\.com\/migrate\/learn/);
    },
  );

  it("does not take unsigned JSON for Paddle Classic because of what its text says", async () => {
    const sent = request(undefined, '{"url":"https://example.com/?a=1&p_signature=abc"}');
    expect((await refusal(sent)).code).toBe("signature_invalid");
  });
});
