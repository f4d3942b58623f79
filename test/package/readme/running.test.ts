import { createHmac } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { join } from "node:path";
import { createRelay, referralFrom } from "affonso-relay";
import type { custom } from "affonso-relay/custom";
import { captureRawBody, createExpressHandler, createExpressMiddleware } from "affonso-relay/express";
import { createFetchHandler } from "affonso-relay/fetch";
import { memoryOutbox } from "affonso-relay/memory";
import { sqliteOutbox } from "affonso-relay/sqlite";
import { stripe } from "affonso-relay/stripe";
import express from "express";
import Stripe from "stripe";
import { afterAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { createStripeStandIn } from "../../../examples/checkout-referral/stripe-stand-in.js";
import { listen } from "../../helpers/listen.js";
import { recordingLogger, sandboxForTests } from "../../helpers/relay.js";
import { invoicePaid, STRIPE_SECRET, stripeSignature } from "../../helpers/webhooks.js";
import { run as execute, root } from "../built.js";
import { fencesOf, readMarkdown } from "./markdown.js";
import { Project } from "./project.js";
import { phrases, snippets } from "./snippets.js";

const readme = readMarkdown("README.md");
const code = new Map(fencesOf(readme).map((fence) => [fence.place, fence.code]));

function codeAt(place: string): string {
  return code.get(place) ?? expect.fail(`the README has no ${place}`);
}

/** A paid invoice, signed, or with a signature of something else. */
function webhook(id: string, signedBody?: string): RequestInit {
  const body = invoicePaid(id);
  const signature = stripeSignature(signedBody ?? body);
  return { method: "POST", body, headers: { "content-type": "application/json", "stripe-signature": signature } };
}

async function post(url: string, init: RequestInit): Promise<string> {
  const response = await fetch(url, init);
  return `${response.status} ${await response.text()}`;
}

const delivered = '200 {"received":true,"status":"delivered"}';
const refused = '401 {"error":{"code":"signature_invalid"}}';

describe("the README's snippets, run", async () => {
  const project = new Project();
  afterAll(() => project.remove());
  const { sandbox, baseUrl, settings, relay: relayTo } = await sandboxForTests();
  const saleOf = () => sandbox.conversions.map(({ external_event_id }) => external_event_id);

  /** With the names that the table of snippets says. */
  function run(place: string, given: Record<string, unknown>) {
    expect(Object.keys(given).sort()).toEqual(snippets[place]);
    return project.run(codeAt(place), given);
  }

  async function listenTo(app: express.Express) {
    const running = await listen(app);
    onTestFinished(() => running.close());
    return running.url;
  }

  it("see it run: npm start prints what the README shows", async () => {
    const [shown] = fencesOf(readme).filter(({ language }) => language === "text");
    const args = ["--import", "tsx", "examples/express-basic/main.ts", "--once"];
    const outbox = join(project.folder, "of-the-example.db");
    const { stdout } = await execute(process.execPath, [...args, "--outbox", outbox], { cwd: root });
    expect(stdout).toContain(shown?.code);
  });

  it("five minutes: takes webhooks, ends when asked to, and delivers in the next run what was left", async () => {
    const snippet = codeAt("Five minutes to the first event 1");
    const env = {
      AFFONSO_API_KEY: sandbox.apiKey,
      AFFONSO_SIGNING_SECRET: settings.signingSecret,
      STRIPE_WEBHOOK_SECRET: STRIPE_SECRET,
    };
    const first = await project.start(snippet, env);
    expect(await post(`${first.url}/webhooks/stripe`, webhook("left"))).toBe('200 {"received":true,"status":"queued"}');
    expect(await post(`${first.url}/webhooks/stripe`, webhook("forged", "{}"))).toBe(refused);
    expect((await fetch(`${first.url}/elsewhere`)).status).toBe(404);
    expect(await first.stop()).toBe(0);

    const outbox = sqliteOutbox({ path: join(project.folder, "affonso-relay.db") });
    expect((await outbox.stats()).counts).toMatchObject({ pending: 1, delivered: 0 });
    await outbox.close();

    const second = await project.start(snippet, { ...env, SANDBOX_URL: baseUrl });
    // Its second attempt: the first one's run could not reach the endpoint.
    expect(await second.answered()).toBe(201);
    expect(saleOf()).toEqual(["evt_left"]);
    expect(await second.stop()).toBe(0);
  });

  it("to try it without an account: the sandbox has the trial", async () => {
    const log = vi.spyOn(console, "log").mockReturnValue(undefined);
    await project.run(codeAt("Five minutes to the first event 2"));
    expect(log.mock.calls).toEqual([
      [
        [
          {
            event_name: "trial_started",
            event_type: "trial",
            external_event_id: "evt_1",
            referral_id: "ref_ada",
            is_subscription: true,
            metadata: { source: "stripe", subscription: "sub_1" },
            occurred_at: "2025-10-09T08:53:20.000Z",
            path: "/events",
            received_at: expect.any(String),
            source_event_id: expect.any(String),
            transaction_id: null,
          },
        ],
      ],
    ]);
  });

  it("A: takes all sources, and leaves other paths to the app", async () => {
    const app = express();
    await run("Three ways to use it 1", { app, createExpressMiddleware, relay: relayTo() });
    app.post("/webhooks/other", (_request, response) => void response.send("the app's"));
    const url = await listenTo(app);
    expect(await post(`${url}/webhooks/stripe`, webhook("a"))).toBe(delivered);
    expect(await post(`${url}/webhooks/stripe`, webhook("forged", "{}"))).toBe(refused);
    expect(await post(`${url}/webhooks/other`, { method: "POST" })).toBe("200 the app's");
  });

  it("B: forwards what the app's own route has verified, and fails where it was not taken", async () => {
    const app = express();
    app.set("env", "test");
    const stripeClient = new Stripe("sk_test_unused");
    await run("Three ways to use it 2", { app, express, relay: relayTo(), secret: STRIPE_SECRET, stripeClient });
    const url = await listenTo(app);
    expect(await post(`${url}/stripe`, webhook("b1"))).toBe("200 OK");
    expect(saleOf()).toEqual(["evt_b1"]);
    sandbox.faults.next({ status: 500 });
    expect(await post(`${url}/stripe`, webhook("b1_later"))).toMatch(/^503 /);
    expect(await post(`${url}/stripe`, webhook("forged", "{}"))).toMatch(/^500 /);
    expect(saleOf()).toEqual(["evt_b1"]);
  });

  it("B: runs the app's own handler after the relay's, with the raw bytes, for whatever was answered 200", async () => {
    const app = express();
    const bodies: string[] = [];
    const yourHandler: express.RequestHandler = (request, response) => {
      bodies.push(String(request.body));
      response.send("yours");
    };
    await run("Three ways to use it 3", { app, createExpressHandler, relay: relayTo(), yourHandler });
    const url = await listenTo(app);
    const taken = webhook("b2");
    expect(await post(`${url}/stripe`, taken)).toBe("200 yours");
    expect(await post(`${url}/stripe`, taken)).toBe("200 yours");
    expect(await post(`${url}/stripe`, webhook("forged", "{}"))).toBe(refused);
    expect(bodies).toEqual([taken.body, taken.body]);
    expect(saleOf()).toEqual(["evt_b2"]);
  });

  it("C: answers a Request with a Response", async () => {
    const { POST } = await run("Three ways to use it 4", { relay: relayTo() });
    const handle = POST as ReturnType<typeof createFetchHandler>;
    const answerTo = async (init: RequestInit) => {
      const response = await handle(new Request("https://app.test/webhooks/stripe", init));
      return `${response.status} ${await response.text()}`;
    };
    expect(await answerTo(webhook("c"))).toBe(delivered);
    expect(await answerTo(webhook("forged", "{}"))).toBe(refused);
  });

  it("behind express.json(): verifies the bytes that it was told to keep", async () => {
    const app = express();
    const [phrase = ""] = Object.keys(phrases).filter((each) => each.includes("captureRawBody"));
    await project.run(phrase, { app, captureRawBody, express });
    app.use("/webhooks", createExpressMiddleware(relayTo()));
    expect(await post(`${await listenTo(app)}/webhooks/stripe`, webhook("kept"))).toBe(delivered);
  });

  it("test mode: is ignored, and sent on where that is asked for", async () => {
    const [phrase = ""] = Object.keys(phrases).filter((each) => each.includes("testMode"));
    const { adapter } = await project.run(`export const adapter = ${phrase}`, { stripe, webhookSecret: STRIPE_SECRET });
    const forwarding = adapter as ReturnType<typeof stripe>;
    const event = { ...JSON.parse(invoicePaid("test")), livemode: false };
    const { logger } = recordingLogger();
    const statusBy = async (one: typeof forwarding) => {
      const relay = createRelay({ ...settings, logger, adapters: [one] });
      return (await relay.receiveVerified("stripe", event)).status;
    };
    expect(await statusBy(stripe({ webhookSecret: STRIPE_SECRET }))).toBe("ignored");
    expect(await statusBy(forwarding)).toBe("delivered");
  });

  it("the referral: goes from the visitor's cookie through the checkout into the sale", async () => {
    const app = express();
    app.use("/webhooks", createExpressMiddleware(relayTo()));
    const url = await listenTo(app);
    const standIn = createStripeStandIn({ webhookSecret: STRIPE_SECRET, webhookUrl: () => `${url}/webhooks/stripe` });
    const { hostname: host, port } = new URL(await listenTo(standIn));
    await run("The referral must reach the payment 1", {
      app,
      line_items: [{ price: "price_1", quantity: 1 }],
      stripeClient: new Stripe("sk_test_unused", { host, port, protocol: "http", telemetry: false }),
      success_url: "https://shop.test/welcome",
    });
    const headers = { cookie: "theme=dark; affonso_referral=ref_ada" };
    const session = await fetch(`${url}/checkout`, { method: "POST", headers, redirect: "manual" });
    expect(session.status).toBe(303);
    expect(await post(session.headers.get("location") ?? "", {})).toBe(delivered);
    expect(sandbox.conversions).toMatchObject([{ referral_id: "ref_ada", sale_amount: 29 }]);
  });

  it("events from code: are sent, and count once", async () => {
    const relay = relayTo();
    const req = new Request("https://app.test", { headers: { cookie: "affonso_referral=ref_ada" } });
    const given = { referralFrom, relay, req, user: { id: "user_1" } };
    await run("Events from your code 1", given);
    await run("Events from your code 1", given);
    expect(sandbox.events).toMatchObject([
      {
        event_name: "signed_up",
        event_type: "lead",
        external_event_id: "signup_user_1",
        referral_id: "ref_ada",
        external_user_id: "user_1",
      },
    ]);
    expect(sandbox.replays).toHaveLength(1);
  });

  it("custom: takes a webhook of one's own billing, signed as it says", async () => {
    vi.stubEnv("BILLING_SECRET", "of the shop's billing");
    onTestFinished(() => void vi.unstubAllEnvs());
    const snippet = codeAt("custom 1").replace(/^custom\(/m, "export const billing = custom(");
    const { billing } = await project.run(snippet);
    const adapters = [billing as ReturnType<typeof custom>];
    const { logger } = recordingLogger();
    const handle = createFetchHandler(createRelay({ ...settings, logger, adapters }));

    const order = { id: "order_1", user: "user_1", referral: "ref_ada", total: "19.99", currency: "USD" };
    const answerTo = async (body: string, secret: string) => {
      const headers = { "x-signature": createHmac("sha256", secret).update(body).digest("hex") };
      const response = await handle(new Request("https://app.test/billing", { method: "POST", body, headers }));
      return `${response.status} ${await response.text()}`;
    };
    expect(await answerTo(JSON.stringify(order), "of the shop's billing")).toBe(delivered);
    expect(await answerTo(JSON.stringify(order), "another")).toBe(refused);
    expect(await answerTo(JSON.stringify({ id: "order_2" }), "of the shop's billing")).toMatch(/^400 /);
    expect(sandbox.conversions).toMatchObject([
      {
        external_event_id: "order_1",
        referral_id: "ref_ada",
        sale_amount: 19.99,
        sale_amount_currency: "USD",
      },
    ]);
  });

  it("running it: counts, lists dead letters, sends one again, and stops", async () => {
    const told = new EventEmitter();
    const burial = once(told, "deadLetter");
    const delivery = once(told, "delivered");
    const outbox = memoryOutbox();
    const relay = relayTo({
      outbox,
      on: { deadLetter: () => told.emit("deadLetter"), delivered: () => told.emit("delivered") },
    });
    sandbox.faults.next({ status: 413 });
    await relay.receiveVerified("stripe", JSON.parse(invoicePaid("refused")));
    await burial;
    const [letter] = await relay.deadLetters.list();
    await run("Running it 1", { id: letter?.id, relay });
    const late = relay.receiveVerified("stripe", JSON.parse(invoicePaid("late")));
    await expect(late).rejects.toMatchObject({ code: "relay_stopped" });
    // It may have been stopped before it sent it.
    await relay.start();
    await delivery;
    expect(saleOf()).toEqual(["evt_refused"]);
    await relay.stop();
  });
});
