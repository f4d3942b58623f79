import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import type { RunningApp } from "../contract/webhook-handler.js";

/** A real server on a free port of this machine; `path` is put before the paths that are asked for. */
export async function listen(listener: RequestListener, path = ""): Promise<RunningApp> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
