import { Agent, request } from "node:http";
import { type ShopWebhook, signedRequest } from "./shop.js";

/** Sends one webhook; resolves with the status that was read, rejects when there was none. */
export function post(port: number, webhook: ShopWebhook, agent: Agent, onSent?: () => void): Promise<number> {
  const { body, headers } = signedRequest(webhook);
  return new Promise((resolve, reject) => {
    const sending = request({ host: "127.0.0.1", port, path: "/", method: "POST", headers, agent }, (response) => {
      response.on("error", reject);
      response.on("end", () => resolve(response.statusCode ?? 0));
      response.resume();
    });
    sending.on("error", reject);
    if (onSent) sending.on("finish", onSent);
    sending.end(body);
  });
}

/** A provider with several connections: sends what is new, and what got no 200 again, until it got one. */
export class Provider {
  /** Ids of the webhooks that got their 200. */
  readonly acknowledged = new Set<string>();
  /** How often which other answer was read. */
  readonly refusals: Record<number, number> = {};
  /** Tries that got no answer at all. */
  cut = 0;
  readonly #agent: Agent;
  readonly #connections: number;
  readonly #next: () => readonly ShopWebhook[] | undefined;
  #again: ShopWebhook[] = [];
  #port: number | undefined;
  #whenUp: (() => void)[] = [];
  #isEnding = false;
  #senders: Promise<void>[] = [];

  /** @param next - What is sent next, all at the same time; undefined for no more. */
  constructor(connections: number, next: () => readonly ShopWebhook[] | undefined) {
    this.#connections = connections;
    this.#next = next;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  start(): void {
    this.#senders = Array.from({ length: this.#connections }, () => this.#send());
  }

  /** The server listens here now. */
  up(port: number): void {
    this.#port = port;
    for (const go of this.#whenUp.splice(0)) go();
  }

  /** The server is gone. */
  down(): void {
    this.#port = undefined;
  }

  /** Begins nothing new; resolves when everything that was begun got its 200. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await Promise.all(this.#senders);
    this.#agent.destroy();
  }

  async #send(): Promise<void> {
    for (;;) {
      const retry = this.#again.shift();
      const webhooks = retry ? [retry] : this.#isEnding ? undefined : this.#next();
      if (webhooks === undefined) return;
      await Promise.all(webhooks.map((webhook) => this.#sendOne(webhook)));
    }
  }

  async #sendOne(webhook: ShopWebhook): Promise<void> {
    while (this.#port === undefined) await new Promise<void>((resolve) => this.#whenUp.push(resolve));
    const status = await post(this.#port, webhook, this.#agent).catch(() => undefined);
    if (status === 200) {
      this.acknowledged.add(webhook.id);
      return;
    }
    this.#again.push(webhook);
    if (status === undefined) this.cut += 1;
    else this.refusals[status] = (this.refusals[status] ?? 0) + 1;
  }
}
