import { fork } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Health, HOSTILE_SECRETS, type HostileConfig, type Ports, type Question } from "./messages.js";

export type HostileSource = keyof typeof HOSTILE_SECRETS;

/** A server in a process of its own, so that what it is measured by is its own. */
export interface HostileServer {
  readonly ports: Ports;
  /** Its health since this was last asked. Rejects when it is dead. */
  health(question?: Question): Promise<Health>;
  stop(): Promise<void>;
}

/** Starts the server with little memory: what keeps too much of what it was sent ends it. */
export async function startHostileServer(config: HostileConfig): Promise<HostileServer> {
  const child = fork(fileURLToPath(new URL("server-process.ts", import.meta.url)), {
    env: { ...process.env, NODE_OPTIONS: "", PROOF_HOSTILE: JSON.stringify(config) },
    execArgv: ["--expose-gc", "--max-old-space-size=128", "--import", "tsx"],
  });
  const exit = once(child, "exit");
  const dead = exit.then(([code, signal]) => Promise.reject(new Error(`the server ended (${code ?? signal})`)));
  dead.catch(() => {});
  const [ports] = await Promise.race([once(child, "message"), dead]);
  return {
    ports,
    async health(question = "health") {
      const answer = once(child, "message");
      child.send(question);
      const [health] = await Promise.race([answer, dead]);
      return health;
    },
    async stop() {
      if (child.exitCode === null) child.kill("SIGKILL");
      await exit;
    },
  };
}

/** The headers that make a body a source's own. */
export function signedHeaders(source: HostileSource, body: string | Uint8Array): Readonly<Record<string, string>> {
  const seconds = Math.floor(Date.now() / 1000);
  const hmac = (before: string) =>
    createHmac("sha256", HOSTILE_SECRETS[source]).update(before).update(body).digest("hex");
  switch (source) {
    case "stripe":
      return { "stripe-signature": `t=${seconds},v1=${hmac(`${seconds}.`)}` };
    case "paddle":
      return { "paddle-signature": `ts=${seconds};h1=${hmac(`${seconds}:`)}` };
    case "billing":
      return { "x-billing-signature": hmac("") };
  }
}
