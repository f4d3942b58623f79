/** What the process is told when it starts. */
export interface HostileConfig {
  readonly baseUrl: string;
  readonly apiKey: string;
  /** With an outbox in memory; else webhooks pass through. */
  readonly hasOutbox: boolean;
}

/** Where it listens. */
export interface Ports {
  readonly express: number;
  readonly fetch: number;
}

/** How the process is, and was since it was last asked. */
export interface Health {
  /** The longest that the event loop was blocked. */
  readonly blockedMs: number;
  readonly rssBytes: number;
  /** Bytes of buffers; without garbage, where it was asked to collect it. */
  readonly bufferBytes: number;
  readonly connections: number;
  /** What is on `Object.prototype` that was not there at the start. */
  readonly polluted: readonly string[];
}

/** The secrets that the sources of the process verify with. */
export const HOSTILE_SECRETS = {
  stripe: "whsec_hostile",
  paddle: "pdl_ntfset_hostile",
  billing: "billing_hostile",
} as const;

/** What the process is asked: its health, as it is or after it has collected its garbage. */
export type Question = "health" | "health without garbage";
