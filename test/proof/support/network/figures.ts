/** Whether the proofs run at the size whose figures are published, and not at that of CI. */
export const isFull = process.env["PROOF"] === "full";

/** Prints what a proof measured, as one line of JSON. */
export function printFigures(proof: string, figures: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify({ proof, size: isFull ? "full" : "ci", ...figures })}\n`);
}

/** Numbers from 0 to 1 that are the same in each run (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
