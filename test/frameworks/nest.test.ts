import "reflect-metadata";
import { EventEmitter, once } from "node:events";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import {
  Body,
  Controller,
  Inject,
  Injectable,
  Module,
  type ModuleMetadata,
  type NestApplicationOptions,
  Post,
  type Type,
} from "@nestjs/common";
import { HttpAdapterHost, NestFactory } from "@nestjs/core";
import { ExpressAdapter, type NestExpressApplication } from "@nestjs/platform-express";
import { FastifyAdapter, type NestFastifyApplication } from "@nestjs/platform-fastify";
import express from "express";
import { afterEach, describe, expect, it } from "vitest";
import { captureRawBody } from "../../src/http/express.js";
import { AFFONSO_RELAY, AffonsoRelayModule, type NestOptions } from "../../src/http/nest.js";
import { memoryOutbox } from "../../src/outbox/memory.js";
import type { Relay } from "../../src/relay.js";
import { describeWebhookHandler, type RunningApp } from "../contract/webhook-handler.js";
import { listen as listenOn } from "../helpers/listen.js";
import { sandboxForTests } from "../helpers/relay.js";
import { invoicePaid, stripeSignature } from "../helpers/webhooks.js";

// Decorators are called as the functions that they are: the tests' compiler knows none.
class EchoController {
  echo(body: unknown): unknown {
    return body;
  }
}
Controller()(EchoController);
Body()(EchoController.prototype, "echo", 0);
Post("echo")(EchoController.prototype, "echo", Object.getOwnPropertyDescriptor(EchoController.prototype, "echo") ?? {});

function appModule(...imports: NonNullable<ModuleMetadata["imports"]>) {
  class AppModule {}
  Module({ imports, controllers: [EchoController] })(AppModule);
  return AppModule;
}

type NestApp = NestExpressApplication | NestFastifyApplication;
type Create = (module: Type<unknown>, options?: NestApplicationOptions) => Promise<NestApp>;

const quiet = { logger: false, abortOnError: false } as const;
const onExpress: Create = (module, options) =>
  NestFactory.create<NestExpressApplication>(module, { ...quiet, ...options });
const onFastify: Create = (module, options) =>
  NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), { ...quiet, ...options });

const onServer = (server: express.Express): Create => {
  return (module) => NestFactory.create<NestExpressApplication>(module, new ExpressAdapter(server), quiet);
};
const onAdapter = (adapter: FastifyAdapter): Create => {
  return (module) => NestFactory.create<NestFastifyApplication>(module, adapter, quiet);
};

/** Fastify with a parser of the app's own in front of everything, which keeps the bytes and hands them on. */
function parsingAdapter(): FastifyAdapter {
  const adapter = new FastifyAdapter();
  const server = adapter.getInstance();
  server.addHook("onRequest", async ({ raw }) => {
    const rawBody = await buffer(raw);
    Object.assign(raw, { rawBody, body: JSON.parse(`${rawBody}`) });
  });
  server.addHook("preParsing", async ({ raw }) => Readable.from(Reflect.get(raw, "rawBody")));
  return adapter;
}

async function listen(app: NestApp): Promise<RunningApp> {
  await app.listen(0, "127.0.0.1");
  return {
    url: await app.getUrl(),
    close: async () => {
      app.getHttpServer().closeAllConnections();
      await app.close();
    },
  };
}

async function startOn(create: Create, options: NestOptions, nest?: NestApplicationOptions): Promise<RunningApp> {
  return listen(await create(appModule(AffonsoRelayModule.forRoot(options)), nest));
}

function postSigned(url: string, path = "/webhooks/stripe", body = invoicePaid("one")): Promise<Response> {
  const headers = { "content-type": "application/json", "stripe-signature": stripeSignature(body) };
  return fetch(`${url}${path}`, { method: "POST", body, headers });
}

const advice = /Mount no parser on the Express or Fastify instance/;

describeWebhookHandler("NestJS on Express", {
  advice,
  refusesSources: "framework",
  start: (relay, options) => startOn(onExpress, { relay, ...options }),
  startAfterJsonParser: (relay) =>
    startOn(onServer(express().use(express.json({ verify: captureRawBody }))), { relay }),
  startBehindJsonParser: (relay) => startOn(onServer(express().use(express.json())), { relay }),
});

describeWebhookHandler("NestJS on Fastify", {
  advice,
  refusesSources: "framework",
  start: (relay, options) => startOn(onFastify, { relay, ...options }),
  startAfterJsonParser: (relay) => startOn(onAdapter(parsingAdapter()), { relay }),
  startBehindJsonParser(relay) {
    const adapter = new FastifyAdapter();
    adapter.getInstance().addHook("onRequest", async (request) => void (await buffer(request.raw)));
    return startOn(onAdapter(adapter), { relay });
  },
});

for (const [name, create] of [
  ["NestJS on Express", onExpress],
  ["NestJS on Fastify", onFastify],
] as const) {
  describe(`${name} in particular`, async () => {
    const { sandbox, relay } = await sandboxForTests();
    let running: RunningApp | undefined;
    afterEach(async () => {
      await running?.close();
      running = undefined;
    });

    const send = (...request: [path?: string, body?: string]) => postSigned(`${running?.url}`, ...request);

    it("takes the bytes with rawBody: true as well, and without Nest's parsers", async () => {
      for (const options of [{ rawBody: true }, { bodyParser: false }]) {
        running = await startOn(create, { relay: relay() }, options);
        expect((await send()).status).toBe(200);
        await running.close();
      }
    });

    it("is mounted at the whole basePath, whatever the global prefix", async () => {
      const app = await create(appModule(AffonsoRelayModule.forRoot({ relay: relay(), basePath: "/api/hooks/" })));
      app.setGlobalPrefix("api");
      running = await listen(app);
      expect((await send("/api/hooks/stripe")).status).toBe(200);
      expect((await send("/hooks/stripe")).status).toBe(404);
      expect((await send("/api/echo", "{}")).status).toBe(201);
    });

    it("takes a path with a trailing slash and a query, and leaves deeper ones to the app", async () => {
      running = await startOn(create, { relay: relay() });
      expect((await send("/webhooks/stripe/?x=1")).status).toBe(200);
      expect((await send("/webhooks/stripe/old")).status).toBe(404);
    });

    it("keeps to maxBodyBytes", async () => {
      running = await startOn(create, { relay: relay(), maxBodyBytes: 100 });
      const response = await send();
      expect([response.status, response.headers.get("connection")]).toEqual([413, "close"]);
    });

    it("starts the relay with the app, and stops it with the app, once all is delivered that can be", async () => {
      const one = relay({ outbox: memoryOutbox() });
      running = await startOn(create, { relay: one });
      expect(await (await send()).json()).toEqual({ received: true, status: "queued" });
      await running.close();
      running = undefined;
      expect(sandbox.conversions).toHaveLength(1);
      await expect(one.receiveVerified("stripe", {} as never)).rejects.toMatchObject({ code: "relay_stopped" });
    });

    it("starts a relay anew that another app has stopped", async () => {
      const one = relay();
      await one.stop();
      running = await startOn(create, { relay: one });
      expect((await send()).status).toBe(200);
    });

    it("answers the webhook that is under way when the app is closed", async () => {
      const gate = new EventEmitter();
      const gated: typeof fetch = async (...request) => {
        gate.emit("reached");
        await once(gate, "open");
        return fetch(...request);
      };
      const app = await create(appModule(AffonsoRelayModule.forRoot({ relay: relay({ fetch: gated }) })));
      running = await listen(app);
      const reached = once(gate, "reached");
      const response = send();
      await reached;
      const closed = app.close();
      gate.emit("open");
      expect((await response).status).toBe(200);
      // Else the server waits until the client's idle connection has timed out.
      app.getHttpServer().closeAllConnections();
      await closed;
      running = undefined;
    });

    it("makes the relay in a factory that needs nothing", async () => {
      const app = await create(appModule(AffonsoRelayModule.forRootAsync({ useFactory: () => relay() })));
      running = await listen(app);
      expect((await send()).status).toBe(200);
    });

    it("makes the relay of what Nest injects, and is injected in any module", async () => {
      class Secrets {
        readonly suffix = "of the config";
      }
      Injectable()(Secrets);
      class SecretsModule {}
      Module({ providers: [Secrets], exports: [Secrets] })(SecretsModule);
      class Billing {
        constructor(readonly relay: Relay) {}
      }
      Inject(AFFONSO_RELAY)(Billing, undefined, 0);
      class BillingModule {}
      Module({ providers: [Billing] })(BillingModule);

      let made: Relay | undefined;
      const relayModule = AffonsoRelayModule.forRootAsync({
        imports: [SecretsModule],
        inject: [Secrets],
        useFactory: async (secrets: Secrets) => {
          expect(secrets.suffix).toBe("of the config");
          made = relay();
          return made;
        },
      });
      const app = await create(appModule(BillingModule, relayModule));
      running = await listen(app);
      expect(app.get(Billing, { strict: false }).relay).toBe(made);
      expect((await send()).status).toBe(200);
    });
  });
}

describe("NestJS without a server, or not yet", async () => {
  const { sandbox, relay } = await sandboxForTests();

  it("delivers from the outbox in an application context", async () => {
    const one = relay({ outbox: memoryOutbox() });
    const context = await NestFactory.createApplicationContext(
      appModule(AffonsoRelayModule.forRoot({ relay: one })),
      quiet,
    );
    await context
      .get<Relay<readonly []>>(AFFONSO_RELAY)
      .receiveVerified("stripe" as never, JSON.parse(invoicePaid("worker")) as never);
    await context.close();
    expect(sandbox.conversions).toHaveLength(1);
  });

  /** The instance that Nest makes of the module's own provider, with a host of ours. */
  const mountOn = (host: object): { onModuleInit(): void } => {
    const { providers } = AffonsoRelayModule.forRoot({ relay: relay() });
    return Object(providers.find(({ inject }) => inject.includes(HttpAdapterHost))?.useFactory(host, relay()));
  };
  const statusOf = async (server: express.Express) => {
    const { url, close } = await listenOn(server);
    const { status } = await postSigned(url);
    await close();
    return status;
  };

  it("is in front of the body parsers when the server comes later, as in Nest's testing module", async () => {
    const server = express();
    const host = new HttpAdapterHost();
    mountOn(host);
    host.httpAdapter = new ExpressAdapter(server);
    expect(await statusOf(server.use(express.json()))).toBe(200);
  });

  it("is in front of the body parsers where the host does not say that a server came: Nest 10", async () => {
    const server = express();
    mountOn({ httpAdapter: new ExpressAdapter(server) });
    expect(await statusOf(server.use(express.json()))).toBe(200);
  });

  it("waits for onModuleInit in the testing module of Nest 10, and needs the bytes that rawBody: true keeps", async () => {
    const server = express();
    const host: { httpAdapter?: ExpressAdapter } = {};
    const inApp = mountOn(host);
    host.httpAdapter = new ExpressAdapter(server);
    server.use(express.json({ verify: captureRawBody }));
    inApp.onModuleInit();
    expect(await statusOf(server)).toBe(200);
  });

  it("is in front of a parser that the app itself puts on the server after create()", async () => {
    const app = await onExpress(appModule(AffonsoRelayModule.forRoot({ relay: relay() })));
    app.use(express.json());
    const running = await listen(app);
    const { status } = await postSigned(running.url);
    await running.close();
    expect(status).toBe(200);
  });
});

describe("the options of the Nest module", async () => {
  const { relay } = await sandboxForTests();

  it.each([
    ["an unknown option", { path: "/webhooks" }, /forRoot has no option path.*basePath/],
    ["a basePath without a slash", { basePath: "webhooks" }, /basePath must be/],
    ["a limit of 0", { maxBodyBytes: 0 }, /maxBodyBytes must be/],
  ])("refuse %s", (_what, options, message) => {
    expect(() => AffonsoRelayModule.forRoot({ relay: relay(), ...options } as never)).toThrow(message);
    const async = { useFactory: () => relay(), ...options };
    expect(() => AffonsoRelayModule.forRootAsync(async as never)).toThrow(/AffonsoRelayModule|must be/);
  });
});
