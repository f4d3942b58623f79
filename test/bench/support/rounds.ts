/** One thing that is measured: answers one reading each time it is called. */
export interface Candidate {
  readonly name: string;
  measure(): Promise<number> | number;
}

/** One line of a benchmark's table. */
export interface Reading {
  readonly name: string;
  readonly median: number;
  /** Of the medians: this one through the reference's. */
  readonly ratio: number;
}

/**
 * Measures all candidates in turn, round by round, so that whatever else the machine does meets all of them alike: only
 * the ratios count.
 *
 * @param candidates - The first one is the reference.
 */
export async function inRounds(candidates: readonly Candidate[], rounds: number): Promise<Reading[]> {
  const readings = candidates.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [at, candidate] of candidates.entries()) readings[at]?.push(await candidate.measure());
  }
  return readingsOf(candidates.map(({ name }, at) => ({ name, values: readings[at] ?? [] })));
}

/** The table's lines of what was measured; the first one is the reference. */
export function readingsOf(
  measured: readonly { readonly name: string; readonly values: readonly number[] }[],
): Reading[] {
  const medians = measured.map(({ values }) => medianOf(values));
  const [reference = Number.NaN] = medians;
  return measured.map(({ name }, at) => {
    const median = medians[at] ?? Number.NaN;
    return { name, median, ratio: median / reference };
  });
}

export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle) - 1] ?? Number.NaN)) / 2;
}

/** What 99 of 100 stay below; of fewer than 100 values, the greatest. */
export function p99Of(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN;
}
