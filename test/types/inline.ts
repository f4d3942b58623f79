// Compiled by tsc and never run: a factory that is written inside createRelay says as much as one that has a name.
import type Stripe from "stripe";
import * as z from "zod";
import { custom, unsafeNoVerification } from "../../adapters/custom/index.js";
import { type PaddleEventInput, paddle } from "../../adapters/paddle/index.js";
import { type StripeEventInput, stripe } from "../../adapters/stripe/index.js";
import { createExpressHandler } from "../../src/http/express.js";
import { createFetchHandler } from "../../src/http/fetch.js";
import { createHonoHandler } from "../../src/http/hono.js";
import { createKoaHandler } from "../../src/http/koa.js";
import { createLambdaHandler } from "../../src/http/lambda.js";
import { AffonsoRelayModule } from "../../src/http/nest.js";
import { createNextApiHandler, createNextRouteHandler } from "../../src/http/next.js";
import { createNodeHandler } from "../../src/http/node.js";
import { createRelay, defineAdapter, type Relay, type WebhookAdapter } from "../../src/index.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectTrue<_T extends true>(): void {}

const apiKey = "sk_live_1";
const webhookSecret = "secret";
const verify = unsafeNoVerification();
const schema = z.object({ id: z.string() });
const normalize = () => null;
declare const stripeEvent: Stripe.Event;
declare const paddleEvent: PaddleEventInput;

const relay = createRelay({
  apiKey,
  adapters: [
    stripe({ webhookSecret }),
    stripe({ webhookSecret, name: "stripe-eu" }),
    paddle({ webhookSecret }),
    paddle({ webhookSecret, name: "paddle-eu" }),
    custom({ name: "billing", verify, schema, normalize }),
    defineAdapter({ name: "shop", verify: () => {}, schema: z.object({ order: z.number() }), normalize }),
  ],
});
type Source = "stripe" | "stripe-eu" | "paddle" | "paddle-eu" | "billing" | "shop";
expectTrue<Equal<(typeof relay.sources)[number], Source>>();

void relay.receiveVerified("stripe", stripeEvent);
void relay.receiveVerified("stripe-eu", stripeEvent);
void relay.receiveVerified("paddle", paddleEvent);
void relay.receiveVerified("paddle-eu", paddleEvent);
void relay.receiveVerified("billing", { id: "1" });
void relay.receiveVerified("shop", { order: 1 });

// @ts-expect-error no such source
void relay.receiveVerified("strip", stripeEvent);

// @ts-expect-error a body is not an event
void relay.receiveVerified("stripe", "{}");

// @ts-expect-error another provider's event
void relay.receiveVerified("stripe-eu", paddleEvent);

// @ts-expect-error another provider's event
void relay.receiveVerified("paddle", stripeEvent);

// @ts-expect-error a body is not an event
void relay.receiveVerified("paddle-eu", "{}");

// @ts-expect-error a payload that the source's schema does not take
void relay.receiveVerified("billing", { id: 1 });

// @ts-expect-error a payload that the source's schema does not take
void relay.receiveVerified("shop", { order: "1" });

// A relay of one adapter each.
const ofStripe = createRelay({ apiKey, adapters: [stripe({ webhookSecret })] });
const ofPaddle = createRelay({ apiKey, adapters: [paddle({ webhookSecret })] });
const ofCustom = createRelay({ apiKey, adapters: [custom({ name: "billing", verify, schema, normalize })] });
const ofOwn = createRelay({ apiKey, adapters: [defineAdapter({ name: "shop", verify: () => {}, schema, normalize })] });
expectTrue<Equal<(typeof ofStripe.sources)[number], "stripe">>();
expectTrue<Equal<(typeof ofPaddle.sources)[number], "paddle">>();
expectTrue<Equal<(typeof ofCustom.sources)[number], "billing">>();
expectTrue<Equal<(typeof ofOwn.sources)[number], "shop">>();

// Where the place asks for any adapter, the name is kept all the same.
const anyAdapter = [stripe({ webhookSecret })] satisfies readonly WebhookAdapter[];
expectTrue<Equal<typeof anyAdapter, WebhookAdapter<"stripe", StripeEventInput>[]>>();

// Each is a relay like any other, which is what a Nest module, or a function of the app, may ask for.
declare function take(relay: Relay): void;
take(relay);
take(ofStripe);
AffonsoRelayModule.forRoot({ relay });

// Every binding for one source knows which there are.
createExpressHandler(relay, "stripe");
createExpressHandler(ofStripe, "stripe");
createFetchHandler(relay, "paddle");
createKoaHandler(relay, "billing");
createNodeHandler(relay, "shop");
createHonoHandler(relay, "stripe-eu");
createLambdaHandler(relay, "paddle-eu");
createNextRouteHandler(relay, "stripe");
createNextApiHandler(relay, "stripe");

// @ts-expect-error no such source
createExpressHandler(relay, "strip");

// @ts-expect-error a source of another relay
createExpressHandler(ofPaddle, "stripe");

// @ts-expect-error no such source
createFetchHandler(relay, "strip");

// @ts-expect-error no such source
createKoaHandler(relay, "strip");

// @ts-expect-error no such source
createNodeHandler(relay, "strip");

// @ts-expect-error no such source
createHonoHandler(relay, "strip");

// @ts-expect-error no such source
createLambdaHandler(relay, "strip");

// @ts-expect-error no such source
createNextRouteHandler(relay, "strip");

// @ts-expect-error no such source
createNextApiHandler(relay, "strip");

// So they do where the relay itself is written inside them.
createExpressHandler(createRelay({ apiKey, adapters: [stripe({ webhookSecret })] }), "stripe");
createFetchHandler(createRelay({ apiKey, adapters: [stripe({ webhookSecret })] }), "stripe");

// @ts-expect-error no such source
createExpressHandler(createRelay({ apiKey, adapters: [stripe({ webhookSecret })] }), "strip");

// @ts-expect-error no such source
createFetchHandler(createRelay({ apiKey, adapters: [stripe({ webhookSecret })] }), "strip");
