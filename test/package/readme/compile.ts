import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { root } from "../built.js";

const here = dirname(fileURLToPath(import.meta.url));

/** Files that are nowhere on the disk, compiled as this repository is, against the package as it is built. */
export class Compiled {
  readonly #program: ts.Program;
  readonly #files: ReadonlyMap<string, string>;

  /** @param sources - By their names, which say nothing about what is in them. */
  constructor(sources: Readonly<Record<string, string>>) {
    const files = new Map(
      Object.entries(sources).map(([name, source], at) => {
        const file = join(here, `source-${at}.ts`);
        return [file, { name, text: source.replaceAll("#this", `./source-${at}.js`) }];
      }),
    );
    const options = compilerOptions();
    const host = ts.createCompilerHost(options);
    const { fileExists, readFile, getSourceFile } = host;
    host.fileExists = (file) => files.has(file) || fileExists(file);
    host.readFile = (file) => files.get(file)?.text ?? readFile(file);
    host.getSourceFile = (file, languageVersion, ...rest) => {
      const source = files.get(file);
      if (source === undefined) return getSourceFile(file, languageVersion, ...rest);
      return ts.createSourceFile(file, source.text, languageVersion);
    };
    this.#program = ts.createProgram([...files.keys()], options, host);
    this.#files = new Map([...files].map(([file, { name }]) => [name, file]));
  }

  /** What the compiler says of a file, with the lines that it says it of. */
  errorsIn(name: string): string[] {
    const source = this.#sourceFile(name);
    const found = [...this.#program.getSyntacticDiagnostics(source), ...this.#program.getSemanticDiagnostics(source)];
    return found.map(({ start = 0, messageText }) => {
      const line = source.text.slice(source.text.lastIndexOf("\n", start - 1) + 1).split("\n")[0] ?? "";
      return `${line.trim()} // ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
    });
  }

  /** The members of a type that a file exports. */
  membersOf(name: string, type: string): string[] {
    const checker = this.#program.getTypeChecker();
    const file = checker.getSymbolAtLocation(this.#sourceFile(name));
    const symbol = file && checker.getExportsOfModule(file).find((each) => each.name === type);
    if (symbol === undefined) throw new Error(`${name} exports no type ${type}`);
    const members = checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol));
    return members.map((member) => member.name);
  }

  #sourceFile(name: string): ts.SourceFile {
    const source = this.#program.getSourceFile(this.#files.get(name) ?? "");
    if (source === undefined) throw new Error(`nothing of this name was compiled: ${name}`);
    return source;
  }
}

function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  // A matter of style, which would have every reader write process.env["NAME"].
  return { ...options, noPropertyAccessFromIndexSignature: false };
}
