import { createHmac } from "node:crypto";
import { inspect } from "node:util";
import Stripe from "stripe";
import { afterAll, describe, expect, it, onTestFinished, vi } from "vitest";
import * as z from "zod";
import { basicAuth, bearer, custom, hmacSha256, standardWebhooks, staticHeader } from "../../adapters/custom/index.js";
import { paddle } from "../../adapters/paddle/index.js";
import { stripe } from "../../adapters/stripe/index.js";
import { createFetchHandler } from "../../src/http/fetch.js";
import type { Logger } from "../../src/logger.js";
import type { RelayHooks, RelayOptions } from "../../src/options.js";
import type { Relay } from "../../src/relay.js";
import { createRelay } from "../../src/relay-node.js";
import { createSandbox, type Fault } from "../../src/sandbox/index.js";
import { nudge, STORES, until } from "./support/model/bench.js";

/** Each is found by itself, so that a leak says what leaked. */
const SECRETS = {
  apiKey: "sk_live_CANARYapiKey0001",
  signing: "CANARYsigningSecret0002",
  stripe: "whsec_CANARYstripeSecret0003",
  paddle: "pdl_ntfset_CANARYpaddleSecret0004",
  hmac: "CANARYhmacSecret0005",
  standard: `whsec_${Buffer.from("CANARYstandardSecret0006!").toString("base64")}`,
  bearer: "CANARYbearerToken0007",
  password: "CANARYpassword0008",
};

const PERSONS = Array.from({ length: 15 }, (_, at) => ({
  email: `canary.person${at}@leak.example`,
  name: `Canaria Leakworth-${at}`,
}));
const PII = PERSONS.flatMap(({ email, name }) => [email, name]);
const pii = (at: number) => PERSONS[at % PERSONS.length] ?? { email: "", name: "" };

/** Also as they stand in a URL, in base64 and in hex: a leak in disguise is one. */
const CANARIES = [...Object.values(SECRETS), ...PII].flatMap((canary) => [
  canary,
  encodeURIComponent(canary),
  Buffer.from(canary).toString("base64").replace(/=+$/, ""),
  Buffer.from(canary).toString("hex"),
]);

/** Everything that the kit says, to whomever. */
const said: { where: string; text: string }[] = [];
let bytes = 0;

function hear(where: string, value: unknown): void {
  const texts = [inspect(value, { depth: 12, showHidden: true, maxStringLength: null, maxArrayLength: null })];
  if (typeof value === "string") texts.push(value);
  else texts.push(JSON.stringify(value) ?? "");
  for (const text of texts) {
    said.push({ where, text });
    bytes += text.length;
  }
}

/** An error of the kit in every form in which it may end in a log. The cause is the app's own, where the app threw. */
function hearError(where: string, error: unknown, ofApp: boolean): void {
  hear(where, String(error));
  if (!(error instanceof Error)) return;
  hear(`${where} message`, error.message);
  hear(`${where} stack`, String(error.stack));
  hear(`${where} fields`, { ...error });
  if (!ofApp) hear(`${where} inspect`, error);
}

const logger: Logger = {
  debug: (fields, message) => hear("log", { fields, message }),
  info: (fields, message) => hear("log", { fields, message }),
  warn: (fields, message) => hear("log", { fields, message }),
  error: (fields, message) => hear("log", { fields, message }),
};

/** What an app throws: its own words, with a customer in them. */
const appError = () =>
  Object.assign(new Error(`no account of ${pii(1).email} ${pii(1).name}`), { email: pii(2).email });
const fail = () => {
  throw appError();
};

const person = (at: number) => ({
  customer_email: pii(at).email,
  customer_name: pii(at).name,
  customer_details: { email: pii(at + 1).email, name: pii(at + 1).name },
  billing_details: { email: pii(at + 2).email, name: pii(at + 2).name },
  receipt_email: pii(at + 3).email,
  description: `Paid by ${pii(at + 4).name}`,
  client_reference_id: null,
  custom_fields: [{ text: { value: pii(at + 5).email } }],
});

const stripeEvent = (id: string, type: string, object: object) => ({
  ...{ id, object: "event", type, created: Math.floor(Date.now() / 1000), livemode: true },
  data: { object },
});
const invoice = (id: string, at: number, more: object = {}) =>
  stripeEvent(`evt_${id}`, "invoice.paid", {
    ...{
      id: `in_${id}`,
      object: "invoice",
      amount_paid: 5000,
      total: 5000,
      total_excluding_tax: 5000,
      currency: "usd",
    },
    ...{ customer: `cus_${id}`, metadata: { affonso_referral: "ref_ada", note: pii(at).email }, lines: { data: [] } },
    ...person(at),
    ...more,
  });
const transaction = (id: string, at: number, more: object = {}) => ({
  ...{ event_id: `evt_${id}`, event_type: "transaction.completed", occurred_at: "2026-03-02T09:15:33Z" },
  data: {
    ...{ id: `txn_${id}`, customer_id: `ctm_${id}`, currency_code: "USD", items: [] },
    custom_data: { affonso_referral: "ref_ada", email: pii(at).email, name: pii(at).name },
    customer: { email: pii(at + 1).email, name: pii(at + 1).name },
    details: { totals: { tax: "0", total: "5000", grand_total: "5000" }, line_items: [] },
    ...more,
  },
});

/** Bodies that are right, odd and wrong, with persons in all of them. */
function bodiesOf(source: string, at: number): string[] {
  const id = `${source}_${at}`;
  if (source === "stripe") {
    return [
      invoice(`${id}_a`, at),
      invoice(`${id}_b`, at, { metadata: { affonso_referral: "ref_nobody" } }),
      invoice(`${id}_c`, at, { currency: pii(at).email }),
      invoice(`${id}_d`, at, { amount_paid: pii(at).name }),
      invoice(`${id}_e`, at, { lines: { data: [{ period: pii(at).email }] } }),
      invoice(`${id}_f`, at, { metadata: { affonso_referral: `ref\t${pii(at).name}` } }),
      stripeEvent(`evt_${id}_g`, "checkout.session.completed", { object: "checkout.session", ...person(at) }),
      stripeEvent(`evt_${id}_h`, "customer.updated", person(at)),
      stripeEvent(`evt_${id}_i`, "refund.created", {
        ...{ id: `re_${id}`, amount: 100, currency: "usd", status: "succeeded", created: 1, payment_intent: "pi_x" },
        ...{ reason: "requested_by_customer", ...person(at) },
      }),
    ].map((event) => JSON.stringify(event));
  }
  if (source === "paddle") {
    return [
      transaction(`${id}_a`, at),
      transaction(`${id}_b`, at, { currency_code: pii(at).email }),
      transaction(`${id}_c`, at, { details: { totals: { tax: pii(at).email, total: "1", grand_total: "1" } } }),
      transaction(`${id}_d`, at, { details: pii(at).name }),
      { eventType: "transaction.completed", email: pii(at).email },
    ].map((event) => JSON.stringify(event));
  }
  const own = (more: object) => JSON.stringify({ id: `${id}_${JSON.stringify(more).length}`, ...pii(at), ...more });
  return [
    own({}),
    own({ make: "metadata key" }),
    own({ make: "unknown field" }),
    own({ make: "kind" }),
    own({ make: "deep" }),
    own({ make: "id" }),
    own({ make: "amount" }),
    own({ make: "throw" }),
    own({ make: "text" }),
    own({ id: 7 }),
    `{"email":"${pii(at).email}",`,
    `${pii(at).email}`,
  ];
}

const appSchema = z.object({ id: z.string(), email: z.string(), name: z.string(), make: z.string().optional() });

/** An app's own code, with the slips that apps make. */
function normalizeApp({ id, email, name, make }: z.output<typeof appSchema>) {
  const event = { name: "signed_up", type: "lead", externalEventId: id, identity: { referralId: "ref_ada" } } as const;
  if (make === "throw") throw appError();
  if (make === "text") return `${email} ${name}` as never;
  if (make === "metadata key") return { ...event, metadata: { [email]: new Date() } } as never;
  if (make === "unknown field") return { ...event, [email]: name } as never;
  if (make === "kind") return { ...event, kind: email } as never;
  if (make === "deep") return { ...event, metadata: { [email]: { [name]: [undefined, email] } } } as never;
  if (make === "id") return { ...event, externalEventId: `${email}\n${name}` };
  if (make === "amount") return { ...event, sale: { minorUnits: email, currency: name } } as never;
  return event;
}

const APP_SOURCES = ["hmac", "standard", "bearer", "basic", "static"] as const;

function adapters() {
  const app = { schema: appSchema, normalize: normalizeApp };
  return [
    stripe({ webhookSecret: SECRETS.stripe }),
    paddle({ webhookSecret: SECRETS.paddle }),
    custom({ name: "hmac", verify: hmacSha256({ header: "x-signature", secret: SECRETS.hmac }), ...app }),
    custom({ name: "standard", verify: standardWebhooks({ secret: SECRETS.standard }), ...app }),
    custom({ name: "bearer", verify: bearer({ token: SECRETS.bearer }), ...app }),
    custom({ name: "basic", verify: basicAuth({ username: "relay", password: SECRETS.password }), ...app }),
    custom({ name: "static", verify: staticHeader({ header: "x-key", value: SECRETS.bearer }), ...app }),
  ];
}

const hmac = (secret: string | Buffer, content: string, encoding: "hex" | "base64" = "hex") =>
  createHmac("sha256", secret).update(content).digest(encoding);

function headersOf(source: string, body: string): Record<string, string> {
  const seconds = Math.floor(Date.now() / 1000);
  switch (source) {
    case "stripe":
      return {
        "stripe-signature": Stripe.webhooks.generateTestHeaderString({ payload: body, secret: SECRETS.stripe }),
      };
    case "paddle":
      return { "paddle-signature": `ts=${seconds};h1=${hmac(SECRETS.paddle, `${seconds}:${body}`)}` };
    case "hmac":
      return { "x-signature": hmac(SECRETS.hmac, body) };
    case "standard": {
      const key = Buffer.from(SECRETS.standard.slice(6), "base64");
      const signature = hmac(key, `msg_1.${seconds}.${body}`, "base64");
      return { "webhook-id": "msg_1", "webhook-timestamp": String(seconds), "webhook-signature": `v1,${signature}` };
    }
    case "basic":
      return { authorization: `Basic ${Buffer.from(`relay:${SECRETS.password}`).toString("base64")}` };
    case "static":
      return { "x-key": SECRETS.bearer };
    default:
      return { authorization: `Bearer ${SECRETS.bearer}` };
  }
}

const echo = (at: number) => `${pii(at).email} ${pii(at).name} ${SECRETS.apiKey}`;
const envelope = (code: string, at: number) => ({
  success: false,
  error: { code, message: echo(at), details: [{ field: "customer_id", message: echo(at) }] },
});

/** An endpoint at its worst also sends back what it was sent. */
const FAULTS: readonly Fault[] = [
  {},
  { status: 400, body: envelope("VALIDATION_ERROR", 3) },
  { status: 401, body: envelope("UNAUTHORIZED", 4) },
  { status: 404, body: envelope("NOT_FOUND", 5) },
  { status: 404, body: `<html>${echo(6)}</html>` },
  { status: 500, body: echo(7) },
  { status: 307, headers: { location: `https://leak.example/?${SECRETS.apiKey}` }, body: echo(8) },
  { status: 200, body: echo(9) },
  { reset: "before" },
];

/** The hooks that a relay with, or without, an outbox calls. */
const hooksOf = (hasOutbox: boolean): readonly RelayHooks[] => [
  {},
  {
    ...{ delivered: fail, unmatched: fail, deadLetter: fail },
    ...(hasOutbox ? { paused: fail, resumed: fail } : { refund: fail, link: fail }),
  },
];

/** App code that fails; its error is handed back to it as the cause. */
const APP_CODE: readonly Partial<RelayOptions>[] = [
  {},
  { transform: fail },
  { mappings: { customers: fail } },
  { transform: () => pii(3).email as never },
  { fetch: fail as never },
];

async function exercise(relay: Relay, ofApp: boolean, at: number): Promise<void> {
  const handler = createFetchHandler(relay);
  for (const source of ["stripe", "paddle", ...APP_SOURCES]) {
    for (const body of bodiesOf(source, at)) {
      const headers = headersOf(source, body);
      await relay.receive(source, { body, headers }).then(
        (result) => hear("result", result),
        (error: unknown) => hearError(source, error, ofApp || body.includes('"throw"')),
      );
      for (const wrong of [
        headers,
        {},
        Object.fromEntries(Object.keys(headers).map((name) => [name, pii(at).email])),
      ]) {
        const request = { method: "POST", body, headers: wrong };
        const response = await handler(new Request(`https://shop.example/${source}?email=${pii(at).email}`, request));
        hear("http", { status: response.status, headers: [...response.headers], body: await response.text() });
      }
    }
  }
  for (const relayed of [relay, ...adapters()]) hear("inspect", relayed);
}

async function withRelay(options: Partial<RelayOptions>, fault: Fault, at: number): Promise<void> {
  const sandbox = createSandbox({
    ...{ apiKeys: [SECRETS.apiKey], signing: { secret: SECRETS.signing }, referrals: ["ref_ada"], rateLimit: false },
  });
  const { baseUrl } = await sandbox.start();
  sandbox.faults.always(fault);
  const relay: Relay = createRelay({
    ...{ apiKey: SECRETS.apiKey, signingSecret: SECRETS.signing, baseUrl, logger, adapters: adapters() },
    ...options,
  });
  const ofApp = options.transform !== undefined || options.mappings !== undefined || options.fetch !== undefined;
  // Without an outbox, a hook that fails is an error's cause.
  await exercise(relay, ofApp || options.on?.deadLetter !== undefined, at);
  if (options.outbox !== undefined) {
    await nudge(relay);
    await until(async () => {
      const { counts, lane } = await relay.stats();
      const moved = counts.delivered + counts.unmatched + counts.dead > 0 || lane.state !== "open";
      expect(moved || sandbox.requests.length > 0 || options.fetch !== undefined || ofApp).toBe(true);
    });
    hear("stats", await relay.stats());
    // A dead letter's record is the person's own event and its reason the endpoint's own words, asked for by the app:
    // both are exempt. What stands around them is not.
    for (const { record, reason, ...rest } of await relay.deadLetters.list())
      hear("dead letter", { ...rest, reason: reason.reason });
    hear("outbox", options.outbox);
  }
  await relay.stop({ timeoutMs: 1_000 });
  await sandbox.stop();
  // What the endpoint is sent holds ids alone; the key stands in its header, where it belongs.
  for (const { body } of sandbox.requests) hear("sent", body);
}

function leaks(): string[] {
  return said.flatMap(({ where, text }) =>
    CANARIES.filter((canary) => text.includes(canary)).map((canary) => {
      const at = text.indexOf(canary);
      return `${where}: ${text.slice(Math.max(at - 120, 0), at + canary.length + 40)}`;
    }),
  );
}

const ALL = process.env["PROOF"] === "full";

describe("F15: secrets and persons", { timeout: 600_000 }, () => {
  const before = { runs: 0 };
  afterAll(() => {
    const figures = { runs: before.runs, texts: said.length, bytes, canaries: CANARIES.length, leaks: leaks().length };
    console.log(JSON.stringify({ proof: "F15", ...figures }));
  });

  it.each(["none", "memoryOutbox", "sqliteOutbox"])(
    "are in nothing that the kit says, with outbox: %s",
    async (store) => {
      const console_ = (["debug", "info", "log", "warn", "error"] as const).map((level) =>
        vi.spyOn(console, level).mockImplementation((...words) => hear("console", words)),
      );
      onTestFinished(() => {
        for (const spy of console_) spy.mockRestore();
      });
      const begun = said.length;
      const open = STORES.find((one) => one.store === store)?.openStore;
      const hooks = hooksOf(open !== undefined);
      const combinations = FAULTS.flatMap((fault, f) =>
        hooks.flatMap((on, h) => APP_CODE.map((code, c) => ({ fault, on, code, pick: f + h + c }))),
      ).filter(({ fault, on, code, pick }) => {
        const isPlain = [fault === FAULTS[0], on === hooks[0], code === APP_CODE[0]].filter(Boolean).length >= 2;
        return ALL || isPlain || pick % 18 === 0;
      });
      for (const [at, { fault, on, code }] of combinations.entries()) {
        const outbox = open === undefined ? undefined : (await open()).outbox;
        await withRelay({ on, ...code, ...(outbox && { outbox, linkWaitMs: 0 }) }, fault, at);
        before.runs += 1;
      }
      expect(said.length - begun).toBeGreaterThan(1_000);
      expect([...new Set(leaks())]).toEqual([]);
    },
  );

  it("are in no error of wrong options", () => {
    const wrong = [
      () => stripe({ webhookSecret: ` ${SECRETS.stripe}` }),
      () => stripe({ webhookSecret: [SECRETS.stripe, SECRETS.apiKey] }),
      () => stripe({ webhookSecret: SECRETS.stripe, [SECRETS.apiKey.slice(0, 3)]: 1 } as never),
      () => paddle({ webhookSecret: `pdl_live_apikey_${SECRETS.paddle}` }),
      () => bearer({ token: `Bearer ${SECRETS.bearer}` }),
      () => basicAuth({ username: `a:${SECRETS.password}`, password: `${SECRETS.password}\n` }),
      () => standardWebhooks({ secret: `${SECRETS.standard}\n` }),
      () => hmacSha256({ header: SECRETS.hmac.concat(" "), secret: SECRETS.hmac, secretEncoding: "hex" }),
      () => createRelay({ apiKey: `${SECRETS.apiKey}\n`, adapters: adapters() }),
      () => createRelay({ apiKey: SECRETS.apiKey, signingSecret: ` ${SECRETS.signing}`, adapters: adapters() }),
      () =>
        createRelay({
          apiKey: SECRETS.apiKey,
          baseUrl: `https://u:${SECRETS.password}@x.example`,
          adapters: adapters(),
        }),
      () =>
        createRelay({
          apiKey: SECRETS.apiKey,
          baseUrl: `https://x.example/?key=${SECRETS.apiKey}`,
          adapters: adapters(),
        }),
      () =>
        createRelay({
          apiKey: SECRETS.apiKey,
          adapters: adapters(),
          mappings: { customers: { [pii(0).email]: 7 } } as never,
        }),
    ];
    for (const make of wrong) {
      const error: unknown = (() => {
        try {
          return make();
        } catch (thrown) {
          return thrown;
        }
      })();
      expect(error).toBeInstanceOf(Error);
      hearError("options", error, false);
    }
    expect([...new Set(leaks())]).toEqual([]);
  });

  it("would be found: the search sees what is there", () => {
    expect(CANARIES).toHaveLength((Object.keys(SECRETS).length + 30) * 4);
    const text = inspect(new Error("outer", { cause: new Error(`of ${pii(0).email}`) }));
    expect(CANARIES.some((canary) => text.includes(canary))).toBe(true);
  });
});
