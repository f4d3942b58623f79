/** What an edge function does with the package: compiled against the DOM's types alone, without Node's. */
import { createRelay } from "affonso-relay";
import { custom, unsafeNoVerification } from "affonso-relay/custom";
import { createFetchHandler } from "affonso-relay/fetch";
import { paddle } from "affonso-relay/paddle";
import { stripe } from "affonso-relay/stripe";
import * as z from "zod/mini";

export * as hono from "affonso-relay/hono";

const relay = createRelay({
  apiKey: "sk_live_1",
  adapters: [
    stripe({ webhookSecret: "whsec_1" }),
    paddle({ webhookSecret: "pdl_ntfset_1" }),
    custom({ name: "tool", verify: unsafeNoVerification(), schema: z.object({}), normalize: () => null }),
  ],
  logger: { debug() {}, info() {}, warn() {}, error() {} },
  fetch: (input, init) => fetch(input, init),
});
const handle = createFetchHandler(relay);

const post = (source: string) =>
  handle(new Request(`https://edge.test/webhooks/${source}`, { method: "POST", body: "{}" }));
Promise.all(["stripe", "paddle", "tool"].map(post)).then((answers) => {
  console.log(JSON.stringify(answers.map(({ status }) => status)));
});
