import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import { endAll, startOn } from "../../examples/support/runtime.js";
import type { Environment } from "./runtimes/environment.js";
import { describeProcess, describeRuntime } from "./runtimes/suite.js";

const server = fileURLToPath(new URL("bun/server.ts", import.meta.url));
const serve = (environment: Environment) => startOn("bun", [server], environment);
afterAll(endAll);

// An answer with connection: close ends the connection at once, whatever is still on its way in.
describeRuntime("Bun.serve", serve, { cutsSenders: true });
describeProcess("Bun", serve);
