import type { IncomingHttpHeaders } from "node:http";

/** A request as it came in. */
export interface SandboxRequest {
  /** Such as `POST`. */
  readonly method: string;
  /** Path without the query, for example `/v1/events`. */
  readonly path: string;
  /** By lower-case name. */
  readonly headers: Readonly<IncomingHttpHeaders>;
  /** The body's text as it was sent; empty when it was too large. */
  readonly body: string;
  /** Milliseconds since 1970, by the sandbox's clock. */
  readonly receivedAtMs: number;
  /** Status it was answered with; null while there is no answer, and for good when the connection was cut. */
  readonly status: number | null;
}

type Entry = Omit<SandboxRequest, "status"> & { status: number | null };

/** How many requests are kept; older ones are forgotten. */
export const MAX_REQUESTS = 10_000;

/** The latest requests, oldest first. */
export class RequestLog {
  #requests: Entry[] = [];

  get list(): readonly SandboxRequest[] {
    return this.#requests.map((request) => ({ ...request }));
  }

  /** Records a request and returns the function that notes its answer. */
  add(request: SandboxRequest): (status: number) => void {
    const entry: Entry = { ...request };
    this.#requests.push(entry);
    if (this.#requests.length > MAX_REQUESTS) this.#requests.shift();
    return (status) => {
      entry.status = status;
    };
  }

  clear(): void {
    this.#requests = [];
  }
}
