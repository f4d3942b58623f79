import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { endAll, startOn } from "../../examples/support/runtime.js";
import { sandboxForTests } from "../helpers/relay.js";
import { type Environment, environmentOf } from "./runtimes/environment.js";
import { describeProcess, describeRuntime, postInvoice } from "./runtimes/suite.js";

const server = fileURLToPath(new URL("deno/server.ts", import.meta.url));
const serve = (environment: Environment) => {
  // The app that the runtimes share is imported by ".js" there, as TypeScript for Node is written.
  const flags = ["--unstable-sloppy-imports"];
  if (environment.OUTBOX_FILE !== undefined) {
    const folder = dirname(environment.OUTBOX_FILE);
    flags.push(`--allow-read=${folder}`, `--allow-write=${folder}`);
  }
  return startOn("deno", [...flags, server], environment);
};
afterAll(endAll);

describeRuntime("Deno.serve", serve);
describeProcess("Deno", serve);

describe("Deno in particular", async () => {
  const { settings } = await sandboxForTests();

  it("is given nothing to warn of: to look at request.signal would", async () => {
    const running = await serve(environmentOf(settings));
    await postInvoice(running, "quiet_1");
    await postInvoice(running, "quiet_2");
    expect(await running.printed(/evt_quiet_2|legacy/)).toBe("delivered evt_quiet_2");
  });
});
