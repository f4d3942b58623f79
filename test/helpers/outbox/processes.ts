import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { bundle } from "../bundle.js";

/** Starts one of the scripts beside this file as a process of its own. */
export function start(script: string, ...args: readonly string[]): ChildProcessWithoutNullStreams {
  return startNode(["--import", "tsx", fileURLToPath(new URL(script, import.meta.url)), ...args]);
}

/** Bundles one of the scripts beside this file, for a test that starts it often. */
export async function startable(script: string) {
  const { file, remove } = await bundle(new URL(script, import.meta.url));
  onTestFinished(remove);
  return (...args: readonly string[]) => startNode([file, ...args]);
}

function startNode(args: readonly string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, ["--no-warnings", ...args]);
  child.stderr.pipe(process.stderr);
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  return child;
}

/** A process that holds a transaction, which began with `begin`, until it is told to end it. */
export async function holdTransaction(path: string, begin: string): Promise<{ line: string; end(): Promise<void> }> {
  const child = start("locking-process.ts", path, begin);
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  return {
    line: String(line),
    async end() {
      child.stdin.end();
      await once(child, "exit");
    },
  };
}

/** The longest time that the event loop stood still while `work` was under way. */
export async function longestStall(work: Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 5);
  await work.catch(() => {});
  clearInterval(timer);
  return Math.max(longest, performance.now() - last);
}
