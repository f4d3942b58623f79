import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, vi } from "vitest";
import * as z from "zod";
import { custom, hmacSha256 } from "../../../../adapters/custom/index.js";
import { paddle } from "../../../../adapters/paddle/index.js";
import { stripe } from "../../../../adapters/stripe/index.js";
import { createFetchHandler } from "../../../../src/http/fetch.js";
import type { RelayOptions } from "../../../../src/options.js";
import { memoryOutbox } from "../../../../src/outbox/memory.js";
import type { Outbox } from "../../../../src/outbox/outbox.js";
import { sqliteOutbox } from "../../../../src/outbox/sqlite.js";
import type { Relay } from "../../../../src/relay.js";
import { createRelay } from "../../../../src/relay-node.js";
import { createSandbox, type Sandbox, type SandboxOptions } from "../../../../src/sandbox/index.js";
import { type LogLine, recordingLogger } from "../../../helpers/relay.js";
import { APP_SECRET, PADDLE_SECRET, STRIPE_SECRET, signedRequest, type Webhook } from "./webhooks.js";

const SIGNING_SECRET = "signing_secret_of_the_durable_suites";

/** Both stores that come with the kit; `again` is what another process would open. */
export const STORES = [
  { store: "memoryOutbox", openStore: async () => storeOf(memoryOutbox()) },
  {
    store: "sqliteOutbox",
    openStore: async () => {
      const path = join(await temporaryFolder(), "outbox.db");
      return { outbox: sqliteOutbox({ path }), again: () => sqliteOutbox({ path }) };
    },
  },
] as const;

export interface OpenStore {
  readonly outbox: Outbox;
  again(): Outbox;
}

const storeOf = (outbox: Outbox): OpenStore => ({ outbox, again: () => outbox });

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "affonso-relay-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** What a provider is answered. */
export interface Answer {
  readonly status: number;
  readonly body: { received?: boolean; status?: string; error?: { code: string } };
  readonly retryAfter: string | null;
}

/** A relay with what a test wants to know of it. */
export interface BenchRelay {
  readonly relay: Relay;
  readonly lines: LogLine[];
  /** Hooks in the order of their calls. */
  readonly told: { hook: string; value: unknown }[];
  /** Sends a webhook as its provider would. */
  post(webhook: Webhook): Promise<Answer>;
  /** Sends webhooks one after the other; each must be answered 200. */
  deliver(...webhooks: readonly Webhook[]): Promise<string[]>;
  /** Lets time pass for the relay and the sandbox, and has the relay look at its clock. */
  pass(ms: number): Promise<void>;
  /** Waits until the outbox has nothing left to do. */
  settled(): Promise<void>;
  /** Waits until that many attempts failed that will be repeated. */
  retried(times: number): Promise<void>;
  /** Waits until the relay said in its log that an entry is held. */
  held(externalEventId: string): Promise<void>;
}

/** A sandbox, one store and the relays on it, all with one clock that runs and can be set on. */
export class Bench {
  readonly sandbox: Sandbox;
  readonly store: OpenStore;
  readonly clock: () => number;
  readonly baseUrl: string;
  readonly #shift: { ms: number };

  private constructor(sandbox: Sandbox, baseUrl: string, store: OpenStore, shift: { ms: number }) {
    this.sandbox = sandbox;
    this.store = store;
    this.baseUrl = baseUrl;
    this.#shift = shift;
    this.clock = () => Date.now() + shift.ms;
  }

  static async open(openStore: () => Promise<OpenStore>, options: SandboxOptions = {}): Promise<Bench> {
    const shift = { ms: 0 };
    const sandbox = createSandbox({
      signing: { secret: SIGNING_SECRET, required: true },
      referrals: ["ref_ada", "ref_bob"],
      rateLimit: false,
      clock: () => Date.now() + shift.ms,
      ...options,
    });
    const { baseUrl } = await sandbox.start();
    onTestFinished(() => sandbox.stop());
    return new Bench(sandbox, baseUrl, await openStore(), shift);
  }

  advance(ms: number): void {
    this.#shift.ms += ms;
  }

  relay(overrides: Partial<RelayOptions> = {}): BenchRelay {
    const { logger, lines } = recordingLogger();
    const told: { hook: string; value: unknown }[] = [];
    const tell = (hook: string) => (value: unknown) => void told.push({ hook, value });
    const relay: Relay = createRelay({
      apiKey: this.sandbox.apiKey,
      signingSecret: SIGNING_SECRET,
      baseUrl: this.baseUrl,
      logger,
      outbox: this.store.outbox,
      // What is slowed down is judged by the proof of the rate limit.
      rateLimit: { perMinute: 1_000_000, perSecond: 100_000 },
      linkWaitMs: 60_000,
      clock: this.clock,
      on: {
        delivered: tell("delivered"),
        unmatched: tell("unmatched"),
        deadLetter: tell("deadLetter"),
        paused: tell("paused"),
        resumed: () => void told.push({ hook: "resumed", value: undefined }),
      },
      adapters: ADAPTERS,
      ...overrides,
    });
    onTestFinished(() => relay.stop({ timeoutMs: 0 }));
    const handler = createFetchHandler(relay);
    const post = async (webhook: Webhook): Promise<Answer> => {
      const response = await handler(signedRequest(webhook, this.clock()));
      const { status, headers } = response;
      return { status, body: (await response.json()) as Answer["body"], retryAfter: headers.get("retry-after") };
    };
    return {
      relay,
      lines,
      told,
      post,
      async deliver(...webhooks) {
        const statuses: string[] = [];
        for (const webhook of webhooks) {
          const { status, body } = await post(webhook);
          expect({ status, body }).toMatchObject({ status: 200, body: { received: true } });
          statuses.push(String(body.status));
        }
        return statuses;
      },
      pass: async (ms) => {
        this.advance(ms);
        await nudge(relay);
      },
      settled: () => until(async () => expect((await relay.stats()).counts.pending).toBe(0)),
      retried: (times) =>
        until(() => expect(lines.filter(({ message }) => message.endsWith("will be tried again"))).toHaveLength(times)),
      held: (externalEventId) =>
        until(() => expect(lines).toContainEqual({ level: "debug", ...heldLine(externalEventId) })),
    };
  }
}

const ADAPTERS = [
  stripe({ webhookSecret: STRIPE_SECRET }),
  paddle({ webhookSecret: PADDLE_SECRET }),
  custom({
    name: "app",
    verify: hmacSha256({ header: "x-app-signature", secret: APP_SECRET }),
    schema: z.object({ customer: z.string(), id: z.string().optional(), referral: z.string().optional() }),
    normalize: ({ customer, id, referral }) => ({
      ...{ name: "signed_up", type: "lead", externalEventId: id },
      identity: { customerId: customer, referralId: referral },
    }),
  }),
];

const heldLine = (externalEventId: string) => ({
  fields: expect.objectContaining({ externalEventId }),
  message: "held",
});

/** Waits for a real condition; the longest a test waits is a fault of the relay. */
export function until(condition: () => unknown): Promise<void> {
  return vi.waitFor(async () => void (await condition()), { timeout: 5_000, interval: 4 });
}

/** Has a relay look at its outbox and its clock: replaying nothing wakes it. */
export async function nudge(relay: Relay): Promise<void> {
  await relay.deadLetters.replay("no such id");
}

/** Id, referral and amounts of the sandbox's conversions. */
export function conversionsOf(sandbox: Sandbox) {
  return sandbox.conversions.map(({ external_event_id: id, referral_id: referral, sale_amount: amount }) => ({
    id,
    referral,
    amount,
  }));
}

/** The lines of a log at a level, without their fields. */
export function messagesOf(lines: readonly LogLine[], level: string): string[] {
  return lines.filter((line) => line.level === level).map(({ message }) => message);
}
