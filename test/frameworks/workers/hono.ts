import { createHonoHandler } from "affonso-relay/hono";
import { Hono } from "hono";
import { createRelayFor, optionsOf } from "../runtimes/app.js";
import type { Environment } from "../runtimes/environment.js";

/** The contract suite's app on Hono. */
function createApp(environment: Environment): Hono {
  const { BASE_PATH, PARSES: parses } = environment;
  const app = new Hono();
  app.use(async ({ req }, next) => {
    // Hono keeps what it has read itself; of its `raw` it knows nothing.
    if (parses !== undefined) await (parses === "clone" ? req : req.raw).json();
    await next();
  });
  app.all(`${BASE_PATH}/:source`, createHonoHandler(createRelayFor(environment), undefined, optionsOf(environment)));
  app.post("/echo", async (context) => context.json(await context.req.json()));
  return app;
}

let app: Hono | undefined;

export default {
  // An app of yours is the default export itself; this one is told its paths by the environment.
  fetch(request: Request, environment: Environment): Response | Promise<Response> {
    app ??= createApp(environment);
    return app.fetch(request);
  },
};
