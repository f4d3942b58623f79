/** What an app does that has Stripe's SDK, of whatever version. Prints one line of JSON. */
import { createRelay, isRelayError } from "affonso-relay";
import { memoryOutbox } from "affonso-relay/memory";
import { stripe, withReferral } from "affonso-relay/stripe";
import Stripe from "stripe";
import { report } from "./visit.js";

const secret = "whsec_of_a_consumer";
// The SDK's types ask for options up to version 14.
const client = new Stripe("sk_test_unused", {} as NonNullable<ConstructorParameters<typeof Stripe>[1]>);

/** Compiled and not called: the SDK's types take what the app marks, and so does the API. */
export const checkOut = (params: Stripe.Checkout.SessionCreateParams, referral: string | undefined) =>
  client.checkout.sessions.create(withReferral(params, referral));

async function receiveWhatIsSigned() {
  const relay = createRelay({
    apiKey: "sk_unused",
    adapters: [stripe({ webhookSecret: secret })],
    outbox: memoryOutbox(),
    // Nothing is to be delivered here.
    fetch: async () => new Response(null, { status: 503 }),
  });

  const params: Stripe.Checkout.SessionCreateParams = JSON.parse('{"mode":"subscription","line_items":[]}');
  const { subscription_data } = withReferral(params, "ref_ada");
  const payload = JSON.stringify({
    id: "evt_1",
    object: "event",
    type: "customer.subscription.created",
    created: Math.floor(Date.now() / 1000),
    livemode: true,
    data: { object: { id: "sub_1", status: "trialing", ...subscription_data } },
  });
  const header = client.webhooks.generateTestHeaderString({ payload, secret });
  const headers = { "stripe-signature": header };
  const event: Stripe.Event = client.webhooks.constructEvent(payload, header, secret);

  const signed = await relay.receive("stripe", { body: payload, headers });
  const tampered = await relay
    .receive("stripe", { body: payload.replace("ref_ada", "ref_eve"), headers })
    .catch((error: unknown) => (isRelayError(error) ? error.code : error));
  // The same event, and known as such.
  const verified = await relay.receiveVerified("stripe", event);
  await relay.stop();
  return { signed: signed.status, tampered, verified: verified.status };
}

report(receiveWhatIsSigned());
