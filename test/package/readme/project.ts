import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";
import { manifest, root } from "../built.js";

const preload = new URL("./preload.js", import.meta.url);

/** A reader's project: a folder with the package in it, and with what else the README has them install. */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), "affonso-relay-readme-"));
  readonly #processes: RunningProcess[] = [];
  #modules = 0;

  constructor() {
    this.#write("package.json", JSON.stringify({ private: true, type: "module" }));
    mkdirSync(join(this.folder, "node_modules"));
    symlinkSync(root, join(this.folder, "node_modules", manifest.name), "junction");
    for (const name of ["express", "zod"]) {
      symlinkSync(join(root, "node_modules", name), join(this.folder, "node_modules", name), "junction");
    }
  }

  /** Runs a snippet as a module of this process, with the names that it leans on; answers what it exports. */
  async run(code: string, given: Readonly<Record<string, unknown>> = {}): Promise<Record<string, unknown>> {
    const key = `affonso-relay.readme.${++this.#modules}`;
    Reflect.set(globalThis, Symbol.for(key), given);
    const names = `const { ${Object.keys(given).join(", ")} } = globalThis[Symbol.for("${key}")];`;
    const file = this.#write(`module-${this.#modules}.mjs`, `${names}\n${toJavaScript(code)}`);
    return import(/* @vite-ignore */ pathToFileURL(file).href);
  }

  /** Starts a snippet as a process of its own, and waits until it listens. */
  async start(code: string, env: Readonly<Record<string, string>>): Promise<RunningProcess> {
    const child = spawn(process.execPath, ["--import", preload.href, this.#write("index.js", code)], {
      cwd: this.folder,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    const running = new RunningProcess(child);
    this.#processes.push(running);
    await running.listening();
    return running;
  }

  /** Also ends what a test that failed left running. */
  async remove(): Promise<void> {
    await Promise.all(this.#processes.map((running) => running.kill()));
    rmSync(this.folder, { recursive: true });
  }

  #write(name: string, text: string): string {
    const file = join(this.folder, name);
    writeFileSync(file, text);
    return file;
  }
}

/** A process that `preload.js` tells the test of. */
class RunningProcess {
  url = "";
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown[]>;
  readonly #said = new Map<string, unknown>();
  #printed = "";

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, "exit");
    child.on("message", (message) => {
      for (const [key, value] of Object.entries(message)) this.#said.set(key, value);
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#printed += text;
      });
    }
  }

  async listening(): Promise<void> {
    this.url = `http://127.0.0.1:${await this.#told("port")}`;
  }

  /** The status of the last answer that it got from the endpoint, or of the first one that it gets. */
  answered(): Promise<unknown> {
    return this.#told("answered");
  }

  /** The code that it ends with when it is asked to end. */
  async stop(): Promise<unknown> {
    this.#child.kill("SIGTERM");
    const [code] = await this.#ended;
    return code;
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode === null) this.#child.kill("SIGKILL");
    await this.#ended;
  }

  /** What it says under this key, now or earlier, unless it ends before. */
  async #told(key: string): Promise<unknown> {
    while (!this.#said.has(key)) await Promise.race([once(this.#child, "message"), this.#endedEarly()]);
    return this.#said.get(key);
  }

  async #endedEarly(): Promise<never> {
    const [code] = await this.#ended;
    throw new Error(`the process ended with ${code}: ${this.#printed}`);
  }
}

function toJavaScript(code: string): string {
  const { ESNext } = ts.ModuleKind;
  return ts.transpileModule(code, { compilerOptions: { module: ESNext, target: ts.ScriptTarget.ES2022 } }).outputText;
}
