/** Rows as text in columns, with a line under the heads. */
export function formatTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, at) => Math.max(head.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]) => widths.map((width, at) => (cells[at] ?? "").padEnd(width)).join("  ");
  return [line(heads), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(line)]
    .map((text) => text.trimEnd())
    .join("\n");
}
