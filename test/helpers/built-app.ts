import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
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
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "affonso-relay-app-")));
  afterAll(() => rmSync(folder, { recursive: true }));
  beforeAll(async () => {
    install(app, folder);
    const [script, ...args] = app.build;
    const env = { ...process.env, NODE_ENV: "production" as const, ASTRO_TELEMETRY_DISABLED: "1" };
    await run(process.execPath, [join(root, "node_modules", script), ...args], { cwd: folder, env });
    await load(folder);
  }, 120_000);
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
