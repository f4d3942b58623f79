/** An app on Express, of whatever version. Prints one line of JSON. */
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import type { Relay } from "affonso-relay";
import { createExpressHandler, createExpressMiddleware } from "affonso-relay/express";
import express from "express";
import { report, serve, visit } from "./visit.js";

function startApp(relay: Relay) {
  const app = express();
  app.use("/webhooks", createExpressMiddleware(relay));
  app.post("/one", createExpressHandler(relay, "stripe"));
  app.post("/then", createExpressHandler(relay, "stripe", { onReceived: "next" }), (request, response) => {
    response.status(202).send(Buffer.isBuffer(request.body) ? "by the app" : "without the bytes");
  });
  // Express has a parser of its own from 4.16 on.
  app.post("/echo", (request, response, next) => {
    json(request).then((body) => response.status(201).json(body), next);
  });
  return serve(createServer(app), relay);
}

report(visit(startApp, ["/webhooks/stripe", "/one", "/then"]));
