import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { createSandbox } from "../../../src/sandbox/index.js";
import { NOW_MS, sale, startSandbox } from "./client.js";

describe("start and stop", () => {
  it("start once, however often they are called", async () => {
    const sandbox = createSandbox();
    const [first, second] = await Promise.all([sandbox.start(), sandbox.start()]);
    expect(second).toEqual(first);
    expect(first.baseUrl).toBe(`http://127.0.0.1:${first.port}/v1`);
    await Promise.all([sandbox.stop(), sandbox.stop()]);
    await sandbox.stop();
    await expect(fetch(first.baseUrl)).rejects.toThrow();
  });

  it("come back on the same port with everything remembered", async () => {
    const { sandbox, baseUrl, post } = await startSandbox();
    await post("/events", sale());
    await sandbox.stop();
    await expect(post("/events", sale())).rejects.toThrow();
    expect((await sandbox.start(Number(new URL(baseUrl).port))).baseUrl).toBe(baseUrl);
    expect((await post("/events", sale())).body.data.replayed).toBe(true);
  });

  it("reject when the port is taken, and may be tried again", async () => {
    const { baseUrl } = await startSandbox();
    const sandbox = createSandbox();
    await expect(sandbox.start(Number(new URL(baseUrl).port))).rejects.toThrow("EADDRINUSE");
    expect((await sandbox.start()).port).toBeGreaterThan(0);
    await sandbox.stop();
  });

  it.each<[string, unknown]>([
    ["an object", { port: 4999 }],
    ["a string", "4999"],
    ["a number", -1],
    ["a number", 65_536],
    ["a number", Number.NaN],
    ["null", null],
  ])("refuse %s that is no port (%#), and may be tried again", async (what, port) => {
    const sandbox = createSandbox();
    onTestFinished(() => sandbox.stop());
    const refusal = `start port must be a whole number from 0 to 65535, got ${what}`;
    await expect(sandbox.start(port as number)).rejects.toThrow(`invalid_options: ${refusal}`);
    expect((await sandbox.start()).port).toBeGreaterThan(0);
  });

  it("stop does not wait for a client that never finishes its request", async () => {
    const { sandbox, baseUrl } = await startSandbox();
    const socket = connect(Number(new URL(baseUrl).port), "127.0.0.1");
    const closed = new Promise((resolve) => socket.on("error", () => {}).on("close", resolve));
    socket.write("POST /v1/events HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n");
    // The server's "100 Continue" says that the request is open on its side.
    await once(socket, "data");
    await sandbox.stop();
    await closed;
  });

  it("stop without a start does nothing", async () => {
    await expect(createSandbox().stop()).resolves.toBeUndefined();
  });
});

describe("views", () => {
  it("show each request as it came, with its answer's status", async () => {
    const { post, sandbox } = await startSandbox();
    await post("/events?x=1", '{"event_name":1}', { "x-test": "yes" });
    expect(sandbox.requests).toMatchObject([
      { method: "POST", path: "/v1/events", body: '{"event_name":1}', receivedAtMs: NOW_MS, status: 400 },
    ]);
    expect(sandbox.requests[0]?.headers["x-test"]).toBe("yes");
  });

  it("are copies, which change nothing when they are changed", async () => {
    const { post, sandbox } = await startSandbox();
    await post("/events", sale());
    (sandbox.events as unknown[]).pop();
    (sandbox.conversions as unknown[]).pop();
    (sandbox.requests as unknown[]).pop();
    expect([sandbox.events.length, sandbox.conversions.length, sandbox.requests.length]).toEqual([1, 1, 1]);
  });

  it("are empty after a reset, but for the referrals of the options", async () => {
    const { post, sandbox } = await startSandbox({ rateLimit: { perMinute: 1, perSecond: 1 } });
    await post("/events", sale());
    sandbox.addReferral("ref_2");
    sandbox.faults.next({ status: 500 });
    sandbox.reset();
    const { requests, events, conversions, refunds, clicks, replays } = sandbox;
    expect([requests, events, conversions, refunds, clicks, replays].flat()).toEqual([]);
    expect(sandbox.referrals.map(({ id, status }) => [id, status])).toEqual([["ref_1", "click"]]);
    expect((await post("/events", sale())).body.data.replayed).toBe(false);
  });
});
