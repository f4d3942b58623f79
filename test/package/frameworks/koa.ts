/** An app on Koa, of whatever version. Prints one line of JSON. */
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import type { Relay } from "affonso-relay";
import { createKoaHandler, createKoaMiddleware } from "affonso-relay/koa";
import Koa from "koa";
import { report, serve, visit } from "./visit.js";

function startApp(relay: Relay) {
  const app = new Koa();
  app.use(createKoaMiddleware(relay, { basePath: "/webhooks" }));
  const handle = createKoaHandler(relay, "stripe");
  app.use((context, next) => (context.path === "/one" ? handle(context) : next()));
  app.use(async (context) => {
    context.status = 201;
    context.body = await json(context.req);
  });
  return serve(createServer(app.callback()), relay);
}

report(visit(startApp, ["/webhooks/stripe", "/one"]));
