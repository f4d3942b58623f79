// Compiled by tsc and never run: what the types of referralFrom and, for Paddle and others, withReferral promise.
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { ALBEvent, APIGatewayProxyEvent, APIGatewayProxyEventV2 } from "aws-lambda";
import type { Request as ExpressRequest } from "express";
import type { FastifyRequest } from "fastify";
import type { Context as HonoContext } from "hono";
import type { Context as KoaContext } from "koa";
import type { cookies, headers } from "next/headers.js";
import type { NextRequest } from "next/server.js";
import { withReferral as withReferralForCustom } from "../../adapters/custom/index.js";
import { withReferral as withReferralForPaddle } from "../../adapters/paddle/index.js";
import { type ReferralSource, referralFrom } from "../../src/referral.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectTrue<_T extends true>(): void {}

declare const referral: string | undefined;

// As the types of @paddle/paddle-js and @paddle/paddle-node-sdk have them.
interface CheckoutOpenOptions {
  items?: { priceId: string; quantity?: number }[];
  customData?: Record<string, unknown>;
}
interface CreateTransactionRequestBody {
  items: { priceId: string; quantity: number }[];
  customData?: Record<string, unknown> | null;
}
declare function open(options: CheckoutOpenOptions): void;
declare function create(body: CreateTransactionRequestBody): void;
open(withReferralForPaddle({ items: [{ priceId: "pri_1" }] }, referral));
create(withReferralForPaddle({ items: [{ priceId: "pri_1", quantity: 1 }], customData: null }, referral));
const body = withReferralForPaddle(
  { items: [{ price_id: "pri_1", quantity: 1 }], custom_data: { order: 7 } },
  referral,
);
expectTrue<Equal<typeof body.custom_data, { order: number }>>();

const other = withReferralForCustom({ products: ["prod_1"] }, referral);
expectTrue<Equal<typeof other, { products: string[] }>>();

// Every framework's request, its headers, and the browser.
declare const sources: [
  ...[IncomingMessage, IncomingMessage["headers"], Http2ServerRequest, Request, Headers],
  ...[ExpressRequest, FastifyRequest, KoaContext, KoaContext["request"], NextRequest],
  ...[Awaited<ReturnType<typeof headers>>, HonoContext["req"]["raw"]],
  ...[APIGatewayProxyEvent, APIGatewayProxyEventV2, ALBEvent, Document["cookie"], null, undefined],
];
expectTrue<(typeof sources)[number] extends ReferralSource ? true : false>();
expectTrue<Equal<ReturnType<typeof referralFrom>, string | undefined>>();

declare const cookieStore: Awaited<ReturnType<typeof cookies>>;
// @ts-expect-error the store of Next.js answers no header: cookieStore.get("affonso_referral")?.value is the referral
referralFrom(cookieStore);
withReferralForCustom(other, cookieStore.get("affonso_referral")?.value);

declare const hono: HonoContext;
// @ts-expect-error the request of Hono is context.req.raw
referralFrom(hono);

// @ts-expect-error a promise has no headers yet
referralFrom(Promise.resolve(new Headers()));

// @ts-expect-error a number is no source
referralFrom(7);
