/** What each of the programs here does with its app: sends it webhooks on a real socket, then closes it. */
import { createHmac } from "node:crypto";
import { once } from "node:events";
import type { Server } from "node:net";
import { createRelay, isRelayError, type Relay } from "affonso-relay";
import { createSandbox } from "affonso-relay/sandbox";
import { stripe } from "affonso-relay/stripe";

export interface RunningApp {
  readonly url: string;
  close(): Promise<unknown>;
}

const webhookSecret = "whsec_of_a_framework";

/** Has a server listen, for an app that stops its relay itself once the server is closed. */
export async function serve(server: Server, relay: Relay): Promise<RunningApp> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    async close() {
      server.close();
      await once(server, "close");
      await relay.stop();
    },
  };
}

/** Starts an app around a relay, and says what it answered: a signed webhook for each path, a forged one, an echo. */
export async function visit(start: (relay: Relay) => Promise<RunningApp>, paths: readonly string[]) {
  const sandbox = createSandbox({ referrals: ["ref_ada"], signing: { secret: "framework" } });
  const { baseUrl } = await sandbox.start();
  const relay = createRelay({
    apiKey: sandbox.apiKey,
    signingSecret: "framework",
    baseUrl,
    adapters: [stripe({ webhookSecret })],
  });
  const app = await start(relay);
  const post = async (path: string, body: string, signedBody = body) => {
    const response = await fetch(`${app.url}${path}`, { method: "POST", body, headers: signedHeaders(signedBody) });
    return `${response.status} ${await response.text()}`;
  };

  const signed: string[] = [];
  for (const path of paths) signed.push(await post(path, invoicePaid(`${signed.length}`)));
  const [path = ""] = paths;
  const forged = await post(path, invoicePaid("forged"), invoicePaid("genuine"));
  const echo = await post("/echo", '{"of":"the app"}');
  await app.close();

  const body = invoicePaid("late");
  const afterClose = await relay.receive("stripe", { body, headers: signedHeaders(body) }).then(
    ({ status }) => status,
    (error: unknown) => (isRelayError(error) ? error.code : String(error)),
  );
  const sales = sandbox.conversions.map(({ external_event_id, sale_amount }) => `${external_event_id} ${sale_amount}`);
  await sandbox.stop();
  return { signed, forged, echo, afterClose, sales };
}

/** Prints what a program found out, for the test to compare. */
export function report(found: Promise<unknown>): void {
  found.then(
    (result) => console.log(JSON.stringify(result)),
    (error: unknown) => {
      console.error(error);
      // The app may be up still.
      process.exit(1);
    },
  );
}

const now = () => Math.floor(Date.now() / 1000);

function invoicePaid(id: string): string {
  const invoice = {
    id: `in_${id}`,
    object: "invoice",
    amount_paid: 2900,
    total: 2900,
    currency: "usd",
    customer: `cus_${id}`,
    metadata: { affonso_referral: "ref_ada" },
    lines: { data: [] },
  };
  const event = { id: `evt_${id}`, object: "event", type: "invoice.paid", created: now(), livemode: true };
  return JSON.stringify({ ...event, data: { object: invoice } });
}

function signedHeaders(body: string) {
  const timestamp = now();
  const v1 = createHmac("sha256", webhookSecret).update(`${timestamp}.${body}`).digest("hex");
  return { "content-type": "application/json", "stripe-signature": `t=${timestamp},v1=${v1}` };
}
