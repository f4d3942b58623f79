// Compiled by tsc and never run: what the types of withReferral promise, with Stripe's types of version 23 and, by
// test/package/stripe-types.test.ts, of version 17.
import type Stripe from "stripe";
import { withReferral } from "../../adapters/stripe/index.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectTrue<_T extends true>(): void {}

declare const client: Stripe;
declare const referral: string | undefined;
const line_items = [{ price: "price_1", quantity: 1 }];
const success_url = "https://shop.example/thanks";

// Written into the call, or before it: the mode stays a literal.
void client.checkout.sessions.create(withReferral({ mode: "subscription", line_items, success_url }, referral));
const before = withReferral({ mode: "payment", line_items, invoice_creation: { enabled: true } }, referral);
void client.checkout.sessions.create(before);

// What comes out is the type that went in.
declare const params: Stripe.Checkout.SessionCreateParams;
const marked = withReferral(params, referral);
expectTrue<Equal<typeof marked, Stripe.Checkout.SessionCreateParams>>();
expectTrue<Equal<ReturnType<typeof withReferral<Stripe.SubscriptionCreateParams>>, Stripe.SubscriptionCreateParams>>();

void client.subscriptions.create(withReferral({ customer: "cus_1", items: [{ price: "price_1" }] }, referral));
void client.customers.create(withReferral({ email: "ada@shop.example" }, referral));
void client.customers.create(withReferral({}, referral));
void client.customers.update("cus_1", withReferral({ metadata: "" }, referral));
void client.invoices.create(withReferral({ customer: "cus_1" }, referral));
void client.paymentIntents.create(withReferral({ amount: 2900, currency: "usd" }, referral));
void client.quotes.create(withReferral({ customer: "cus_1", subscription_data: { trial_period_days: 7 } }, referral));
void client.paymentLinks.create(withReferral({ line_items: [{ price: "price_1", quantity: 1 }] }, referral));

// @ts-expect-error Stripe's own types still refuse what is of a wrong type
void client.checkout.sessions.create(withReferral({ mode: "subscription", line_items: "price_1" }, referral));

// @ts-expect-error and with satisfies what is misspelt
withReferral({ line_itmes: line_items } satisfies Stripe.Checkout.SessionCreateParams, referral);

// A referral may be whatever a database or a form has in place of none.
withReferral(params, null);
withReferral(params, "");

// @ts-expect-error the request is not the referral
withReferral(params, { headers: {} });

// @ts-expect-error nor is a list of them
withReferral(params, ["ref_ada"]);

// @ts-expect-error the params come first
withReferral("ref_ada", params);

// @ts-expect-error a mode is text
withReferral({ mode: 1 }, referral);
