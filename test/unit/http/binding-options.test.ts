import { describe, expect, it } from "vitest";
import { createExpressHandler, createExpressMiddleware } from "../../../src/http/express.js";
import { createFastifyPlugin } from "../../../src/http/fastify.js";
import { createFetchHandler } from "../../../src/http/fetch.js";
import { createHonoHandler } from "../../../src/http/hono.js";
import { createKoaHandler, createKoaMiddleware } from "../../../src/http/koa.js";
import { createLambdaHandler } from "../../../src/http/lambda.js";
import { AffonsoRelayModule } from "../../../src/http/nest.js";
import { createNextApiHandler, createNextRouteHandler } from "../../../src/http/next.js";
import { createNodeHandler, createNodeMiddleware } from "../../../src/http/node.js";
import { createRelay } from "../../../src/relay.js";
import { optionsOf } from "../core/support.js";

const factories: [string, (...parameters: never[]) => unknown][] = [
  ...Object.entries({ createExpressMiddleware, createExpressHandler, createKoaMiddleware, createKoaHandler }),
  ...Object.entries({ createNodeMiddleware, createNodeHandler, createFetchHandler, createHonoHandler }),
  ...Object.entries({ createNextRouteHandler, createNextApiHandler, createLambdaHandler, createFastifyPlugin }),
];
const ofOneSource = factories.filter(([name]) => !/Middleware|Plugin/.test(name));

describe("a binding", () => {
  it.each(factories)("made by %s wants a relay before the first webhook comes", (name, make) => {
    for (const relay of [undefined, null, createRelay, {}]) {
      const message = `invalid_options: the relay of ${name} must be what createRelay answered, got`;
      expect(() => make(relay as never, "billing" as never)).toThrow(message);
    }
  });

  it.each(ofOneSource)("made by %s says which source there is none of", (_, make) => {
    const message = 'invalid_options: source must be one of billing, got "biling"';
    expect(() => make(createRelay(optionsOf()) as never, "biling" as never)).toThrow(message);
  });

  it.each(ofOneSource.filter(([name]) => /Express|Koa|Node/.test(name)))("made by %s needs its source", (_, make) => {
    expect(() => make(createRelay(optionsOf()) as never)).toThrow("source must be one of billing, got undefined");
  });

  it("made by Nest's module wants a relay too", () => {
    expect(() => AffonsoRelayModule.forRoot({ relay: undefined as never })).toThrow(/forRoot must be what createRelay/);
  });
});
