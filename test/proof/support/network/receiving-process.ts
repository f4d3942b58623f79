import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as z from "zod/mini";
import { custom, hmacSha256 } from "../../../../adapters/custom/index.js";
import { createExpressMiddleware } from "../../../../src/http/express.js";
import { sqliteOutbox } from "../../../../src/outbox/sqlite.js";
import { createRelay } from "../../../../src/relay-node.js";
import { sale } from "./sales.js";

/** What the process is told when it starts. */
export interface ReceivingConfig {
  readonly path: string;
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly secret: string;
}

/** A server that takes webhooks at `/billing`. It says its port, and ends when it is told anything, or its parent is gone. */
async function receive({ path, secret, ...endpoint }: ReceivingConfig): Promise<void> {
  const relay = createRelay({
    ...endpoint,
    outbox: sqliteOutbox({ path }),
    adapters: [
      custom({
        name: "billing",
        verify: hmacSha256({ header: "x-billing-signature", secret }),
        schema: z.object({ id: z.string() }),
        normalize: ({ id }) => {
          const { source: _, ...event } = sale(id);
          return event;
        },
      }),
    ],
  });
  await relay.start();
  const middleware = createExpressMiddleware(relay);
  const server = createServer((request, response) =>
    middleware(request, response, () => {
      response.writeHead(404).end();
    }),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const end = async () => {
    server.close();
    server.closeAllConnections();
    await relay.stop();
    process.exit(0);
  };
  process.once("message", end);
  process.once("disconnect", end);
  process.send?.((server.address() as AddressInfo).port);
}

const config = process.env["PROOF_RECEIVING"];
if (config !== undefined) await receive(JSON.parse(config));
