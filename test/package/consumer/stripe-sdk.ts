/** What an app does that has Stripe's SDK, of whatever version. Prints one line of JSON. */
import { createRelay, isRelayError } from "affonso-relay";
import { memoryOutbox } from "affonso-relay/memory";
import { stripe } from "affonso-relay/stripe";
import Stripe from "stripe";

const secret = "whsec_of_a_consumer";
const { webhooks } = new Stripe("sk_test_unused");
const relay = createRelay({
  apiKey: "sk_unused",
  adapters: [stripe({ webhookSecret: secret })],
  outbox: memoryOutbox(),
  // Nothing is to be delivered here.
  fetch: async () => new Response(null, { status: 503 }),
});

const payload = JSON.stringify({
  id: "evt_1",
  object: "event",
  type: "customer.subscription.created",
  created: Math.floor(Date.now() / 1000),
  livemode: true,
  data: { object: { id: "sub_1", status: "trialing", metadata: { affonso_referral: "ref_ada" } } },
});
const header = webhooks.generateTestHeaderString({ payload, secret });
const headers = { "stripe-signature": header };
const event: Stripe.Event = webhooks.constructEvent(payload, header, secret);

const signed = await relay.receive("stripe", { body: payload, headers });
const tampered = await relay
  .receive("stripe", { body: payload.replace("ref_ada", "ref_eve"), headers })
  .catch((error: unknown) => (isRelayError(error) ? error.code : error));
// The same event, and known as such.
const verified = await relay.receiveVerified("stripe", event);
await relay.stop();
console.log(JSON.stringify({ signed: signed.status, tampered, verified: verified.status }));
