import { execFile, spawnSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { bundle } from "../../../helpers/bundle.js";
import type { WriterConfig } from "./messages.js";

/** What a process did, in its order. */
export type Step =
  | { readonly kind: "write"; readonly file: string; readonly offset: number; readonly data: Buffer }
  | { readonly kind: "truncate"; readonly file: string; readonly size: number }
  | { readonly kind: "flush"; readonly file: string }
  | { readonly kind: "remove"; readonly file: string }
  | { readonly kind: "acknowledge"; readonly ids: readonly string[] };

/** Every way to change a file: those that {@link stepOf} does not know end the proof. `?`: not every machine has it. */
const CALLS =
  "write,writev,pwrite64,?pwritev,?pwritev2,fsync,fdatasync,?sync_file_range,ftruncate,?fallocate," +
  "?unlink,unlinkat,?rename,?renameat,?renameat2";
const OPTIONS = ["-f", "--seccomp-bpf", "-y", "-xx", "-s", "1000000", "-e", "signal=none", "-e", `trace=${CALLS}`];

/** Whether there is an strace that may trace here: many containers forbid it. */
export function canTrace(): boolean {
  return spawnSync("strace", [...OPTIONS, "-o", "/dev/null", "true"], { stdio: "ignore" }).status === 0;
}

/** Runs a writing process; resolves with what it did to its file and to the ones beside it, and what it told of it. */
export async function traceWriter(config: WriterConfig, log: string): Promise<Step[]> {
  const writer = await bundle(new URL("writer.ts", import.meta.url));
  const env = { ...process.env, NODE_OPTIONS: "", PROOF_PROCESS: JSON.stringify(config) };
  const args = [...OPTIONS, "-o", log, process.execPath, writer.file];
  await promisify(execFile)("strace", args, { env }).finally(writer.remove);
  const steps: Step[] = [];
  const unfinished = new Map<string, string>();
  for await (const line of createInterface({ input: createReadStream(log, "latin1") })) {
    const [, thread = "", text = ""] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (text.endsWith(" <unfinished ...>")) {
      unfinished.set(thread, text.slice(0, -" <unfinished ...>".length));
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(text);
    const call = resumed === null ? text : `${unfinished.get(thread)}${resumed[1]}`;
    const step = stepOf(call, config.path);
    if (step !== undefined) steps.push(step);
  }
  return steps;
}

/** What a line of strace says, as in `pwrite64(20<\x2f\x74>, "\x37\x7f", 2, 0) = 2`; undefined if it is of no interest. */
function stepOf(line: string, path: string): Step | undefined {
  const [, call = "", parameters = "", result = ""] = /^(\w+)\((.*)\) += (-?\d+)/.exec(line) ?? [];
  const [, number, name = ""] = /^(\d+|AT_FDCWD)<([^>]*)>/.exec(parameters) ?? [];
  const texts = [...parameters.matchAll(/"([^"]*)"/g)].map(([, text = ""]) => bytes(text));
  const numbers = (parameters.match(/, \d+(?=, |$)/g) ?? []).map((text) => Number(text.slice(2)));
  const written = texts[0]?.subarray(0, Number(result)) ?? Buffer.alloc(0);
  if (call === "write" && number === "1" && written.toString().startsWith("evt_")) {
    return { kind: "acknowledge", ids: written.toString().trim().split("\n") };
  }
  const isNamed = call.startsWith("unlink") || call.startsWith("rename");
  const file = isNamed ? texts[0]?.toString() : bytes(name).toString();
  // The index of the WAL is made anew by whoever opens the file after a crash.
  if (!file?.startsWith(path) || file === `${path}-shm` || Number(result) < 0) return undefined;
  const last = numbers.at(-1) ?? Number.NaN;
  if (call === "pwrite64") return { kind: "write", file, offset: last, data: written };
  if (call === "ftruncate") return { kind: "truncate", file, size: last };
  if (call === "fsync" || call === "fdatasync") return { kind: "flush", file };
  if (call.startsWith("unlink")) return { kind: "remove", file };
  throw new Error(`what ${call} does to ${file} is not known: ${line.slice(0, 200)}`);
}

function bytes(escaped: string): Buffer {
  return Buffer.from(escaped.replaceAll("\\x", ""), "hex");
}
