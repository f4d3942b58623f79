// Compiled by tsc and never run: what the types of affonso-relay and of its bindings for Express and fetch promise.
import * as z from "zod";
import { custom, unsafeNoVerification } from "../../adapters/custom/index.js";
import { paddle } from "../../adapters/paddle/index.js";
import { stripe } from "../../adapters/stripe/index.js";
import { createExpressHandler, createExpressMiddleware } from "../../src/http/express.js";
import { createFetchHandler } from "../../src/http/fetch.js";
import {
  createRelay,
  type DeadLetter,
  type Delivery,
  defineAdapter,
  isRelayError,
  type ReceiveResult,
  type RelayErrorCode,
  type RelayEvent,
  type WebhookAdapter,
} from "../../src/index.js";
import { memoryOutbox } from "../../src/outbox/memory.js";
import { sqliteOutbox } from "../../src/outbox/sqlite.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectTrue<_T extends true>(): void {}

const apiKey = "sk_live_1";
const billing = custom({
  name: "billing",
  verify: unsafeNoVerification(),
  schema: z.object({ id: z.string(), total: z.number() }),
  normalize: () => null,
});
const adapters = [stripe({ webhookSecret: "whsec_1" }), billing] as const;
const relay = createRelay({ apiKey, adapters });

// Each source has its name and its payload.
expectTrue<Equal<(typeof relay.sources)[number], "stripe" | "billing">>();
expectTrue<Equal<ReturnType<typeof relay.receiveVerified>, Promise<ReceiveResult>>>();
void relay.receiveVerified("billing", { id: "1", total: 2 });
void relay.receiveVerified("billing", { id: "1", total: 2 }, { headers: { "x-id": "1" } });

// @ts-expect-error a payload that the source's schema does not take
void relay.receiveVerified("billing", { id: "1", total: "2" });

// @ts-expect-error the payload of another source
void relay.receiveVerified("stripe", { id: "1", total: 2 });

// @ts-expect-error no such source
void relay.receiveVerified("biling", { id: "1", total: 2 });

declare const anySource: string;
// @ts-expect-error a source that may be any has no payload
void relay.receiveVerified(anySource, { id: "1", total: 2 });

// A source that comes from outside, such as a path, goes to receive.
void relay.receive(anySource, { body: "{}", headers: new Headers() });

// Bindings know the relay's sources.
createExpressHandler(relay, "stripe");
createExpressHandler(relay, "billing", { onReceived: "next", maxBodyBytes: 1024 });
createFetchHandler(relay, "billing", { maxBodyBytes: 1024 });
createFetchHandler(relay);

// @ts-expect-error no such source
createExpressHandler(relay, "paddle");

// @ts-expect-error no such source
createFetchHandler(relay, "paddle");

// @ts-expect-error a handler is for one source
createExpressHandler(relay);

// @ts-expect-error what follows is a word
createExpressHandler(relay, "stripe", { onReceived: true });

// @ts-expect-error a misspelt option
createExpressHandler(relay, "stripe", { maxBodySize: 1024 });

createRelay({ apiKey, adapters: [billing], baseUrl: "http://10.0.0.5/v1", allowPrivateNetwork: true });
// @ts-expect-error it is true or false
createRelay({ apiKey, adapters: [billing], allowPrivateNetwork: "10.0.0.0/8" });

// @ts-expect-error an option of handlers, which the middleware does not have
createExpressMiddleware(relay, { onReceived: "next" });

// @ts-expect-error a misspelt option
createFetchHandler(relay, "stripe", { maxBytes: 1024 });

// @ts-expect-error the adapters are not the relay
createFetchHandler(adapters, "stripe");

// @ts-expect-error an adapter is what its factory answers
createRelay({ apiKey, adapters: [stripe] });

// @ts-expect-error one adapter is a list of one
createRelay({ apiKey, adapters: billing });

// @ts-expect-error the key is not optional, though it may be undefined where the environment lacks it
createRelay({ adapters });

// @ts-expect-error a misspelt option
createRelay({ apiKey, adapters, signingSecrets: "1" });

// @ts-expect-error a duration is a number of milliseconds
createRelay({ apiKey, adapters, timeoutMs: "15s" });

// @ts-expect-error a misspelt hook
createRelay({ apiKey, adapters, on: { deadletter: () => {} } });

// @ts-expect-error a misspelt kind of id
createRelay({ apiKey, adapters, mappings: { customer: {} } });

// @ts-expect-error an id is text, or null
createRelay({ apiKey, adapters, mappings: { products: { prod_1: 7 } } });

// @ts-expect-error a mapping answers text, null or undefined
createRelay({ apiKey, adapters, mappings: { customers: async () => 7 } });

// @ts-expect-error what is dropped is null; undefined may be a forgotten return
createRelay({ apiKey, adapters, transform: () => undefined });

// @ts-expect-error no such type of event
createRelay({ apiKey, adapters, transform: (event) => ({ ...event, type: "sale" }) });

// @ts-expect-error a rate limit has both of its parts
createRelay({ apiKey, adapters, rateLimit: { perMinute: 300 } });

// @ts-expect-error the outbox itself, not its factory
createRelay({ apiKey, adapters, outbox: memoryOutbox });

// @ts-expect-error a logger takes the fields first
createRelay({ apiKey, adapters, logger: { debug() {}, info() {}, error() {}, warn: (message: string) => message } });

// The console takes them too.
createRelay({ apiKey, adapters, logger: console });

// Hooks and functions are told what they are for.
createRelay({
  apiKey,
  adapters,
  on: {
    delivered: (delivery) => expectTrue<Equal<typeof delivery, Delivery>>(),
    deadLetter: async (deadLetter) => expectTrue<Equal<typeof deadLetter, DeadLetter>>(),
    unmatched: (event) => expectTrue<Equal<typeof event, RelayEvent>>(),
  },
  mappings: { customers: (id, event) => expectTrue<Equal<[typeof id, typeof event], [string, RelayEvent]>>() ?? id },
  transform(event) {
    expectTrue<Equal<typeof event.type, "conversion" | "lead" | "trial" | "milestone">>();
    expectTrue<Equal<typeof event.interval, "monthly" | "yearly" | undefined>>();
    return event.type === "lead" ? null : event;
  },
});

declare const result: ReceiveResult;
// @ts-expect-error a result is read
result.status = "delivered";
expectTrue<
  Equal<ReceiveResult["status"], "queued" | "delivered" | "duplicate" | "unmatched" | "dead_letter" | "ignored">
>();

// What comes from the environment may lack: then the app does not start, and the error says what is missing. Whatever may
// be left out may be undefined as well: see options.ts.
createRelay({ apiKey: undefined, adapters });
paddle({ webhookSecret: undefined });
stripe({ webhookSecret: [undefined, "whsec_1"] });

// @ts-expect-error a file or a connection, not neither
sqliteOutbox({ maxBacklog: 10 });

// @ts-expect-error a misspelt option
memoryOutbox({ maxBackLog: 10 });

// An adapter of one's own: its name and its payload are the relay's.
const shop = defineAdapter({
  name: "shop",
  verify: () => {},
  schema: z.object({ order: z.string() }),
  normalize: ({ order }) => ({ type: "lead", name: "ordered", identity: { externalUserId: order } }),
});
expectTrue<Equal<typeof shop, WebhookAdapter<"shop", { order: string }>>>();
void createRelay({ apiKey, adapters: [shop] }).receiveVerified("shop", { order: "1" });

const schema = z.object({});
const verify = () => {};
// @ts-expect-error a misspelt type of event
defineAdapter({ name: "a", verify, schema, normalize: () => ({ type: "leed", name: "x", identity: {} }) });

// @ts-expect-error a misspelt part
defineAdapter({ name: "a", verify, schema, normalise: () => null });

declare const caught: unknown;
if (isRelayError(caught)) {
  expectTrue<Equal<typeof caught.code, RelayErrorCode>>();
  // @ts-expect-error no such code
  void (caught.code === "signature_wrong");
}
