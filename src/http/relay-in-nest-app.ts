import type { Relay } from "../relay.js";
import type { NodeMiddlewareFunction } from "./answer-node.js";

/** The part of Nest's `HttpAdapterHost` that is needed. */
export interface AdapterHost {
  /** None in an app without a server (`createApplicationContext`), and in tests none yet. */
  readonly httpAdapter?: { use(middleware: NodeMiddlewareFunction): unknown } | undefined;
  /** Nest 11 and newer. */
  readonly init$?: { subscribe(next: () => void): unknown } | undefined;
}

/** Mounts the relay as soon as there is a server, and lets it live as long as the app. */
export class RelayInNestApp {
  readonly #host: AdapterHost;
  readonly #relay: Relay;
  readonly #middleware: NodeMiddlewareFunction;
  #mounted = false;

  constructor(host: AdapterHost, relay: Relay, middleware: NodeMiddlewareFunction) {
    this.#host = host;
    this.#relay = relay;
    this.#middleware = middleware;
    // Within NestFactory.create(), which is before app.init() puts the body parsers on the server.
    this.#mount();
    // Nest's testing module has no server before createNestApplication(), which is before app.init() too.
    host.init$?.subscribe(() => this.#mount());
  }

  onModuleInit(): void {
    this.#mount();
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.#relay.start();
  }

  /** Before Nest closes the server, which may cut connections off, and before most modules close their databases. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.#relay.stop();
  }

  #mount(): void {
    if (this.#mounted || !this.#host.httpAdapter) return;
    this.#mounted = true;
    this.#host.httpAdapter.use(this.#middleware);
  }
}
