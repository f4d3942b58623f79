import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { RelayOptions } from "../../../src/options.js";
import { createRelay } from "../../../src/relay.js";
import { failureOf, memoryLogger, optionsOf, sale, signed } from "./support.js";

const servers: Server[] = [];

/** A real endpoint; `requests` resolves once it was asked for the first time. */
async function endpoint(
  answer?: string,
): Promise<{ baseUrl: string; asked: Promise<unknown>; hungUp: Promise<unknown> }> {
  const server = createServer((_, response) => {
    if (answer !== undefined) response.writeHead(201).end(answer);
  });
  servers.push(server.listen(0, "127.0.0.1"));
  const asked = once(server, "request");
  const hungUp = asked.then(([request]) => once(request.socket, "close"));
  await once(server, "listening");
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, hungUp };
}

/** A function that answers nothing until it is released, and a promise of its being called. */
function gate() {
  let release = () => {};
  let reached = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const called = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const wait = async <T>(value: T): Promise<T> => {
    reached();
    await released;
    return value;
  };
  return { wait, called, release };
}

const webhook = signed({ records: [sale()] });
const created: RelayOptions["fetch"] = async () => Response.json({ success: true, data: {} }, { status: 201 });
const relayWith = (changes: Partial<RelayOptions>) => createRelay(optionsOf({ fetch: created, ...changes }));

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

describe("timeoutMs", () => {
  it("ends a webhook that the endpoint never answers, and the request with it", async () => {
    const { baseUrl, asked, hungUp } = await endpoint();
    const { logger, failures } = memoryLogger();
    const relay = createRelay(optionsOf({ baseUrl, timeoutMs: 1_000, logger }));
    const error = await failureOf(() => relay.receive("billing", webhook));
    expect(error).toMatchObject({ code: "timed_out", status: 503, retryable: true });
    expect(error.message).toContain("not done within 1000 ms");
    await Promise.all([asked, hungUp]);
    expect(failures()).toHaveLength(1);
  });

  it.each<[string, (wait: ReturnType<typeof gate>["wait"]) => Partial<RelayOptions>]>([
    ["a mapping", (wait) => ({ mappings: { customers: wait } })],
    ["transform", (wait) => ({ transform: wait })],
    ["on.delivered", (wait) => ({ on: { delivered: wait } })],
  ])("ends a webhook whose %s never answers", async (_, changes) => {
    const { wait, release } = gate();
    const error = await failureOf(() => relayWith({ timeoutMs: 20, ...changes(wait) }).receive("billing", webhook));
    expect(error.code).toBe("timed_out");
    release();
  });

  it("counts the reading of the body", async () => {
    const { wait, release } = gate();
    const relay = relayWith({ timeoutMs: 20 });
    const request = { body: () => wait(new Uint8Array()), headers: webhook.headers };
    expect((await failureOf(() => relay.receive("billing", request))).code).toBe("timed_out");
    release();
  });

  it("sends nothing any more once it has passed, whenever the mapping answers", async () => {
    const { wait, release } = gate();
    let sends = 0;
    const fetch: RelayOptions["fetch"] = (...args) => {
      sends++;
      return created(...args);
    };
    const { logger, failures } = memoryLogger();
    const relay = relayWith({ timeoutMs: 20, mappings: { customers: wait }, fetch, logger });
    await failureOf(() => relay.receive("billing", webhook));
    release();
    await new Promise(setImmediate);
    expect(sends).toBe(0);
    expect(failures()).toHaveLength(1);
  });

  it("is not reached by a webhook that is done in time", async () => {
    const { baseUrl } = await endpoint('{"success":true,"data":{}}');
    const relay = createRelay(optionsOf({ baseUrl }));
    expect((await relay.receive("billing", webhook)).status).toBe("delivered");
  });
});

describe("stop", () => {
  it("refuses new webhooks with a 503", async () => {
    const relay = relayWith({});
    await relay.stop();
    for (const attempt of [
      () => relay.receive("billing", webhook),
      () => relay.receiveVerified("billing", { records: [] }),
    ]) {
      expect(await failureOf(attempt)).toMatchObject({ code: "relay_stopped", status: 503, retryable: true });
    }
  });

  it("refuses new webhooks from the moment it is called, without reading them", async () => {
    const { wait, called, release } = gate();
    const relay = relayWith({ mappings: { customers: wait } });
    const underWay = relay.receive("billing", webhook);
    await called;
    const stopped = relay.stop();
    const body = () => expect.fail("the body was read");
    const error = await failureOf(() => relay.receive("billing", { body, headers: {} }));
    expect(error.code).toBe("relay_stopped");
    release();
    await Promise.all([stopped, underWay]);
  });

  it("waits for the webhooks under way, which are answered as ever", async () => {
    const { wait, called, release } = gate();
    const order: string[] = [];
    const on = { delivered: () => void order.push("delivered") };
    const relay = relayWith({ mappings: { customers: wait }, on });
    const underWay = relay.receive("billing", webhook);
    await called;
    const stopped = relay.stop().then(() => order.push("stopped"));
    await new Promise(setImmediate);
    expect(order).toEqual([]);
    release();
    expect((await underWay).status).toBe("delivered");
    await stopped;
    expect(order).toEqual(["delivered", "stopped"]);
  });

  it("aborts what is still under way after its timeoutMs, and answers it with a 503", async () => {
    const { baseUrl, asked, hungUp } = await endpoint();
    const { logger, failures } = memoryLogger();
    const relay = createRelay(optionsOf({ baseUrl, timeoutMs: 60_000, logger }));
    const underWay = failureOf(() => relay.receive("billing", webhook));
    await asked;
    await relay.stop({ timeoutMs: 10 });
    expect(await underWay).toMatchObject({ code: "relay_stopped", status: 503, retryable: true });
    await hungUp;
    expect(failures()).toHaveLength(1);
  });

  it("does not wait for a mapping that never answers", async () => {
    const { wait, called, release } = gate();
    const relay = relayWith({ timeoutMs: 60_000, mappings: { customers: wait } });
    const underWay = failureOf(() => relay.receive("billing", webhook));
    await called;
    await relay.stop({ timeoutMs: 0 });
    expect((await underWay).code).toBe("relay_stopped");
    release();
  });

  it("may be called twice, and the second waits for the first", async () => {
    const { wait, called, release } = gate();
    const relay = relayWith({ mappings: { customers: wait } });
    const underWay = relay.receive("billing", webhook);
    await called;
    const stops = [relay.stop(), relay.stop()];
    let stopped = 0;
    for (const stop of stops) stop.then(() => stopped++);
    await new Promise(setImmediate);
    expect(stopped).toBe(0);
    release();
    await Promise.all([...stops, underWay]);
    await relay.stop();
  });

  it.each<[string, number, string]>([
    ["in time", 60_000, "delivered"],
    ["and had to be aborted", 0, "relay_stopped"],
  ])("is done only once the caller of receive has its answer: %s", async (_, timeoutMs, answer) => {
    const { wait, called, release } = gate();
    const order: string[] = [];
    const relay = relayWith({ timeoutMs: 60_000, mappings: { customers: wait } });
    const caller = async () => {
      try {
        order.push((await relay.receive("billing", webhook)).status);
      } catch (error) {
        order.push(String(Reflect.get(Object(error), "code")));
      }
    };
    const underWay = caller();
    await called;
    const stopped = relay.stop({ timeoutMs }).then(() => order.push("stopped"));
    if (timeoutMs > 0) release();
    await Promise.all([underWay, stopped]);
    expect(order).toEqual([answer, "stopped"]);
    release();
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, "10", null])(
    "rejects a timeoutMs that is no number of milliseconds, and stops nothing (%#)",
    async (timeoutMs) => {
      const relay = relayWith({});
      const error = await failureOf(() => relay.stop({ timeoutMs: timeoutMs as never }));
      expect(error.code).toBe("invalid_options");
      expect(error.message).toContain("stop timeoutMs must be 0 or more milliseconds");
      expect((await relay.receive("billing", webhook)).status).toBe("delivered");
    },
  );

  it("is done at once where nothing is under way", async () => {
    const relay = relayWith({});
    expect((await relay.receive("billing", webhook)).status).toBe("delivered");
    await relay.stop({ timeoutMs: 60_000 });
  });
});

describe("start", () => {
  it("takes webhooks again after stop", async () => {
    const relay = relayWith({});
    await relay.stop();
    await relay.start();
    expect((await relay.receive("billing", webhook)).status).toBe("delivered");
  });

  it("takes webhooks again after a stop that had to abort", async () => {
    const { wait, called, release } = gate();
    const customers = (id: string) => (id === "slow" ? wait(id) : id);
    const relay = relayWith({ mappings: { customers } });
    const slow = signed({ records: [sale({ identity: { customerId: "slow" } })] });
    const underWay = failureOf(() => relay.receive("billing", slow));
    await called;
    await relay.stop({ timeoutMs: 0 });
    await underWay;
    await relay.start();
    expect((await relay.receive("billing", webhook)).status).toBe("delivered");
    release();
  });

  it("leaves the relay able to be stopped again, with all that belongs to it", async () => {
    const { wait, release } = gate();
    const relay = relayWith({ timeoutMs: 60_000, mappings: { customers: wait } });
    for (let round = 0; round < 2; round++) {
      const underWay = failureOf(() => relay.receive("billing", webhook));
      await relay.stop({ timeoutMs: 0 });
      expect((await underWay).code).toBe("relay_stopped");
      await relay.start();
    }
    release();
  });

  it("changes nothing on a relay that was not stopped, and may be called twice", async () => {
    const relay = relayWith({});
    await Promise.all([relay.start(), relay.start()]);
    expect((await relay.receive("billing", webhook)).status).toBe("delivered");
    await relay.stop();
    await Promise.all([relay.start(), relay.start()]);
    expect((await relay.receive("billing", webhook)).status).toBe("delivered");
  });

  it("between two stops leaves the relay stopped, though none of the three is awaited", async () => {
    const relay = relayWith({});
    await Promise.all([relay.stop(), relay.start(), relay.stop()]);
    expect((await failureOf(() => relay.receive("billing", webhook))).code).toBe("relay_stopped");
    await relay.start();
    expect((await relay.receive("billing", webhook)).status).toBe("delivered");
  });

  it("after several stops leaves the relay started, in the order they were asked for", async () => {
    const relay = relayWith({});
    await Promise.all([relay.stop(), relay.start(), relay.stop(), relay.start()]);
    expect((await relay.receive("billing", webhook)).status).toBe("delivered");
  });

  it("waits until the stop under way is done", async () => {
    const { wait, called, release } = gate();
    const relay = relayWith({ mappings: { customers: wait } });
    const underWay = relay.receive("billing", webhook);
    await called;
    const stopped = relay.stop();
    const started = relay.start();
    expect((await failureOf(() => relay.receive("billing", webhook))).code).toBe("relay_stopped");
    release();
    await Promise.all([underWay, stopped, started]);
    expect((await relay.receive("billing", webhook)).status).toBe("delivered");
  });
});
