import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { createRelay } from "affonso-relay";
import { createExpressMiddleware } from "affonso-relay/express";
import { createNodeHandler } from "affonso-relay/node";
import { sqliteOutbox } from "affonso-relay/sqlite";
import { stripe } from "affonso-relay/stripe";
import Database from "better-sqlite3";
import express from "express";
import Stripe from "stripe";
import { inBenchProcess } from "../process.js";

/** What answers the webhooks of a round. */
const [kind = "", webhookSecret = "", path = ""] = process.argv.slice(2);

function relay() {
  return createRelay({
    apiKey: "sk_live_of_the_benchmark",
    // Nobody is there, and one attempt a minute is made: what is measured is how webhooks come in.
    baseUrl: "http://127.0.0.1:9/v1",
    rateLimit: { perMinute: 1, perSecond: 1 },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    adapters: [stripe({ webhookSecret })],
    outbox: sqliteOutbox({ database: new Database(path) }),
  });
}

const LISTENERS: Readonly<Record<string, () => RequestListener>> = {
  "express by hand": () => {
    const { webhooks } = new Stripe("sk_test_of_the_benchmark");
    const app = express();
    app.post("/webhooks/stripe", express.raw({ type: "application/json" }), (request, response) => {
      webhooks.constructEvent(request.body, request.headers["stripe-signature"] ?? "", webhookSecret);
      response.json({ received: true });
    });
    return app;
  },
  "express with relay": () => express().use("/webhooks", createExpressMiddleware(relay())),
  "node by hand": () => (request, response) => {
    request.resume().on("end", () => response.setHeader("content-type", "application/json").end('{"received":true}'));
  },
  "node with relay": () => createNodeHandler(relay(), "stripe"),
};

const listener = LISTENERS[kind]?.();
if (listener === undefined) throw new Error(`no server is called ${kind}`);
const server = createServer(listener).listen(0, "127.0.0.1");
server.keepAliveTimeout = 60_000;
await once(server, "listening");
await inBenchProcess((server.address() as AddressInfo).port, async () => process.cpuUsage());
