import { createHmac } from "node:crypto";
import { onTestFinished } from "vitest";
import { createSandbox, type Sandbox, type SandboxOptions } from "../../../src/sandbox/index.js";

export const SECRET = "whsec_test";
export const NOW_MS = Date.parse("2026-07-19T12:00:00.000Z");

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: ReturnType<typeof JSON.parse>;
}

export interface Client {
  readonly sandbox: Sandbox;
  readonly baseUrl: string;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Reply>;
}

/** A sandbox that listens until the test ends, and a client with its key. Not limited unless the test says so. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Client> {
  const sandbox = createSandbox({ rateLimit: false, clock: () => NOW_MS, referrals: ["ref_1"], ...options });
  const { baseUrl } = await sandbox.start();
  onTestFinished(() => sandbox.stop());
  return {
    sandbox,
    baseUrl,
    post: (path, body, headers = {}) =>
      send(`${baseUrl}${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${sandbox.apiKey}`, "content-type": "application/json", ...headers },
        body:
          body instanceof Uint8Array ? new Uint8Array(body) : typeof body === "string" ? body : JSON.stringify(body),
      }),
  };
}

export async function send(url: string, init: RequestInit): Promise<Reply> {
  const response = await fetch(url, init);
  const text = await response.text();
  const isJson = response.headers.get("content-type") === "application/json";
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
}

/** The signature headers as the official SDK makes them, by another implementation of HMAC than the sandbox uses. */
export function signed(body: string, { secret = SECRET, atMs = NOW_MS } = {}): Record<string, string> {
  const timestamp = String(Math.floor(atMs / 1000));
  const signature = createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
  return { "X-Affonso-Timestamp": timestamp, "X-Affonso-Signature": signature };
}

export function sale(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    event_name: "invoice_paid",
    event_type: "conversion",
    referral_id: "ref_1",
    sale_amount: 99.99,
    sale_amount_currency: "USD",
    external_event_id: "evt_1",
    ...changes,
  };
}
