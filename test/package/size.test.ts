import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";
import { entry as entries } from "../../tsup.config.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What every app imports; helpers such as `referralFrom` are left out of a bundle that does not call them. */
const CORE = 'export { createRelay, defineAdapter, ERROR_CODES, isRelayError, RelayError } from "./src/index.ts";';
const allOf = (entry: string) => `export * from "./${entry}";`;

/** Bytes of what a bundler makes of these exports, minified and gzipped; zod counted or not. */
async function sizeOf(exports: readonly string[], zod: "with zod" | "without zod"): Promise<number> {
  const result = await build({
    stdin: { contents: exports.join("\n"), resolveDir: root },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    external: ["node:*", "better-sqlite3", "@nestjs/core", ...(zod === "with zod" ? [] : ["zod/mini"])],
  });
  return result.outputFiles.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0);
}

/** Bytes that an entry adds to an app which has the core already. */
async function addedBy(entry: string): Promise<number> {
  return (await sizeOf([CORE, allOf(entry)], "with zod")) - (await sizeOf([CORE], "with zod"));
}

function entriesBelow(folder: string): [subpath: string, entry: string][] {
  return Object.entries(entries).filter(([, entry]) => entry.startsWith(folder));
}

describe("the size of the package, minified and gzipped", () => {
  const table: string[] = [];
  const kB = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;
  const within = (what: string, bytes: number, limitKB: number) => {
    table.push(`${what.padEnd(20)} ${kB(bytes).padStart(8)}   at most ${limitKB} kB`);
    expect(bytes).toBeLessThanOrEqual(limitKB * 1000);
  };
  afterAll(() => console.log(`size, minified and gzipped\n${table.join("\n")}`));

  it("is within bounds for the core, and for the parts of zod that check its schemas", async () => {
    const own = await sizeOf([CORE], "without zod");
    within("core", own, 12);
    within("+ its parts of zod", (await sizeOf([CORE], "with zod")) - own, 9.2);
    within("+ its other exports", await addedBy("src/index.ts"), 1);
  });

  it.each(entriesBelow("adapters/"))("is within bounds for the adapter %s", async (name, entry) => {
    within(`+ /${name}`, await addedBy(entry), 6);
  });

  it.each(entriesBelow("src/http/"))("is within bounds for the binding %s", async (name, entry) => {
    within(`+ /${name}`, await addedBy(entry), 2.5);
  });

  it.each([
    ["memory", 10],
    ["sqlite", 15],
  ] as const)("is within bounds for the outbox %s, its worker included", async (name, limitKB) => {
    within(`+ /${name}`, await addedBy(entries[name]), limitKB);
  });
});
