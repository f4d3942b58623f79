import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Message, Question, ServerConfig, ServerQuestions, Settled, WorkerConfig } from "./messages.js";

const alive = new Set<Child>();

/** Ends whatever a test has left running, stopped ones too. */
export async function killAll(): Promise<void> {
  await Promise.all([...alive].map((child) => child.kill()));
}

/** A process that runs one of the scripts of this folder. */
export class Child {
  /** Where it listens. Rejects when it ends before. */
  readonly port: Promise<number>;
  /** Resolves with the signal that ended it; null where it ended by itself. */
  readonly ended: Promise<NodeJS.Signals | null>;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  readonly #settled: ((settled: Settled) => void)[] = [];
  #asked = 0;
  /** What it last complained of. */
  #stderr = "";

  constructor(file: string, config: ServerConfig | WorkerConfig) {
    this.#process = fork(file, {
      env: { ...process.env, NODE_OPTIONS: "", PROOF_PROCESS: JSON.stringify(config) },
      execArgv: [],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    alive.add(this);
    this.#process.stderr?.on("data", (data) => {
      this.#stderr = `${this.#stderr}${data}`.slice(-4_000);
    });
    this.ended = once(this.#process, "exit").then(() => {
      alive.delete(this);
      for (const { reject } of this.#waiting.values()) reject(new Error(`the process ended: ${this.#stderr}`));
      return this.#process.signalCode;
    });
    this.port = new Promise<number>((resolve, reject) => {
      this.#process.on("message", (message: Message) => this.#hear(message, resolve));
      this.#process.on("exit", (code) => reject(new Error(`ended (${code}) before it was up: ${this.#stderr}`)));
    });
    // Whoever kills it while it starts has no use for this.
    this.port.catch(() => {});
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** `kill -9`, at once; resolves when it is gone, with what ended it. */
  kill(): Promise<NodeJS.Signals | null> {
    this.#process.kill("SIGKILL");
    return this.ended;
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#process.kill(signal);
  }

  ask<Name extends keyof ServerQuestions>(name: Name): Promise<ServerQuestions[Name]> {
    const question: Question = { question: ++this.#asked, name };
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(question.question, { resolve, reject });
    });
    this.#process.send(question);
    return answer as Promise<ServerQuestions[Name]>;
  }

  /** What the store made of the next entry that this worker is through with. */
  nextSettled(): Promise<Settled> {
    return new Promise((resolve) => this.#settled.push(resolve));
  }

  #hear(message: Message, up: (port: number) => void): void {
    if (message.kind === "up") up(message.port);
    if (message.kind === "settled") this.#settled.shift()?.(message);
    if (message.kind === "answer") {
      this.#waiting.get(message.question)?.resolve(message.value);
      this.#waiting.delete(message.question);
    }
  }
}
