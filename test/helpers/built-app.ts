import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll } from "vitest";
import type { HandlerOptions } from "../../src/http/binding-options.js";
import type { Relay } from "../../src/relay.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));

export interface FixtureApp {
  /** The app's files, copied before they are built. */
  readonly files: URL;
  /** The packages it was installed with, beside affonso-relay. */
  readonly packages: readonly string[];
  /** The script of one of them that builds it, below node_modules, and its arguments. */
  readonly build: readonly [script: string, ...args: string[]];
}

/** Builds an app before the tests of a file, in a folder of its own, and hands the folder to `load`. */
export function buildBeforeTests(app: FixtureApp, load: (folder: string) => Promise<void>): void {
  const [script, ...args] = app.build;
  let built: BuiltFolder | undefined;
  afterAll(() => built?.remove());
  beforeAll(async () => {
    built = await buildIn(realpathSync(tmpdir()), `affonso-relay-${dirname(script).split("/")[0]}`, async (folder) => {
      install(app, folder);
      const env = { ...process.env, NODE_ENV: "production" as const, ASTRO_TELEMETRY_DISABLED: "1" };
      await run(process.execPath, [join(root, "node_modules", script), ...args], { cwd: folder, env });
    });
    await load(built.folder);
  }, 120_000);
}

export interface BuiltFolder {
  readonly folder: string;
  remove(): void;
}

/**
 * Builds in a new folder below `parent`, for one run of the tests. Where the environment has a `KEEP_BUILDS`, what was
 * built under that word is kept, and is served as it is by the runs that come after it.
 */
export async function buildIn(
  parent: string,
  name: string,
  build: (folder: string) => Promise<unknown>,
): Promise<BuiltFolder> {
  const { KEEP_BUILDS: word } = process.env;
  if (word === undefined) {
    const folder = mkdtempSync(join(parent, `${name}-`));
    await build(folder);
    return { folder, remove: () => rmSync(folder, { recursive: true }) };
  }
  const folder = join(parent, `${name}-${word}`);
  const complete = join(folder, ".complete");
  if (!existsSync(complete)) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    await build(folder);
    writeFileSync(complete, "");
  }
  return { folder, remove() {} };
}

/** As npm would, with affonso-relay as this checkout has it built. */
function install({ files, packages }: FixtureApp, folder: string): void {
  cpSync(files, folder, { recursive: true });
  const dependencies = { "affonso-relay": "*" };
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module", dependencies }));
  const found = packages.map((name) => [name, join(root, "node_modules", name)] as const);
  for (const [name, from] of [["affonso-relay", root] as const, ...found]) {
    const to = join(folder, "node_modules", name);
    mkdirSync(dirname(to), { recursive: true });
    symlinkSync(from, to, "junction");
  }
}

/** Hands a relay to an app that was built and shares this process; its files look for it under this symbol. */
export function putUnderTest(relay: Relay, options: HandlerOptions = {}): void {
  Reflect.set(globalThis, Symbol.for("affonso-relay.under-test"), { relay, options });
}
