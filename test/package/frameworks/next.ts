/** An app on Next.js, of whatever version, built before, with both of its routers. Prints one line of JSON. */
import { createServer, type RequestListener } from "node:http";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { Relay } from "affonso-relay";
import { report, serve, visit } from "./visit.js";

interface NextOptions {
  readonly dir: string;
  readonly dev: boolean;
  readonly hostname: string;
  readonly port: number;
}

interface NextApp {
  prepare(): Promise<void>;
  getRequestHandler(): RequestListener;
}

const require = createRequire(import.meta.url);
const dir = fileURLToPath(new URL("./next/", import.meta.url));

async function startApp(relay: Relay) {
  globalThis.servedRelay = relay;
  const server = createServer();
  const running = await serve(server, relay);
  const next: (options: NextOptions) => NextApp = require("next");
  // Next 13 makes the URLs of requests of these.
  const app = next({ dev: false, dir, hostname: "127.0.0.1", port: Number(new URL(running.url).port) });
  await app.prepare();
  server.on("request", app.getRequestHandler());
  return running;
}

report(visit(startApp, ["/webhooks/stripe", "/api/webhooks/stripe"]));
