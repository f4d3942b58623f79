import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import type { RunningProcess } from "../../../examples/support/runtime.js";
import {
  type AppUnderTest,
  describeWebhookHandler,
  hangUpWithin,
  type RunningApp,
} from "../../contract/webhook-handler.js";
import { sandboxForTests } from "../../helpers/relay.js";
import { invoicePaid, paddleSignature, stripeSignature, transactionCompleted } from "../../helpers/webhooks.js";
import { type Environment, environmentOf } from "./environment.js";

/** Sends a signed webhook to the app of the runtimes. */
export function postInvoice({ url }: RunningApp, id: string): Promise<Response> {
  const body = invoicePaid(id);
  const headers = { "content-type": "application/json", "stripe-signature": stripeSignature(body) };
  return fetch(`${url}/webhooks/stripe`, { method: "POST", body, headers });
}

/** The contract suite, and what the runtime's own fetch and log show, on a server that runs the app off Node. */
export function describeRuntime(
  name: string,
  serve: (environment: Environment) => Promise<RunningProcess>,
  differences: Pick<AppUnderTest, "cutsSenders"> = {},
): void {
  describeWebhookHandler(name, {
    ...differences,
    isRemote: true,
    start: (_relay, options, settings) => serve(environmentOf(settings, options)),
    startAfterJsonParser: (_relay, settings) => serve(environmentOf(settings, { parses: "clone" })),
    startBehindJsonParser: (_relay, settings) => serve(environmentOf(settings, { parses: "request" })),
  });

  describe(`${name} as a runtime`, async () => {
    const { sandbox, settings } = await sandboxForTests();
    let running: RunningProcess | undefined;
    afterEach(async () => running?.close());

    it("delivers many webhooks at once, the first ones of a new relay", async () => {
      running = await serve(environmentOf(settings));
      const app = running;
      const ids = Array.from({ length: 40 }, (_, at) => `at_once_${at}`);
      const answers = await Promise.all(ids.map((id) => postInvoice(app, id)));
      expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 200));
      expect(sandbox.conversions).toHaveLength(ids.length);
    });

    it("delivers a sale that Paddle signed, and no other", async () => {
      running = await serve(environmentOf(settings));
      const body = transactionCompleted("paddle");
      const send = (sent: string) => {
        const headers = { "content-type": "application/json", "paddle-signature": paddleSignature(body) };
        return fetch(`${running?.url}/webhooks/paddle`, { method: "POST", body: sent, headers });
      };
      expect([(await send(`${body} `)).status, (await send(body)).status]).toEqual([401, 200]);
      expect(sandbox.conversions).toMatchObject([
        { external_event_id: "evt_paddle", referral_id: "ref_ada", sale_amount: 49, sale_amount_currency: "EUR" },
      ]);
    });

    it("logs that a sender hung up in the middle of its body", async () => {
      running = await serve(environmentOf(settings));
      await hangUpWithin(running.url, invoicePaid("half"));
      expect(await running.printed(/hung up/)).toContain("client_gone");
    });

    it("answers 503 in time, and hangs up, when the endpoint never answers", async () => {
      const endpoint = createServer().listen(0, "127.0.0.1");
      await once(endpoint, "listening");
      const cut = new Promise((resolve) => endpoint.once("connection", (socket) => socket.once("close", resolve)));
      const baseUrl = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/v1`;
      running = await serve(environmentOf({ ...settings, baseUrl }, { timeoutMs: 2_000 }));
      const response = await postInvoice(running, "late");
      expect([response.status, await response.json()]).toEqual([503, { error: { code: "timed_out" } }]);
      await cut;
      endpoint.close();
    });
  });
}

/** What can be seen of a runtime where it is a process with a disk. */
export function describeProcess(name: string, serve: (environment: Environment) => Promise<RunningProcess>): void {
  describe(`${name} as a process`, async () => {
    const { sandbox, settings } = await sandboxForTests();
    const folder = mkdtempSync(join(tmpdir(), "affonso-relay-"));
    afterAll(() => rmSync(folder, { recursive: true }));
    let running: RunningProcess | undefined;
    afterEach(async () => running?.close());

    it("delivers from an outbox in a SQLite file", async () => {
      running = await serve(environmentOf(settings, { outboxFile: join(folder, "outbox.db") }));
      const response = await postInvoice(running, "kept");
      expect([response.status, await response.json()]).toEqual([200, { received: true, status: "queued" }]);
      expect(await running.printed(/^delivered/)).toBe("delivered evt_kept");
      expect(sandbox.conversions).toMatchObject([{ external_event_id: "evt_kept" }]);
    });
  });
}
