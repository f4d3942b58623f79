/** An app on Fastify, of whatever version. Prints one line of JSON. */
import type { Relay } from "affonso-relay";
import { createFastifyPlugin } from "affonso-relay/fastify";
import { fastify } from "fastify";
import { report, visit } from "./visit.js";

async function startApp(relay: Relay) {
  const app = fastify();
  app.register(createFastifyPlugin(relay), { prefix: "/webhooks" });
  app.post("/echo", async (request, reply) => reply.code(201).send(request.body));
  app.addHook("onClose", () => relay.stop());
  return { url: await app.listen({ port: 0, host: "127.0.0.1" }), close: () => app.close() };
}

report(visit(startApp, ["/webhooks/stripe"]));
