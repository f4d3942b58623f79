import type { Reading } from "./rounds.js";

/** What one benchmark found. */
export interface Report {
  readonly title: string;
  readonly unit: string;
  readonly readings: readonly Reading[];
  /** What is asked of a reading, as a ratio to the reference, and whether this run had it. */
  readonly goals: readonly { readonly name: string; readonly goal: string; readonly met: boolean }[];
}

/** The report as a table for people. */
export function tableOf({ title, unit, readings, goals }: Report): string {
  const lines = readings.map(
    ({ name, median, ratio }) =>
      `  ${name.padEnd(44)} ${median.toFixed(2).padStart(10)} ${unit}  ${ratio.toFixed(2)} x`,
  );
  const verdicts = goals.map(({ name, goal, met }) => `  ${met ? "met" : "NOT MET"}: ${name} ${goal}`);
  return [title, ...lines, ...verdicts].join("\n");
}
