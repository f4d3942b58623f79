/** An app on Hono, of whatever version. Prints one line of JSON. */
import { once } from "node:events";
import { createAdaptorServer } from "@hono/node-server";
import type { Relay } from "affonso-relay";
import { createHonoHandler } from "affonso-relay/hono";
import { Hono } from "hono";
import { report, visit } from "./visit.js";

async function startApp(relay: Relay) {
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
  app.post("/echo", async (context) => context.json(await context.req.json()));

  const server = createAdaptorServer({ fetch: app.fetch });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    async close() {
      server.close();
      await once(server, "close");
      await relay.stop();
    },
  };
}

report(visit(startApp, ["/webhooks/stripe", "/after-text/stripe", "/after-json/stripe"]));
