import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createExpressHandler } from "../../../../src/http/express.js";
import { sqliteOutbox } from "../../../../src/outbox/sqlite.js";
import type { Relay } from "../../../../src/relay.js";
import { createRelay } from "../../../../src/relay-node.js";
import { inProcess, type Question, type ServerConfig, type ServerQuestions, stderrLogger } from "./messages.js";
import { SIGNING_SECRET, shop } from "./shop.js";

// A process of its own: a relay with the SQLite outbox behind node:http, nothing else.
const { config, tell } = inProcess<ServerConfig>();
const { path, baseUrl, apiKey, aheadMs } = config;

const relay = createRelay({
  apiKey,
  signingSecret: SIGNING_SECRET,
  baseUrl,
  adapters: [shop()],
  outbox: sqliteOutbox({ path }),
  rateLimit: { perMinute: 1_000_000, perSecond: 100_000 },
  clock: () => Date.now() + aheadMs,
  logger: stderrLogger,
});
await relay.start();

const handler = createExpressHandler(relay, "shop");
const server = createServer((request, response) => handler(request, response, () => response.destroy()));
server.listen(0, "127.0.0.1", () => tell({ kind: "up", port: (server.address() as AddressInfo).port }));

const answers: { [Name in keyof ServerQuestions]: (relay: Relay) => Promise<ServerQuestions[Name]> } = {
  drained,
  deadLetters: ({ deadLetters }) => deadLetters.list({}, { limit: 1_000 }),
  replay: ({ deadLetters }) => deadLetters.replay({}),
};
process.on("message", async ({ question, name }: Question) => {
  tell({ kind: "answer", question, value: await answers[name](relay) });
});

/** Waits for as long as something is pending and the number goes down within 15 seconds. */
async function drained(): Promise<ServerQuestions["drained"]> {
  let least = Number.POSITIVE_INFINITY;
  let endsAt = 0;
  for (;;) {
    const now = await relay.stats();
    if (now.counts.pending === 0) return now;
    if (now.counts.pending < least) {
      least = now.counts.pending;
      endsAt = performance.now() + 15_000;
    }
    if (performance.now() > endsAt) return now;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
