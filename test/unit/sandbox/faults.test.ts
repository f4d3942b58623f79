import { describe, expect, it } from "vitest";
import { NOW_MS, sale, startSandbox } from "./client.js";

describe("faults", () => {
  it.each([
    [400, "VALIDATION_ERROR"],
    [401, "UNAUTHORIZED"],
    [403, "FORBIDDEN"],
    [404, "NOT_FOUND"],
    [409, "DUPLICATE_ERROR"],
    [500, "INTERNAL_ERROR"],
  ])("answer %s in the envelope, as %s, and process nothing", async (status, code) => {
    const { post, sandbox } = await startSandbox();
    sandbox.faults.next({ status });
    const reply = await post("/events", sale());
    expect(reply.status).toBe(status);
    expect(reply.body).toMatchObject({ success: false, error: { code } });
    expect(sandbox.conversions).toHaveLength(0);
  });

  it("answer 429 with one agreed time to wait", async () => {
    const { post, sandbox } = await startSandbox();
    sandbox.faults.next({ status: 429, headers: { "Retry-After": "7" } });
    const { headers, body } = await post("/events", sale());
    expect(headers.get("retry-after")).toBe("7");
    expect(headers.get("x-ratelimit-reset")).toBe(String(NOW_MS / 1000 + 7));
    expect(body.error.retryAfter).toBe(7);
  });

  it("answer other statuses as a proxy would", async () => {
    const { post, sandbox } = await startSandbox();
    sandbox.faults.next({ status: 502 });
    expect(await post("/events", sale())).toMatchObject({ status: 502, text: "Bad Gateway", body: undefined });
  });

  it("answer with a body and headers of the test's choice", async () => {
    const { post, sandbox } = await startSandbox();
    sandbox.faults.next({ body: "<html>Log in</html>", headers: { "Content-Type": "text/html" } });
    sandbox.faults.next({ status: 200, body: { success: false } });
    const page = await post("/events", sale());
    expect(page).toMatchObject({ status: 200, text: "<html>Log in</html>" });
    expect(page.headers.get("content-type")).toBe("text/html");
    expect((await post("/events", sale())).body).toEqual({ success: false });
  });

  it("come in order, each as often as it says", async () => {
    const { post, sandbox } = await startSandbox();
    sandbox.faults.next({ status: 503, times: 2 });
    sandbox.faults.next({ status: 409 });
    expect(sandbox.faults.pending).toBe(3);
    const statuses = [];
    for (let at = 0; at < 5; at++) statuses.push((await post("/events", sale())).status);
    expect(statuses).toEqual([503, 503, 409, 201, 200]);
    expect(sandbox.faults.pending).toBe(0);
  });

  it("cut the connection before anything happened", async () => {
    const { post, sandbox } = await startSandbox();
    sandbox.faults.next({ reset: "before" });
    await expect(post("/events", sale())).rejects.toThrow();
    expect(sandbox.conversions).toHaveLength(0);
    expect(sandbox.requests.map(({ status }) => status)).toEqual([null]);
  });

  it("cut the connection after it happened, so that the next try is a replay", async () => {
    const { post, sandbox } = await startSandbox();
    sandbox.faults.next({ reset: "after" });
    await expect(post("/events", sale())).rejects.toThrow();
    expect(sandbox.conversions).toHaveLength(1);
    expect((await post("/events", sale())).body.data.replayed).toBe(true);
    expect(sandbox.conversions).toHaveLength(1);
  });

  it("answer late, while the effect is there already", async () => {
    const { post, sandbox } = await startSandbox();
    sandbox.faults.next({ delayMs: 50 });
    const startedAt = performance.now();
    expect((await post("/events", sale())).status).toBe(201);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(45);
    sandbox.faults.next({ delayMs: 60_000 });
    const aborted = post("/events", sale({ external_event_id: "evt_2" }));
    const failed = expect(aborted).rejects.toThrow();
    while (sandbox.conversions.length < 2) await new Promise(setImmediate);
    await sandbox.stop();
    await failed;
  });

  it("stand until they are cleared, behind those in the queue", async () => {
    const { post, sandbox } = await startSandbox();
    sandbox.faults.always({ status: 401 });
    sandbox.faults.next({ status: 503 });
    expect((await post("/events", sale())).status).toBe(503);
    expect((await post("/events", sale())).status).toBe(401);
    expect((await post("/events", sale())).status).toBe(401);
    sandbox.faults.clear();
    expect((await post("/events", sale())).status).toBe(201);
  });

  it("may depend on the request", async () => {
    const { post, sandbox } = await startSandbox();
    sandbox.faults.always(({ path }) => (path.endsWith("/clicks") ? { status: 500 } : undefined));
    expect((await post("/clicks", {})).status).toBe(500);
    expect((await post("/events", sale())).status).toBe(201);
  });

  it("are refused when they are misspelt, since they would never strike", async () => {
    const { sandbox } = await startSandbox();
    expect(() => sandbox.faults.next({ stauts: 500 } as object)).toThrow(
      "invalid_options: fault: unknown field stauts",
    );
    expect(() => sandbox.faults.always({ status: 99 })).toThrow("fault: status");
  });
});
