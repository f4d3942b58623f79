/** How the writing process opens its store: `normal` is the control, as durable as a power cut shows to be too little. */
export type Setting = "path" | "database" | "normal";

/** What a writing process is told, as JSON in `PROOF_PROCESS`. */
export interface WriterConfig {
  readonly path: string;
  readonly setting: Setting;
  readonly entries: number;
}
