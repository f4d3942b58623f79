import { describe, expect, it } from "vitest";
import { NOW_MS, SECRET, sale, send, signed, startSandbox } from "./client.js";

describe("keys", () => {
  it("answers 401 without a key, with an unknown one and with another scheme", async () => {
    const { post, sandbox } = await startSandbox();
    for (const authorization of ["", "Bearer sk_other", "Basic sk_test_sandbox", "Bearer toString"]) {
      const { status, body } = await post("/events", sale(), { authorization });
      expect(status).toBe(401);
      expect(body).toMatchObject({ success: false, error: { code: "UNAUTHORIZED" } });
    }
    expect(sandbox.conversions).toHaveLength(0);
  });

  it("answers 403 to a key without write:commissions", async () => {
    const { post, sandbox } = await startSandbox({ apiKeys: { sk_read: ["read:commissions"] } });
    const { status, body } = await post("/events", sale());
    expect(status).toBe(403);
    expect(body.error.code).toBe("FORBIDDEN");
    expect(sandbox.conversions).toHaveLength(0);
  });

  it("takes every one of its keys", async () => {
    const { post } = await startSandbox({ apiKeys: ["sk_a", "sk_b"] });
    expect((await post("/events", sale(), { authorization: "Bearer sk_b" })).status).toBe(201);
  });
});

describe("signatures", () => {
  const raw = '{ "event_name":"é",  "referral_id":"ref_1" }';

  it("takes a signature over the exact bytes", async () => {
    const { post } = await startSandbox({ signing: { secret: SECRET } });
    expect((await post("/events", raw, signed(raw))).status).toBe(201);
  });

  it.each([
    ["is missing", {}],
    ["is for another body", signed(`${raw} `)],
    ["is made with another secret", signed(raw, { secret: "other" })],
    [
      "is upper case",
      { ...signed(raw), "X-Affonso-Signature": signed(raw)["X-Affonso-Signature"]?.toUpperCase() ?? "" },
    ],
    ["has a prefix", { ...signed(raw), "X-Affonso-Signature": `sha256=${signed(raw)["X-Affonso-Signature"]}` }],
    ["has no timestamp", { "X-Affonso-Signature": signed(raw)["X-Affonso-Signature"] ?? "" }],
    ["has the timestamp of another", { ...signed(raw), "X-Affonso-Timestamp": String(NOW_MS / 1000 - 1) }],
    ["is 301 seconds old", signed(raw, { atMs: NOW_MS - 301_000 })],
    ["is 301 seconds ahead", signed(raw, { atMs: NOW_MS + 301_000 })],
  ])("answers 401 when a signature %s", async (_, headers) => {
    const { post, sandbox } = await startSandbox({ signing: { secret: SECRET } });
    const { status, body } = await post("/events", raw, headers);
    expect(status).toBe(401);
    expect(body.error.code).toBe("UNAUTHORIZED");
    expect(sandbox.events).toHaveLength(0);
  });

  it("takes a signature that is 300 seconds old or ahead", async () => {
    const { post } = await startSandbox({ signing: { secret: SECRET } });
    for (const atMs of [NOW_MS - 300_000, NOW_MS + 300_000]) {
      expect((await post("/events", raw, signed(raw, { atMs }))).status).toBe(201);
    }
  });

  it("keeps to a tolerance of its own, also one of 0", async () => {
    const { post } = await startSandbox({ signing: { secret: SECRET, toleranceSeconds: 0 } });
    expect((await post("/events", raw, signed(raw, { atMs: NOW_MS - 1000 }))).status).toBe(401);
  });

  it.each([
    "/events",
    "/conversions",
    "/conversions/txn_1/refund",
    "/sources/custom/events",
    "/sources/segment/events",
  ])("asks for a signature on %s", async (path) => {
    const { post } = await startSandbox({ signing: { secret: SECRET } });
    expect((await post(path, "{}")).status).toBe(401);
    expect((await post(path, "{}", signed("{}"))).status).not.toBe(401);
  });

  it("asks for none on clicks and signups", async () => {
    const { post } = await startSandbox({ signing: { secret: SECRET } });
    expect((await post("/clicks", { programId: "p", trackingId: "t" })).status).toBe(201);
    expect((await post("/signups", { click_id: "ref_1", email: "a@example.com" })).status).toBe(201);
  });

  it("checks a signature that need not be there", async () => {
    const { post } = await startSandbox({ signing: { secret: SECRET, required: false } });
    expect((await post("/events", raw)).status).toBe(201);
    expect((await post("/events", raw, signed(raw, { secret: "other" }))).status).toBe(401);
    expect((await post("/events", raw, { "X-Affonso-Timestamp": String(NOW_MS / 1000) })).status).toBe(401);
  });
});

describe("paths and methods", () => {
  it("answers a path that it does not know as a proxy would, without the envelope", async () => {
    const { post, baseUrl } = await startSandbox();
    for (const path of ["/event", "/events/", "", "/sources/stripe/events", "/conversions//refund"]) {
      const { status, text, body } = await post(path, sale());
      expect({ path, status, body }).toEqual({ path, status: 404, body: undefined });
      expect(text).toBe("Not Found");
    }
    expect((await send(`${baseUrl.replace("/v1", "")}/events`, { method: "POST" })).text).toBe("Not Found");
  });

  it("answers 405 to anything but POST", async () => {
    const { baseUrl } = await startSandbox();
    const { status, headers, text } = await send(`${baseUrl}/events`, { method: "PUT", body: "{}" });
    expect(status).toBe(405);
    expect(headers.get("allow")).toBe("POST");
    expect(text).toBe("Method Not Allowed");
  });

  it("answers 413 to more than 1 MiB and takes exactly 1 MiB", async () => {
    const { post } = await startSandbox();
    const body = (length: number) => {
      const empty = JSON.stringify(sale({ metadata: { pad: "" } }));
      return JSON.stringify(sale({ metadata: { pad: "x".repeat(length - empty.length) } }));
    };
    expect((await post("/events", body(1024 * 1024 + 1))).status).toBe(413);
    expect((await post("/events", body(1024 * 1024))).status).toBe(201);
  });
});

describe("the rate limit", () => {
  it("shows itself on every answer", async () => {
    const { post, baseUrl, sandbox } = await startSandbox({ rateLimit: { perMinute: 100, perSecond: 50 } });
    sandbox.faults.next({ status: 502 });
    const answers = [
      await post("/events", sale()),
      await post("/events", sale()),
      await post("/events", {}),
      await post("/events", sale(), { authorization: "" }),
      await post("/nowhere", {}),
      await send(`${baseUrl}/events`, { method: "GET" }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([502, 201, 400, 401, 404, 405]);
    expect(answers.map(({ headers }) => headers.get("x-ratelimit-remaining"))).toEqual([
      "100",
      "99",
      "98",
      "98",
      "98",
      "98",
    ]);
    for (const { headers } of answers) {
      expect(headers.get("x-ratelimit-limit")).toBe("100");
      expect(headers.get("x-ratelimit-reset")).toBe(String(NOW_MS / 1000 + 60));
      expect(headers.get("retry-after")).toBeNull();
    }
  });

  it("is the Launch plan's unless told otherwise: ten in a second, then 429 with Retry-After", async () => {
    let nowMs = NOW_MS;
    const { post } = await startSandbox({ rateLimit: undefined, clock: () => nowMs });
    for (let at = 0; at < 10; at++) expect((await post("/events", sale())).status).toBeLessThan(300);
    const { status, headers, body } = await post("/events", sale());
    expect(status).toBe(429);
    expect(headers.get("retry-after")).toBe("1");
    expect(headers.get("x-ratelimit-limit")).toBe("300");
    expect(headers.get("x-ratelimit-reset")).toBe(String(NOW_MS / 1000 + 1));
    expect(body.error).toMatchObject({ code: "RATE_LIMIT_EXCEEDED", retryAfter: 1 });
    nowMs += 1_000;
    expect((await post("/events", sale())).status).toBe(200);
  });
});
