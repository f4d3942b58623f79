import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { Webhooks } from "@octokit/webhooks";
import { Environment, Paddle } from "@paddle/paddle-node-sdk";
import type { WebhookAdapter, WebhookRequest } from "affonso-relay";
import { custom, hmacSha256, standardWebhooks } from "affonso-relay/custom";
import { paddle } from "affonso-relay/paddle";
import { stripe } from "affonso-relay/stripe";
import { Webhook } from "standardwebhooks";
import Stripe from "stripe";
import { Webhook as SvixWebhook } from "svix";
import * as z from "zod";
import { inBenchProcess } from "../process.js";
import { type Candidate, inRounds, type Reading } from "../rounds.js";

// One kind of webhook in a process of its own, so that no other's code has any part in how fast it is.
const [group = "", pipeline = ""] = process.argv.slice(2);
const { parseRecord, prepareRecords } = await import(pipeline);

const ROUNDS = 101;
const TIMES = 200;

const mappings = { customers: { cus_ada: "1" }, products: { prod_team: "team" }, prices: { price_team: "team" } };
const fixture = (path: string) =>
  JSON.stringify(JSON.parse(readFileSync(new URL(`../../../fixtures/${path}.json`, import.meta.url), "utf8")));
const hmacOf = (secret: string, ...parts: readonly string[]) =>
  parts.reduce((hmac, part) => hmac.update(part), createHmac("sha256", secret));
const seconds = Math.floor(Date.now() / 1_000);

/** What nobody can do without: the HMAC of the bytes, compared, and their JSON. */
function leastOf(body: Buffer, secret: string, before: string, signature: string): () => unknown {
  return () => {
    const hmac = createHmac("sha256", secret).update(before).update(body).digest();
    if (!timingSafeEqual(hmac, Buffer.from(signature, "hex"))) throw new Error("not signed");
    return JSON.parse(body.toString());
  };
}

/** From the bytes to events that are ready for the outbox. */
function wayOf(adapter: WebhookAdapter, request: WebhookRequest): () => Promise<unknown> {
  const context = { source: adapter.name, header: () => undefined };
  return async () => {
    const payload = await adapter.verify(request, { nowMs: Date.now() });
    const records = await adapter.normalize(payload, context);
    return prepareRecords(
      records.map((record) => parseRecord(record, adapter.name)),
      { mappings, transform: undefined },
    );
  };
}

type Subject = readonly [name: string, run: () => unknown];

const GROUPS: Readonly<Record<string, () => readonly Subject[]>> = {
  stripe() {
    const secret = "whsec_of_the_benchmark";
    const payload = fixture("stripe/invoice-paid.basil.first");
    const body = Buffer.from(payload);
    const { webhooks } = new Stripe("sk_test_of_the_benchmark");
    const header = webhooks.generateTestHeaderString({ payload, secret, timestamp: seconds });
    const before = `${seconds}.`;
    return [
      ["HMAC + JSON.parse", leastOf(body, secret, before, hmacOf(secret, before, payload).digest("hex"))],
      [
        "verify + parse + normalize + map",
        wayOf(stripe({ webhookSecret: secret }), request(body, { "stripe-signature": header })),
      ],
      ["stripe.webhooks.constructEvent", () => webhooks.constructEvent(body, header, secret)],
    ];
  },
  paddle() {
    const secret = "pdl_ntfset_01_of_the_benchmark";
    const payload = completeTransaction(fixture("paddle/transaction-completed.first-payment"));
    const body = Buffer.from(payload);
    const before = `${seconds}:`;
    const signature = hmacOf(secret, before, payload).digest("hex");
    const header = `ts=${seconds};h1=${signature}`;
    const { webhooks } = new Paddle("of_the_benchmark", { environment: Environment.sandbox });
    return [
      ["HMAC + JSON.parse", leastOf(body, secret, before, signature)],
      [
        "verify + parse + normalize + map",
        wayOf(paddle({ webhookSecret: secret }), request(body, { "paddle-signature": header })),
      ],
      ["paddle.webhooks.unmarshal", () => webhooks.unmarshal(body.toString(), secret, header)],
    ];
  },
  "Standard Webhooks"() {
    const key = "c2VjcmV0IG9mIHRoZSBiZW5jaG1hcms=";
    const payload = fixture("stripe/invoice-paid.basil.first");
    const body = Buffer.from(payload);
    const before = `msg_1.${seconds}.`;
    const signature = createHmac("sha256", Buffer.from(key, "base64")).update(before).update(payload).digest();
    const headers = {
      "webhook-id": "msg_1",
      "webhook-timestamp": String(seconds),
      "webhook-signature": `v1,${signature.toString("base64")}`,
    };
    const adapter = billing(standardWebhooks({ secret: key }));
    const [reference, svix] = [new Webhook(key), new SvixWebhook(key)];
    const bytes = Buffer.from(key, "base64").toString("latin1");
    return [
      ["HMAC + JSON.parse", leastOf(body, bytes, before, signature.toString("hex"))],
      ["verify + parse + normalize + map", wayOf(adapter, request(body, headers))],
      ["standardwebhooks verify", () => reference.verify(body.toString(), headers)],
      ["svix verify", () => svix.verify(body.toString(), headers)],
    ];
  },
  "plain HMAC"() {
    const secret = "secret of the benchmark";
    const payload = fixture("stripe/invoice-paid.basil.first");
    const body = Buffer.from(payload);
    const signature = hmacOf(secret, payload).digest("hex");
    const adapter = billing(hmacSha256({ header: "x-hub-signature-256", secret, prefix: "sha256=" }));
    const octokit = new Webhooks({ secret });
    return [
      ["HMAC + JSON.parse", leastOf(body, secret, "", signature)],
      [
        "verify + parse + normalize + map",
        wayOf(adapter, request(body, { "x-hub-signature-256": `sha256=${signature}` })),
      ],
      [
        "@octokit/webhooks verify + JSON.parse",
        async () => {
          const text = body.toString();
          if (!(await octokit.verify(text, `sha256=${signature}`))) throw new Error("not signed");
          return JSON.parse(text);
        },
      ],
    ];
  },
};

/** With what our adapter does not read and Paddle's SDK does. */
function completeTransaction(payload: string): string {
  const { data, ...event } = JSON.parse(payload);
  for (const { price } of data.items) {
    Object.assign(price, {
      unit_price: { amount: "1000", currency_code: "USD" },
      unit_price_overrides: [],
      quantity: { minimum: 1, maximum: 1 },
    });
  }
  for (const line of data.details.line_items) Object.assign(line, { unit_totals: {}, totals: {} });
  data.details.tax_rates_used = [];
  return JSON.stringify({ ...event, data });
}

function request(body: Buffer, headers: Readonly<Record<string, string>>): WebhookRequest {
  return { body, headers };
}

/** What an app would write for such a webhook. */
function billing(verify: Parameters<typeof custom>[0]["verify"]): WebhookAdapter {
  return custom({
    name: "billing",
    verify,
    schema: z.object({
      id: z.string(),
      data: z.object({ object: z.object({ customer: z.string(), amount_paid: z.int(), currency: z.string() }) }),
    }),
    normalize: ({ id, data: { object } }) => ({
      type: "conversion",
      name: "invoice_paid",
      externalEventId: id,
      identity: { customerId: object.customer },
      sale: { minorUnits: object.amount_paid, currency: object.currency.toUpperCase() },
    }),
  });
}

const subjects = GROUPS[group]?.() ?? [];
await inBenchProcess("ready", async (): Promise<Reading[]> => {
  const candidates = subjects.map(
    ([name, run]): Candidate => ({
      name,
      async measure() {
        const beganAt = performance.now();
        for (let time = 0; time < TIMES; time++) await run();
        return ((performance.now() - beganAt) / TIMES) * 1_000;
      },
    }),
  );
  // Until all of it is compiled.
  await inRounds(candidates, ROUNDS / 3);
  return inRounds(candidates, ROUNDS);
});
