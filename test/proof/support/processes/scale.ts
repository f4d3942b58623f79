/** Whether the proof runs at the size that its figures are claimed for; otherwise it is sized for CI. */
export const FULL = process.env["PROOF"] === "full";

/** What a run was, as one line of JSON. */
export function report(figures: { readonly proof: string } & Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify({ ...figures, size: FULL ? "full" : "ci" })}\n`);
}

/** Random numbers from 0 to 1 that a seed gives again (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A seed of this run, or the one of the run that is to be repeated. */
export const SEED = Number(process.env["PROOF_SEED"] ?? Date.now() % 2 ** 31);
