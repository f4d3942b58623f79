import { once } from "node:events";
import { type AddressInfo, createServer, connect as openSocket, type Server, type Socket } from "node:net";

/** How a connection ends: both sides are told (cut), nobody is (stall), by a reset, or only the relay's side is closed. */
export const ENDINGS = ["cut", "stall", "reset", "half-close"] as const;

type Direction = "request" | "response";

/** What is done to the first connection; those after it go through. */
export interface Harm {
  readonly ending: (typeof ENDINGS)[number];
  readonly direction: Direction;
  /** Bytes of that direction that still get through. */
  readonly after: number;
}

/** A TCP proxy that harms its first connection at one byte. */
export class CuttingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #targetPort: number;
  readonly #harm: Harm | undefined;
  /** Bytes that came in on the first connection. */
  readonly bytes = { request: 0, response: 0 };
  connections = 0;
  /** Whether the harm was done. */
  isHarmed = false;

  constructor(targetPort: number, harm?: Harm) {
    this.#targetPort = targetPort;
    this.#harm = harm;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#connected(socket));
  }

  async start(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, "close");
  }

  #connected(relay: Socket): void {
    const isFirst = this.connections++ === 0;
    const endpoint = openSocket({ port: this.#targetPort, host: "127.0.0.1", allowHalfOpen: true });
    for (const [from, to] of [
      [relay, endpoint],
      [endpoint, relay],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay();
      // A connection that is harmed complains, and that is what it is for.
      from.on("error", () => {});
      from.on("end", () => {
        if (!(isFirst && this.#isStalled)) to.end();
      });
      from.on("close", () => {
        this.#sockets.delete(from);
        if (!(isFirst && this.#isStalled)) to.destroy();
      });
    }
    if (!isFirst) {
      relay.on("data", (chunk: Buffer) => write(endpoint, chunk));
      endpoint.on("data", (chunk: Buffer) => write(relay, chunk));
      return;
    }
    relay.on("data", (chunk: Buffer) => this.#pass("request", chunk, endpoint, () => this.#end(relay, endpoint)));
    endpoint.on("data", (chunk: Buffer) => this.#pass("response", chunk, relay, () => this.#end(relay, endpoint)));
  }

  get #isStalled(): boolean {
    return this.isHarmed && this.#harm?.ending === "stall";
  }

  #pass(direction: Direction, chunk: Buffer, to: Socket, end: () => void): void {
    const before = this.bytes[direction];
    this.bytes[direction] += chunk.length;
    // Where only the relay's side was closed, the endpoint still hears all that the relay says.
    const isHeard = this.#harm?.ending === "half-close" && direction === "request";
    if (this.#harm?.direction !== direction || this.isHarmed) {
      if (!this.isHarmed || isHeard) write(to, chunk);
      return;
    }
    const left = this.#harm.after - before;
    this.isHarmed = chunk.length >= left;
    write(to, chunk.subarray(0, left), this.isHarmed ? end : undefined);
    if (isHeard) write(to, chunk.subarray(left));
  }

  #end(relay: Socket, endpoint: Socket): void {
    switch (this.#harm?.ending) {
      case "cut":
        relay.destroySoon();
        endpoint.destroySoon();
        return;
      case "reset":
        relay.resetAndDestroy();
        endpoint.resetAndDestroy();
        return;
      case "half-close":
        relay.end();
    }
  }
}

function write(socket: Socket, chunk: Buffer, done: () => void = () => {}): void {
  if (chunk.length > 0 && socket.writable) socket.write(chunk, () => done());
  else done();
}
