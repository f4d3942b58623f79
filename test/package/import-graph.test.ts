import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { entry } from "../../tsup.config.js";

interface Import {
  /** The importing file, from the project's root. */
  readonly from: string;
  /** A file of the project, or the name of a package. */
  readonly to: string;
  readonly typeOnly: boolean;
  /** Loaded when it is needed, by `import()`. */
  readonly lazy: boolean;
}

const root = new URL("../../", import.meta.url);

function filesBelow(folder: string): string[] {
  return readdirSync(new URL(folder, root), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => posix.join(folder, file.replaceAll("\\", "/")));
}

function importsOf(file: string): Import[] {
  const source = ts.createSourceFile(file, readFileSync(new URL(file, root), "utf8"), ts.ScriptTarget.Latest);
  const imports: Import[] = [];
  const add = (specifier: ts.Node | undefined, typeOnly: boolean, lazy = false) => {
    if (specifier === undefined || !ts.isStringLiteral(specifier)) return;
    const { text } = specifier;
    const to = text.startsWith(".") ? posix.join(posix.dirname(file), text.replace(/\.js$/, ".ts")) : text;
    imports.push({ from: file, to, typeOnly, lazy });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.isTypeOnly ?? false);
    if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false, true);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return imports;
}

const files = [...filesBelow("src"), ...filesBelow("adapters")];
const graph = files.flatMap(importsOf);
const inSrc = graph.filter(({ from }) => from.startsWith("src/"));
const inAdapters = graph.filter(({ from }) => from.startsWith("adapters/"));
const show = ({ from, to }: Import) => `${from} -> ${to}`;

describe("the direction of imports", () => {
  it("is measured on the real files", () => {
    expect(inSrc.length).toBeGreaterThan(50);
    expect(inAdapters.map(show)).toContain("adapters/stripe/index.ts -> src/provider-adapter.ts");
  });

  it("never leads from src/ to adapters, examples or tests", () => {
    expect(inSrc.filter(({ to }) => /^(adapters|examples|test|\.\.)\//.test(to)).map(show)).toEqual([]);
  });

  it("leads from an adapter to its own folder, the contract, money, signing and zod, and nowhere else", () => {
    const allowed =
      /^(src\/(adapter|event|errors|money|payload-schema|provider-adapter|provider-records|referral)\.ts|src\/signing\/.*|zod\/mini)$/;
    const strays = inAdapters.filter(({ from, to }) => !to.startsWith(`${posix.dirname(from)}/`) && !allowed.test(to));
    expect(strays.map(show)).toEqual([]);
  });

  it("needs no package but zod at run time, and names every other one in one place", () => {
    const outside = graph.filter(({ to }) => !to.endsWith(".ts") && !to.startsWith("node:") && to !== "zod/mini");
    expect(outside.map(show)).toEqual([
      "src/adapter.ts -> @standard-schema/spec",
      "src/http/nest.ts -> @nestjs/core",
      "src/outbox/sqlite/driver.ts -> better-sqlite3/package.json",
      "src/outbox/sqlite/driver.ts -> better-sqlite3",
    ]);
    // Nest finds what it injects by the class itself, which is in every Nest app.
    expect(outside.filter(({ lazy, typeOnly }) => !lazy && !typeOnly).map(show)).toEqual([
      "src/http/nest.ts -> @nestjs/core",
    ]);
  });

  it("uses Node's own modules in the core that Node alone gets, the sandbox and the SQLite outbox and, as types, in the bindings for Node's servers", () => {
    const ofNode = /^src\/(sandbox|outbox\/sqlite|endpoint\/node-transport\.ts)/;
    const node = graph.filter(({ from, to }) => to.startsWith("node:") && !ofNode.test(from));
    expect(node.filter(({ typeOnly }) => !typeOnly).map(show)).toEqual([]);
    const bindings = ["express", "next", "read-raw-body"].map((name) => `src/http/${name}.ts`);
    expect([...new Set(node.map(({ from }) => from))].sort()).toEqual(bindings);
  });

  it("keeps the sandbox, each framework's binding and each store a leaf", () => {
    const leaves = Object.values(entry).filter((file) => /^src\/(sandbox|http|outbox)\//.test(file));
    const leafOf = (file: string) =>
      leaves.find((leaf) => file === leaf || file.startsWith(leaf.replace(/(\/index)?\.ts$/, "/")));
    const intruders = graph.filter(
      ({ from, to }) => leafOf(to) !== undefined && leafOf(to) !== leafOf(from) && leafOf(to) !== entry.outbox,
    );
    expect(intruders.map(show)).toEqual([]);
  });

  it("leads to the core that Node alone gets from its own face only", () => {
    const importers = graph.filter(({ to }) => /\/(node-transport|relay-node|index-node)\.ts$/.test(to));
    expect(importers.map(show)).toEqual([
      "src/index-node.ts -> src/relay-node.ts",
      "src/relay-node.ts -> src/endpoint/node-transport.ts",
    ]);
  });

  it("has no circle of values", () => {
    const next = new Map(files.map((file) => [file, graph.filter((edge) => edge.from === file && !edge.typeOnly)]));
    const circles: string[] = [];
    const walk = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) return void circles.push([...path, file].join(" -> "));
      if (done.has(file)) return;
      for (const { to } of next.get(file) ?? []) walk(to, [...path, file]);
      done.add(file);
    };
    const done = new Set<string>();
    for (const file of files) walk(file, []);
    expect(circles).toEqual([]);
  });

  it("leaves the environment to the examples", () => {
    const readers = files.filter((file) => /process\.env|import\.meta\.env/.test(code(file)));
    expect(readers).toEqual([]);
  });
});

/** The file without its comments, where examples may well show process.env. */
function code(file: string): string {
  return readFileSync(new URL(file, root), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
}
