/** Somebody's app that has the packed package: installed, compiled and run as they would. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { root, run } from "./built.js";

/** Both ends of what apps compile with; this repository's own, which makes the types, is between them. */
const compilers = { lowest: "typescript54", newest: "typescript7" } as const;

/** Installs packages, by their versions or files, into an app's folder. */
export async function install(app: string, dependencies: Readonly<Record<string, string>>): Promise<void> {
  writeFileSync(join(app, "package.json"), JSON.stringify({ name: "app", private: true, dependencies }));
  await run("npm", ["install", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: app });
}

/** Compiles an app as strictly as it goes, the types of its packages too; fails with what the compiler says. */
export async function compile(
  app: string,
  files: readonly string[],
  options: Record<string, unknown>,
  compiler: keyof typeof compilers = "newest",
): Promise<void> {
  const shared = { target: "ES2022", strict: true, skipLibCheck: false, noEmitOnError: true, outDir: "out" };
  writeFileSync(join(app, "tsconfig.json"), JSON.stringify({ compilerOptions: { ...shared, ...options }, files }));
  const tsc = join(root, "node_modules", compilers[compiler], "bin/tsc");
  const said = await run(process.execPath, [tsc, "--project", app]).catch((failed: { stdout: string }) => failed);
  expect(said.stdout.split("\n").slice(0, 20).join("\n")).toBe("");
}

/** What a program printed: one line of JSON. */
export async function runProgram(app: string, file: string): Promise<unknown> {
  const { stdout } = await run(process.execPath, [join(app, file)], { cwd: app, timeout: 60_000 });
  return JSON.parse(stdout);
}
