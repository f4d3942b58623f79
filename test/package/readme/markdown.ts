/** What of a Markdown file can be tested: its code, its tables, its links. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../built.js";

export interface Fence {
  readonly language: string;
  readonly code: string;
  /** The heading that it stands below and its number there: `Options 1`. */
  readonly place: string;
  /** The last line before it that is not empty. */
  readonly before: string;
}

/** A Markdown file of this repository. */
export function readMarkdown(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

/** The fenced code of a file, numbered below each heading by language. */
export function fencesOf(markdown: string): Fence[] {
  const fences: Fence[] = [];
  let heading = "";
  let before = "";
  let open: { readonly language: string; readonly lines: string[] } | undefined;
  for (const line of markdown.split("\n")) {
    // In a list they are indented.
    const fence = /^ *```(\w*)/.exec(line);
    if (open === undefined) {
      if (fence !== null) open = { language: fence[1] ?? "", lines: [] };
      else if (line.startsWith("#")) heading = line.replace(/^#+ /, "").replaceAll("`", "");
      if (fence === null && line.trim() !== "") before = line;
    } else if (fence === null) {
      open.lines.push(line);
    } else {
      const { language, lines } = open;
      const earlier = fences.filter((each) => each.language === language && each.place.startsWith(`${heading} `));
      fences.push({ language, code: lines.join("\n"), place: `${heading} ${earlier.length + 1}`, before });
      open = undefined;
    }
  }
  return fences;
}

/** The tables whose first column is headed so: their rows, each as its cells. */
export function tablesOf(markdown: string, firstColumn: string): string[][][] {
  const lines = markdown.split("\n");
  return lines.flatMap((line, at) => {
    if (cellsOf(line)[0] !== firstColumn || !/^\| -/.test(lines[at + 1] ?? "")) return [];
    const rows = lines.slice(at + 2);
    return [rows.slice(0, endOf(rows)).map(cellsOf)];
  });
}

function endOf(rows: readonly string[]): number {
  const end = rows.findIndex((row) => !row.startsWith("|"));
  return end === -1 ? rows.length : end;
}

function cellsOf(line: string): string[] {
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/** What stands in backticks, outside of fences. */
export function codeIn(markdown: string): string[] {
  const text = markdown.replaceAll(/^ *```[\s\S]*?^ *```$/gm, "");
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
}

/** Where a file's links lead within the repository: to files, and to headings (`#other-servers`). */
export function localLinksOf(markdown: string): string[] {
  return [...markdown.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, to = ""]) => (/^[a-z]+:/.test(to) ? [] : [to]));
}

/** The names that a file's headings are linked by. */
export function anchorsOf(markdown: string): string[] {
  const headings = markdown.split("\n").filter((line) => /^#+ /.test(line));
  return headings.map((line) => {
    const text = line.replace(/^#+ /, "").toLowerCase();
    return `#${text.replace(/[^\w\s-]/g, "").replace(/\s/g, "-")}`;
  });
}
