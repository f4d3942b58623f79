import { HttpAdapterHost } from "@nestjs/core";
import { assertKnownKeys } from "../errors.js";
import type { Relay } from "../relay.js";
import { webhooksBelow } from "./answer-node.js";
import { assertRelay, checkedMaxBodyBytes, type HandlerOptions } from "./binding-options.js";
import { type AdapterHost, RelayInNestApp } from "./relay-in-nest-app.js";
import { basePathOf } from "./source.js";

/**
 * What the relay is injected by: `constructor(@Inject(AFFONSO_RELAY) private readonly relay: Relay) {}`, in any module
 * of the app. It says nothing of which relay where an app has two.
 */
export const AFFONSO_RELAY = Symbol.for("affonso-relay.relay");

/** Where a relay is mounted in a Nest app. */
export interface NestMountOptions extends HandlerOptions {
  /**
   * The path that the sources are below. `app.setGlobalPrefix()` does not count here: write the whole path.
   *
   * @default "/webhooks"
   */
  readonly basePath?: string | undefined;
}

/** Options of `AffonsoRelayModule.forRoot`. */
export interface NestOptions extends NestMountOptions {
  /** The relay to mount, start and stop. */
  readonly relay: Relay;
}

/** What Nest finds a provider by. */
export type NestToken = string | symbol | (abstract new (...parameters: never[]) => unknown);

/** Options of `AffonsoRelayModule.forRootAsync`. */
export interface NestAsyncOptions<Dependencies extends unknown[], Import> extends NestMountOptions {
  /** Makes the relay of what `inject` names, in its order. */
  readonly useFactory: (...dependencies: Dependencies) => Relay | Promise<Relay>;
  /** What `useFactory` is given. @default [] */
  readonly inject?: NestToken[] | undefined;
  /** The modules that export what `inject` names, other than global ones. @default [] */
  readonly imports?: Import[] | undefined;
}

/**
 * A provider, written down without Nest.
 *
 * @see https://docs.nestjs.com/fundamentals/custom-providers
 */
export interface NestProvider {
  readonly provide: NestToken;
  // A method, since its parameters are whatever `inject` names.
  useFactory(...dependencies: unknown[]): unknown;
  readonly inject: NestToken[];
}

/**
 * A dynamic module, written down without Nest: it fits `imports` of Nest 10, 11 and 12.
 *
 * @see https://docs.nestjs.com/fundamentals/dynamic-modules
 */
export interface NestModule<Import = never> {
  readonly module: new () => object;
  readonly global: true;
  readonly imports: Import[];
  readonly providers: NestProvider[];
  readonly exports: symbol[];
}

const ADVICE =
  "In Nest affonso-relay comes before the app's own parsers. Mount no parser on the Express or Fastify instance that you " +
  "hand to NestFactory.create, or let it keep the bytes in request.rawBody. In a test on Nest 10, where Nest's parser " +
  "comes first, createNestApplication({ rawBody: true }) keeps them";

/**
 * The relay as a module of a Nest app, on Express or Fastify:
 * `@Module({ imports: [AffonsoRelayModule.forRoot({ relay })] })` takes `POST /webhooks/stripe`, `POST /webhooks/paddle`
 * and so on; any other path stays the app's. It needs no `rawBody: true`, since it comes before Nest's body parsers, and
 * before all other middleware, guards and interceptors. The relay starts with the app and stops with it: on `app.close()`,
 * and on a signal only after `app.enableShutdownHooks()`. Webhooks under way are finished then; one that comes before the
 * server is closed is answered 503, and its provider sends it again.
 *
 * @see https://docs.nestjs.com/modules#dynamic-modules
 * @see https://docs.nestjs.com/fundamentals/lifecycle-events
 */
export const AffonsoRelayModule = Object.freeze({
  /**
   * For a relay that was made before the app.
   *
   * @throws RelayError `invalid_options`.
   */
  forRoot(options: NestOptions): NestModule {
    assertKnownKeys("AffonsoRelayModule.forRoot", options, ["relay", "basePath", "maxBodyBytes"]);
    const { relay, ...mount } = options;
    assertRelay("AffonsoRelayModule.forRoot", relay);
    return moduleOf([], { provide: AFFONSO_RELAY, useFactory: () => relay, inject: [] }, mount);
  },

  /**
   * For a relay that is made of what Nest injects:
   * `forRootAsync({ inject: [ConfigService], useFactory: (config: ConfigService) => createRelay({ … }) })`.
   *
   * @throws RelayError `invalid_options`.
   */
  forRootAsync<Dependencies extends unknown[], Import = never>(
    options: NestAsyncOptions<Dependencies, Import>,
  ): NestModule<Import> {
    const known = ["useFactory", "inject", "imports", "basePath", "maxBodyBytes"];
    assertKnownKeys("AffonsoRelayModule.forRootAsync", options, known);
    const { useFactory, inject = [], imports = [], ...mount } = options;
    return moduleOf(imports, { provide: AFFONSO_RELAY, useFactory, inject }, mount);
  },
});

function moduleOf<Import>(imports: Import[], relayProvider: NestProvider, mount: NestMountOptions): NestModule<Import> {
  const basePath = basePathOf(mount.basePath ?? "/webhooks");
  const maxBodyBytes = checkedMaxBodyBytes(mount);
  const inApp = {
    provide: RelayInNestApp,
    useFactory(host: AdapterHost, relay: Relay) {
      assertRelay("AffonsoRelayModule.forRootAsync", relay);
      // Mounted without a path, since Express and Fastify's middleware each match one in a way of their own.
      return new RelayInNestApp(host, relay, webhooksBelow(relay, { basePath, maxBodyBytes, advice: ADVICE }));
    },
    inject: [HttpAdapterHost, AFFONSO_RELAY],
  };
  // A class of its own for each: Nest 10 would take a second relay's module for the first one.
  class AffonsoRelay {}
  return { module: AffonsoRelay, global: true, imports, providers: [relayProvider, inApp], exports: [AFFONSO_RELAY] };
}
