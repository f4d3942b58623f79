/** An app on Hono, of whatever version. Prints one line of JSON. */
import { createAdaptorServer } from "@hono/node-server";
import type { Relay } from "affonso-relay";
import { createHonoHandler } from "affonso-relay/hono";
import { Hono } from "hono";
import { report, serve, visit } from "./visit.js";

function startApp(relay: Relay) {
  const app = new Hono();
  app.use("/after-text/*", async ({ req }, next) => {
    await req.text();
    await next();
  });
  app.use("/after-json/*", async ({ req }, next) => {
    await req.json();
    await next();
  });
  for (const path of ["/webhooks", "/after-text", "/after-json"]) app.all(`${path}/:source`, createHonoHandler(relay));
  app.post("/echo", async (context) => context.json(await context.req.json(), 201));
  return serve(createAdaptorServer({ fetch: app.fetch }), relay);
}

report(visit(startApp, ["/webhooks/stripe", "/after-text/stripe", "/after-json/stripe"]));
