import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { getRequestListener } from "@hono/node-server";
import express from "express";
import * as z from "zod";
import { custom, fromMajorUnits, hmacSha256 } from "../../../../adapters/custom/index.js";
import { paddle } from "../../../../adapters/paddle/index.js";
import { stripe } from "../../../../adapters/stripe/index.js";
import { createExpressMiddleware } from "../../../../src/http/express.js";
import { createFetchHandler } from "../../../../src/http/fetch.js";
import { memoryOutbox } from "../../../../src/outbox/memory.js";
import { createRelay } from "../../../../src/relay-node.js";
import { type Health, HOSTILE_SECRETS, type HostileConfig, type Ports, type Question } from "./messages.js";

const keysOfPrototype = () => Reflect.ownKeys(Object.prototype).map(String);

function relayOf({ hasOutbox, ...endpoint }: HostileConfig) {
  return createRelay({
    ...endpoint,
    ...(hasOutbox && { outbox: memoryOutbox() }),
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    adapters: [
      stripe({ webhookSecret: HOSTILE_SECRETS.stripe }),
      paddle({ webhookSecret: HOSTILE_SECRETS.paddle }),
      custom({
        name: "billing",
        verify: hmacSha256({ header: "x-billing-signature", secret: HOSTILE_SECRETS.billing }),
        // As apps write them: one part is checked in depth, by a schema that calls itself.
        schema: z.looseObject({
          id: z.string(),
          total: z.string(),
          tree: z.json().optional(),
          metadata: z.record(z.string(), z.unknown()).optional(),
        }),
        normalize: ({ id, total, metadata }) => ({
          name: "order_paid",
          type: "conversion",
          externalEventId: id,
          identity: { referralId: "ref_ada" },
          sale: fromMajorUnits(total, "USD"),
          metadata,
        }),
      }),
    ],
  });
}

/** Servers of two kinds for one relay. The process says their ports, its health when asked, and ends with its parent. */
async function serve(config: HostileConfig): Promise<void> {
  const before = keysOfPrototype();
  const relay = relayOf(config);
  await relay.start();
  const app = express().use(createExpressMiddleware(relay));
  const listeners: RequestListener[] = [app, getRequestListener(createFetchHandler(relay))];
  // On a busy machine a connection may be idle for Node's 5 s, and be closed while its next request is on the way.
  const servers = listeners.map((listener) =>
    createServer({ keepAliveTimeout: 60_000 }, listener).listen(0, "127.0.0.1", 4_096),
  );
  await Promise.all(servers.map((server) => once(server, "listening")));

  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  process.on("message", async (question: Question) => {
    const blockedMs = delay.max / 1e6;
    const counted = servers.map(
      (server) => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count))),
    );
    const connections = (await Promise.all(counted)).reduce((sum, count) => sum + count, 0);
    if (question === "health without garbage") globalThis.gc?.();
    const { rss, arrayBuffers } = process.memoryUsage();
    const polluted = keysOfPrototype().filter((key) => !before.includes(key));
    process.send?.({ blockedMs, connections, rssBytes: rss, bufferBytes: arrayBuffers, polluted } satisfies Health);
    delay.reset();
  });
  process.once("disconnect", () => process.exit(0));
  const [expressPort = 0, fetchPort = 0] = servers.map((server) => (server.address() as AddressInfo).port);
  process.send?.({ express: expressPort, fetch: fetchPort } satisfies Ports);
}

const config = process.env["PROOF_HOSTILE"];
if (config !== undefined) await serve(JSON.parse(config));
