import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "tsup";

/** A script of this folder as one file of JavaScript, which starts five times as fast as TypeScript does. */
export interface Bundle {
  readonly file: string;
  remove(): void;
}

/** Bundles the script with the sources as they are. It lies below `node_modules`, where it finds the SQLite driver. */
export async function bundle(script: "server" | "worker"): Promise<Bundle> {
  const cache = fileURLToPath(new URL("../../../../node_modules/.cache/affonso-relay", import.meta.url));
  mkdirSync(cache, { recursive: true });
  const outDir = mkdtempSync(join(cache, "proof-"));
  await build({
    config: false,
    silent: true,
    entry: { [script]: fileURLToPath(new URL(`${script}.ts`, import.meta.url)) },
    outDir,
    outExtension: () => ({ js: ".mjs" }),
    format: ["esm"],
    platform: "node",
    target: "node20",
    noExternal: [/^zod/],
    external: [/^better-sqlite3/],
    splitting: false,
    clean: false,
  });
  return { file: join(outDir, `${script}.mjs`), remove: () => rmSync(outDir, { recursive: true, force: true }) };
}
