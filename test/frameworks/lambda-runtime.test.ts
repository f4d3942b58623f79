import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { describeWebhookHandler } from "../contract/webhook-handler.js";
import type { BuiltFolder } from "../helpers/built-app.js";
import { sandboxForTests } from "../helpers/relay.js";
import { type Gateway, listen } from "./lambda/gateway.js";
import { httpApi } from "./lambda/http-api.js";
import { restApi } from "./lambda/rest-api.js";
import { installRuntime, startRuntime } from "./lambda/runtime.js";
import { type Environment, environmentOf } from "./runtimes/environment.js";

let built: BuiltFolder;
beforeAll(async () => {
  built = await installRuntime();
}, 120_000);
afterAll(() => built?.remove());

/** Each function is a process of its own, started by its first request. */
async function serve(gateway: Gateway, handler: string, environment: Environment) {
  const receive = await startRuntime(built.folder, handler, environment);
  const echo = await startRuntime(built.folder, "echo", environment);
  const { url, close } = await listen(gateway, { "*": receive.invoke, "/echo": echo.invoke });
  return {
    url,
    async close() {
      await close();
      await Promise.all([receive.stop(), echo.stop()]);
    },
  };
}

// The other ways in differ by their events and results, which lambda.test.ts puts through the suite without a process.
for (const [name, gateway] of [
  ["a REST API", restApi()],
  ["an HTTP API", httpApi()],
] as const) {
  describeWebhookHandler(`AWS's Lambda runtime behind ${name}`, {
    isRemote: true,
    buffersBodies: true,
    start: (_relay, options, settings) => serve(gateway, "handler", environmentOf(settings, options)),
    startAfterJsonParser: (_relay, settings) => serve(gateway, "kept", environmentOf(settings)),
    startBehindJsonParser: (_relay, settings) => serve(gateway, "parsed", environmentOf(settings)),
  });
}

describe("AWS's Lambda runtime in particular", async () => {
  const { settings } = await sandboxForTests();

  it("calls it a failure of the function when the event is no HTTP request", async () => {
    const { invoke, stop } = await startRuntime(built.folder, "handler", environmentOf(settings));
    onTestFinished(stop);
    expect(await invoke({ Records: [] } as never, {})).toEqual({ errorType: "RelayError" });
  });
});
