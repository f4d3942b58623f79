/**
 * Whether a file has this code, however it is indented. A line `// …` stands for what was left out there, and may say
 * what that is.
 */
export function isIn(text: string, code: string): boolean {
  const lines = linesOf(text);
  let from = 0;
  return partsOf(linesOf(code)).every((part) => {
    const at = lines.findIndex(
      (_, start) => start >= from && part.every((line, offset) => lines[start + offset] === line),
    );
    from = at + part.length;
    return at !== -1;
  });
}

function partsOf(lines: readonly string[]): string[][] {
  const parts: string[][] = [[]];
  for (const line of lines) {
    if (line.startsWith("// …")) parts.push([]);
    else parts.at(-1)?.push(line);
  }
  return parts;
}

function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
