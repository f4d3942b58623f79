import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";
import { entry as entries } from "../../tsup.config.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const CORE = "src/index.ts";

/** Bytes of what a bundler makes of these entries, minified and gzipped; the parts of zod counted or not. */
async function sizeOf(entries: readonly string[], zod: "with zod" | "without zod"): Promise<number> {
  const result = await build({
    stdin: { contents: entries.map((entry) => `export * from "./${entry}";`).join("\n"), resolveDir: root },
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
  return (await sizeOf([CORE, entry], "with zod")) - (await sizeOf([CORE], "with zod"));
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

  it("is within bounds for the core, beside its parts of zod", async () => {
    const own = await sizeOf([CORE], "without zod");
    within("core", own, 12);
    within("+ its parts of zod", (await sizeOf([CORE], "with zod")) - own, 10);
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
