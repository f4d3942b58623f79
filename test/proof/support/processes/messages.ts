import type { DeadLetterEntry } from "../../../../src/dead-letters.js";
import type { RelayStats } from "../../../../src/stats.js";

/** What a server process is told, as JSON in `PROOF_PROCESS`. */
export interface ServerConfig {
  readonly path: string;
  readonly baseUrl: string;
  readonly apiKey: string;
  /** How far its clock is ahead: what a restart a minute later would see. */
  readonly aheadMs: number;
}

/** What a worker process is told. */
export interface WorkerConfig {
  readonly path: string;
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly leaseMs: number;
}

/** What a server process can be asked. */
export interface ServerQuestions {
  /** How it stands once nothing is pending, or after a while of waiting for that in vain. */
  drained: RelayStats;
  deadLetters: DeadLetterEntry[];
  /** How many dead letters were sent on their way again. */
  replay: number;
}

/** What a worker process tells of an entry that it was through with; `took` is what the store made of that. */
export interface Settled {
  readonly externalEventId: string;
  readonly state: string;
  readonly took: boolean;
}

/** What processes send to the test. */
export type Message =
  | { readonly kind: "up"; readonly port: number }
  | { readonly kind: "answer"; readonly question: number; readonly value: unknown }
  | ({ readonly kind: "settled" } & Settled);

/** What the test sends to processes. */
export interface Question {
  readonly question: number;
  readonly name: keyof ServerQuestions;
}

/** For the processes: their configuration, and the way to the test. They end with it. */
export function inProcess<Config>(): { config: Config; tell: (message: Message) => void } {
  process.on("disconnect", () => process.exit(1));
  return {
    config: JSON.parse(process.env["PROOF_PROCESS"] ?? "null"),
    tell: (message) => void process.send?.(message),
  };
}

/** For the processes: what goes wrong is read by the test. */
const line = (level: string) => (fields: object, message: string) =>
  process.stderr.write(`${level} ${message} ${JSON.stringify(fields)}\n`);
export const stderrLogger = { debug: () => {}, info: () => {}, warn: line("warn"), error: line("error") };
