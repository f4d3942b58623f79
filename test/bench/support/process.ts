import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** A script of this folder in a process of its own, which is told its arguments, then to begin, and answers once each time. */
export class BenchProcess<Ready, Result> {
  /** What it says when it is ready to begin. */
  readonly ready: Promise<Ready>;
  readonly #process: ChildProcess;

  constructor(script: string, ...args: readonly (string | number)[]) {
    const file = fileURLToPath(new URL(script, import.meta.url));
    this.#process = fork(file, args.map(String), { execArgv: ["--no-warnings", "--import", "tsx", ...profiling()] });
    this.ready = this.#next<Ready>();
    this.ready.catch(() => {});
  }

  /** Tells it to begin, and answers what it measured. */
  begin(): Promise<Result> {
    const result = this.#next<Result>();
    this.#process.send("begin");
    return result;
  }

  /** Resolves once it is gone. */
  end(): Promise<void> {
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== null || signalCode !== null) return Promise.resolve();
    const gone = new Promise<void>((resolve) => this.#process.once("exit", () => resolve()));
    if (this.#process.connected) this.#process.disconnect();
    return gone;
  }

  #next<Message>(): Promise<Message> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null) => reject(new Error(`a process of the benchmark ended (${code})`));
      this.#process.once("exit", ended);
      this.#process.once("message", (message: Message) => {
        this.#process.off("exit", ended);
        resolve(message);
      });
    });
  }
}

/** `BENCH_PROFILE=folder npm run bench` leaves a CPU profile of each process there. */
function profiling(): string[] {
  const folder = process.env["BENCH_PROFILE"];
  return folder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${folder}`];
}

/** For the processes: says that it is ready, waits to be told to begin, answers, and ends with its parent. */
export async function inBenchProcess<Result>(ready: unknown, measure: () => Promise<Result>): Promise<void> {
  process.once("disconnect", () => process.exit());
  process.on("message", async () => process.send?.(await measure()));
  process.send?.(ready);
}
