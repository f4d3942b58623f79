/** Runs a server on Bun or Deno, as npm installed them, in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import type { RunningApp } from "./demonstrate.js";

/** A server in a process of its own. */
export interface RunningProcess extends RunningApp {
  /** The next line it prints that matches. Rejects when it ends without one. */
  printed(pattern: RegExp): Promise<string>;
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const require = createRequire(import.meta.url);

// Nothing is downloaded or written, and nothing allowed but the network and the variables.
const DENO_FLAGS = ["--no-remote", "--cached-only", "--no-lock", "--no-prompt"];
const DENO_PERMISSIONS = ["--allow-net", "--allow-env"];

const commands = {
  bun: () => [bunFile(), "run"],
  deno: () => [require("deno/install_api.cjs").runInstall(), "run", ...DENO_FLAGS, ...DENO_PERMISSIONS],
} satisfies Record<string, () => string[]>;

/** Bun's install script, where it may run, moves the executable from the platform's package into `bun` itself. */
function bunFile(): string {
  const platforms = join(root, "node_modules/@oven");
  const files = readdirSync(platforms).flatMap((name) =>
    ["bin/bun", "bin/bun.exe"].map((file) => join(platforms, name, file)),
  );
  return files.find((file) => existsSync(file)) ?? join(root, "node_modules/bun/bin/bun.exe");
}

const alive = new Set<ChildProcess>();

/** Ends whatever {@link startOn} has started and nobody closed. */
export async function endAll(): Promise<void> {
  await Promise.all([...alive].map(end));
}

/**
 * Starts a server that prints where it listens.
 *
 * @param args - The script, after flags of the runtime's own.
 * @param variables - Environment variables for it.
 */
export async function startOn(
  runtime: keyof typeof commands,
  args: readonly string[],
  variables: object,
): Promise<RunningProcess> {
  const [file = runtime, ...flags] = commands[runtime]();
  const child = spawn(file, [...flags, ...args], {
    cwd: root,
    // Bun and Deno would send requests to this machine through a proxy, too.
    env: { ...process.env, NO_COLOR: "1", NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1", ...variables },
  });
  alive.add(child);
  child.once("close", () => alive.delete(child));

  const output = new PassThrough();
  for (const stream of [child.stdout, child.stderr]) stream.pipe(output, { end: false });
  child.once("close", () => output.end()).once("error", (error) => output.end(error.message));
  const lines = createInterface({ input: output })[Symbol.asyncIterator]();
  const heard: string[] = [];
  const printed = async (pattern: RegExp): Promise<string> => {
    for (let line = await lines.next(); !line.done; line = await lines.next()) {
      heard.push(line.value);
      if (pattern.test(line.value)) return line.value;
    }
    throw new Error(`${runtime} ended without ${pattern}:\n${heard.join("\n")}`);
  };

  const port = /http:\/\/[^/]*:(\d+)/;
  const [, found] = port.exec(await printed(port)) ?? [];
  return { url: `http://127.0.0.1:${found}`, printed, close: () => end(child) };
}

async function end(child: ChildProcess): Promise<void> {
  if (!alive.has(child)) return;
  const closed = once(child, "close");
  child.kill("SIGKILL");
  await closed;
}
