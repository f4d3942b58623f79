/** AWS's own Node runtime in a process of its own, and the Runtime API through which Lambda tells it what to do. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { buildIn } from "../../helpers/built-app.js";
import { install } from "../../package/app.js";
import type { Environment } from "../runtimes/environment.js";
import type { LambdaFunction } from "./gateway.js";

/** Not among the development dependencies, since it compiles curl wherever it is installed with its scripts. */
const VERSION = "3.3.0";

/** What Lambda gives a function at most. */
const TIMEOUT_MS = 900_000;

const here = fileURLToPath(new URL("./", import.meta.url));

/** The runtime, and the function bundled for it as people do: one file, nothing beside it. */
export function installRuntime() {
  return buildIn(tmpdir(), "affonso-relay-lambda", async (folder) => {
    await install(folder, { "aws-lambda-ric": VERSION });
    await build({
      entryPoints: [join(here, "function.ts")],
      outfile: join(folder, "function.mjs"),
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node20",
      logLevel: "error",
    });
  });
}

export interface RunningFunction {
  readonly invoke: LambdaFunction;
  stop(): Promise<void>;
}

/** Starts the runtime with one exported function of the bundle. */
export async function startRuntime(
  folder: string,
  handler: string,
  environment: Environment,
): Promise<RunningFunction> {
  const api = new RuntimeApi();
  const child = spawn(process.execPath, ["node_modules/aws-lambda-ric/bin/index.mjs", `function.${handler}`], {
    cwd: folder,
    stdio: "ignore",
    env: {
      ...process.env,
      ...environment,
      NODE_OPTIONS: `--require ${JSON.stringify(join(here, "runtime-client.cjs"))}`,
      AWS_LAMBDA_RUNTIME_API: await api.listen(),
      AWS_LAMBDA_NODEJS_USE_ALTERNATIVE_CLIENT_1: "true",
      AWS_LAMBDA_FUNCTION_NAME: "relay",
    },
  });
  child.once("exit", () => api.fail("Runtime.ExitError"));
  return {
    invoke: (event) => api.invoke(event),
    async stop() {
      await end(child);
      await api.close();
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

interface Invocation {
  readonly id: string;
  readonly event: object;
  readonly settle: (result: unknown) => void;
}

/**
 * One invocation at a time, as for each of Lambda's environments.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
class RuntimeApi {
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy());
  });
  /** Those that the runtime has not asked for, and those that it works on. */
  readonly #waiting: Invocation[] = [];
  readonly #begun = new Map<string, Invocation>();
  /** The runtime, as long as there is nothing for it to do. */
  #idle: ServerResponse | undefined;
  #failure: unknown;

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves with what the function returned, or with the error that Lambda shows to the caller in its place. */
  invoke(event: object): Promise<unknown> {
    if (this.#failure !== undefined) return Promise.resolve(this.#failure);
    return new Promise((settle) => {
      this.#waiting.push({ id: randomUUID(), event, settle });
      this.#handOut();
    });
  }

  /** For when the runtime is gone. */
  fail(errorType: string): void {
    this.#failure ??= { errorType };
    for (const { settle } of [...this.#begun.values(), ...this.#waiting.splice(0)]) settle(this.#failure);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, what, id = "", how] = /\/runtime\/(init|invocation)\/([^/]+)(?:\/(\w+))?$/.exec(request.url ?? "") ?? [];
    if (id === "next") {
      this.#idle = response;
      this.#handOut();
      return;
    }
    const body = JSON.parse(await text(request));
    response.writeHead(202).end("{}");
    if (what === "init") this.fail(body.errorType);
    else this.#begun.get(id)?.settle(how === "response" ? body : { errorType: body.errorType });
    this.#begun.delete(id);
  }

  #handOut(): void {
    const invocation = this.#idle && this.#waiting.shift();
    if (!invocation) return;
    this.#begun.set(invocation.id, invocation);
    this.#idle?.writeHead(200, {
      "content-type": "application/json",
      "Lambda-Runtime-Aws-Request-Id": invocation.id,
      "Lambda-Runtime-Deadline-Ms": String(Date.now() + TIMEOUT_MS),
      "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:relay",
    });
    this.#idle?.end(JSON.stringify(invocation.event));
    this.#idle = undefined;
  }
}
