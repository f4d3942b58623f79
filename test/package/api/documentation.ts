import { basename } from "node:path";
import ts from "typescript";
import { fileOf, root, specifierOf, subpaths } from "../built.js";

/** What of a built subpath is exported, as its types say. */
interface PublicModule {
  /** The names that exist when the app runs. */
  readonly values: readonly string[];
  /** Exports, and members of them, that have no doc comment: `createRelay`, `Relay.stop`. */
  readonly undocumented: readonly string[];
}

/** The tags that doc comments here have. Whatever else begins with an @ cuts off what an editor shows of the comment. */
const TAGS = ["param", "typeParam", "returns", "throws", "default", "example", "see"];

/** What the built types say. */
interface Documentation {
  /** Every subpath, by its specifier. */
  readonly modules: ReadonlyMap<string, PublicModule>;
  /** What is read as a tag and is none, by its file: `koa.d.ts: @koa`. */
  readonly strayTags: readonly string[];
}

/** Reads the built types as an editor does. */
export function documentation(): Documentation {
  const files = subpaths.map((subpath) => fileOf(subpath, "import", "types"));
  const program = ts.createProgram(files, {
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
    module: ts.ModuleKind.NodeNext,
    types: ["node"],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
  });
  const checker = program.getTypeChecker();
  const seen = new Set<ts.Declaration>();
  const modules = new Map(
    subpaths.map((subpath, index) => {
      const file = program.getSourceFile(files[index] ?? "");
      const module = file && checker.getSymbolAtLocation(file);
      const exported = module === undefined ? [] : checker.getExportsOfModule(module).map((each) => resolve(each));
      return [specifierOf(subpath), read(exported)];
    }),
  );
  const ours = program.getSourceFiles().filter(isOurs);
  return {
    modules,
    strayTags: ours.flatMap((file) => tagsIn(file).map((tag) => `${basename(file.fileName)}: @${tag}`)),
  };

  function tagsIn(node: ts.Node): string[] {
    const own = ts.getJSDocTags(node).map(({ tagName }) => tagName.text);
    return [...own.filter((name) => !TAGS.includes(name)), ...node.getChildren().flatMap(tagsIn)];
  }

  function resolve(symbol: ts.Symbol): ts.Symbol {
    return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  }

  function read(exported: readonly ts.Symbol[]): PublicModule {
    const values = exported.filter(({ flags }) => flags & ts.SymbolFlags.Value).map(({ name }) => name);
    const undocumented = exported.flatMap((symbol) => [
      ...(isDocumented(symbol) ? [] : [symbol.name]),
      ...membersOf(symbol)
        .filter((member) => !isDocumented(member))
        .map((member) => `${symbol.name}.${member.name}`),
    ]);
    return { values: values.sort(), undocumented: undocumented.sort() };
  }

  function isDocumented(symbol: ts.Symbol): boolean {
    return symbol.getDocumentationComment(checker).length > 0;
  }

  /**
   * Members that are ours to explain, each with the first type that has it: not those of types that say where another's
   * words are explained, and not those inferred from a schema, whose comments the compiler does not keep.
   */
  function membersOf(symbol: ts.Symbol): readonly ts.Symbol[] {
    if (symbol.getJsDocTags(checker).some(({ name }) => name === "see")) return [];
    const type =
      symbol.flags & ts.SymbolFlags.Type ? checker.getDeclaredTypeOfSymbol(symbol) : checker.getTypeOfSymbol(symbol);
    return checker.getPropertiesOfType(type).filter(({ declarations: [declaration] = [] }) => {
      if (declaration === undefined || seen.has(declaration) || !isOurs(declaration.getSourceFile())) return false;
      seen.add(declaration);
      const inferredFrom = ts.findAncestor(declaration, ts.isVariableDeclaration);
      return inferredFrom === undefined || inferredFrom === symbol.valueDeclaration;
    });
  }

  function isOurs({ fileName }: ts.SourceFile): boolean {
    return fileName.startsWith(root.replaceAll("\\", "/")) && !fileName.includes("/node_modules/");
  }
}
