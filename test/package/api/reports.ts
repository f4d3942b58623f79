import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CompilerState, Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";
import { fileOf, root, specifierOf, subpaths } from "../built.js";

/** Where the reports are kept. */
export const folder = fileURLToPath(new URL("./", import.meta.url));

/** The report's name of a subpath: `index.api.md`, `express.api.md`. */
export function reportName(subpath: string): string {
  return `${subpath === "." ? "index" : subpath.slice(2)}.api.md`;
}

/** The reports as they are kept, by file name. */
export function keptReports(): Map<string, string> {
  const names = readdirSync(folder).filter((name) => name.endsWith(".api.md"));
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

/** The reports of what is built, by file name. They name no file of dist, so that they stay when its chunks change. */
export function currentReports(): Map<string, string> {
  const scratch = mkdtempSync(join(tmpdir(), "affonso-relay-api-"));
  try {
    const entries = subpaths.map((subpath) => fileOf(subpath, "import", "types"));
    let compilerState: CompilerState | undefined;
    const declarations = new Map<string, Declarations>();
    for (const subpath of subpaths) {
      const config = extractorConfig(subpath, scratch);
      // One program for all, which takes most of the time.
      compilerState ??= CompilerState.create(config, { additionalEntryPoints: entries });
      Extractor.invoke(config, {
        localBuild: true,
        compilerState,
        messageCallback(message) {
          // It tells of each report that is new to its folder, and ours is always empty.
          message.handled = message.logLevel !== ExtractorLogLevel.Error;
        },
      });
      declarations.set(subpath, parse(readFileSync(join(scratch, reportName(subpath)), "utf8")));
    }
    return new Map(subpaths.map((subpath) => [reportName(subpath), render(subpath, declarations)]));
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function extractorConfig(subpath: string, scratch: string): ExtractorConfig {
  const silent = { default: { logLevel: ExtractorLogLevel.None } };
  return ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, "package.json"),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: fileOf(subpath, "import", "types"),
      newlineKind: "lf",
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: "ES2022",
            lib: ["ES2023", "DOM", "DOM.Iterable"],
            module: "NodeNext",
            types: ["node"],
            strict: true,
            exactOptionalPropertyTypes: true,
            skipLibCheck: true,
          },
          files: [fileOf(subpath, "import", "types")],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: reportName(subpath),
        reportFolder: scratch,
        reportTempFolder: join(scratch, "temp"),
        // What an export is made of belongs to it: a field of Stripe's invoice, say, which is inferred from a schema.
        includeForgottenExports: true,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: silent,
        tsdocMessageReporting: silent,
      },
    },
  });
}

/** A report's declarations, in alphabetical order. */
interface Declarations {
  readonly exported: readonly string[];
  readonly internal: readonly string[];
}

function parse(report: string): Declarations {
  const code = /```ts\n([\s\S]*)\n```/.exec(report)?.[1] ?? "";
  // Whether something is documented is checked by itself, and far stricter.
  const blocks = code
    .replace(/^ *\/\/ \(undocumented\)\n/gm, "")
    .split(/^\/\/ @public.*\n/m)
    .map((block) => block.replace(/\n\/\/ \(No @packageDocumentation[^\n]*/, "").trim());
  // What is in front of the first one are imports, which the declarations name again.
  const declared = blocks.slice(1);
  return {
    exported: declared.filter((block) => block.startsWith("export ")),
    internal: declared.filter((block) => !block.startsWith("export ")),
  };
}

/** What several subpaths share is written down with the first of them: one change then is one difference. */
function render(subpath: string, declarations: ReadonlyMap<string, Declarations>): string {
  const own = declarations.get(subpath);
  if (own === undefined) throw new Error(`no report of ${subpath}`);
  const before = subpaths.slice(0, subpaths.indexOf(subpath));
  const exportedAnywhere = new Set([...declarations.values()].flatMap(({ exported }) => exported));
  const seen = new Set(before.flatMap((other) => declarations.get(other)?.internal ?? []));
  const internal = own.internal.filter((block) => !seen.has(block) && !exportedAnywhere.has(`export ${block}`));
  const parts = [
    `# ${specifierOf(subpath)}`,
    "The public API as the built types have it, written by `npm run api:update`. A difference in a pull request is a " +
      "change that users see.",
    fence(own.exported),
    ...(internal.length > 0 ? ["## Not exported, but part of the above", fence(internal)] : []),
  ];
  return `${parts.join("\n\n")}\n`;
}

function fence(blocks: readonly string[]): string {
  return ["```ts", blocks.join("\n\n"), "```"].join("\n");
}
