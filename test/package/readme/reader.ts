/** The names that the README's snippets lean on: what an app has already, and what an earlier snippet made. */
import type { Relay, WebhookAdapter } from "affonso-relay";
import type { Express, RequestHandler } from "express";
import type Stripe from "stripe";

export { referralFrom } from "affonso-relay";
export { captureRawBody, createExpressHandler, createExpressMiddleware } from "affonso-relay/express";
export { stripe } from "affonso-relay/stripe";
export { default as express } from "express";

export declare const relay: Relay<readonly [WebhookAdapter<"stripe">]>;
export declare const handler: (request: Request) => Promise<Response>;
export declare const app: Express;
export declare const yourHandler: RequestHandler;
export declare const stripeClient: Stripe;
/** Of Stripe's webhook endpoint. */
export declare const secret: string;
export declare const webhookSecret: string | undefined;
export declare const user: { readonly id: string };
export declare const req: Request;
/** Of a dead letter. */
export declare const id: string;
export declare const line_items: Stripe.Checkout.SessionCreateParams.LineItem[];
export declare const success_url: string;
