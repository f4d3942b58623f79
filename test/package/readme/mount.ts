import { codeIn } from "./markdown.js";

/** The code of a line of the table of servers, and what it imports of the package by the line's own words. */
export function mountOf(from = "", mount = ""): { readonly imports: string; readonly code: string } {
  const [subpath = ""] = codeIn(from);
  // Before it may stand the file that it is for.
  const code = codeIn(mount).at(-1) ?? "";
  const names = code.match(/\b(create(?!Server)\w+|AffonsoRelayModule)\b/g) ?? [];
  return { imports: importOf(names, `affonso-relay/${subpath}`), code };
}

export function importOf(names: readonly string[], from: string): string {
  return names.length === 0 ? "" : `import { ${names.join(", ")} } from "${from}";\n`;
}
