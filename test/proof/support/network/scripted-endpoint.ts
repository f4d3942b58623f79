import { createHmac } from "node:crypto";
import { decideRate, type RateLimit, rateHeaders, recentTimes } from "../../../../src/sandbox/rate-limit.js";
import type { VirtualTime } from "./virtual-time.js";

export const API_KEY = "sk_test_virtual";
export const SIGNING_SECRET = "virtual-signing-secret";
/** How long a request and its answer are on their way. */
export const SLOWEST_ANSWER_MS = 140;

/** What the endpoint does with a request instead of taking it. `processed`: it takes it, and the answer is lost. */
export type Trouble =
  | { readonly kind: "answer"; readonly status: number; readonly body?: unknown; readonly headers?: HeadersInit }
  | { readonly kind: "server_error"; readonly status: number; readonly processed: boolean }
  | { readonly kind: "silence"; readonly processed: boolean }
  | { readonly kind: "unreachable"; readonly code: string };

export interface ScriptedEndpointOptions {
  readonly time: VirtualTime;
  readonly limit: RateLimit;
  readonly random: () => number;
  /** What goes wrong at a moment; undefined: nothing. */
  readonly script: (nowMs: number) => Trouble | undefined;
}

/** What the endpoint remembers of one `external_event_id`. */
interface Account {
  readonly conversionId: string;
  readonly body: string;
  /** When a success was answered, so that there is no reason to send it again. */
  confirmedAtMs: number | undefined;
}

/** An events endpoint in virtual time which follows a script, keeps a ledger and enforces a sliding rate limit. */
export class ScriptedEndpoint {
  readonly #options: ScriptedEndpointOptions;
  readonly ledger = new Map<string, Account>();
  /** When each request was sent, whatever became of it. */
  readonly requestsAtMs: number[] = [];
  /** Moments of refusals since the client was too fast. */
  readonly tooFastAtMs: number[] = [];
  /** Events that were sent again although they were confirmed, or with another content. */
  readonly needless: string[] = [];
  /** The limit as it stands. */
  limit: RateLimit;
  #takenAtMs: number[] = [];

  constructor(options: ScriptedEndpointOptions) {
    this.#options = options;
    this.limit = options.limit;
  }

  /** How many events were confirmed to the client. */
  get confirmed(): number {
    return [...this.ledger.values()].filter(({ confirmedAtMs }) => confirmedAtMs !== undefined).length;
  }

  readonly fetch: typeof globalThis.fetch = async (_url, init) => {
    const { time, random, script } = this.#options;
    const request = new Request("https://api.affonso.test/v1/events", init);
    const signal = init?.signal ?? new AbortController().signal;
    const body = await request.text();
    this.requestsAtMs.push(time.clock());
    await time.sleep(10 + Math.floor(random() * (SLOWEST_ANSWER_MS / 2 - 10)));

    const trouble = script(time.clock());
    if (trouble?.kind === "unreachable") {
      throw new TypeError("fetch failed", { cause: Object.assign(new Error(trouble.code), { code: trouble.code }) });
    }
    if (trouble?.kind === "silence") {
      if (trouble.processed) this.#account(body);
      return time.untilAborted(signal);
    }
    if (trouble?.kind === "server_error") {
      if (trouble.processed) this.#account(body);
      return this.#answer(trouble.status, "upstream error");
    }
    if (trouble?.kind === "answer") return this.#answer(trouble.status, trouble.body, trouble.headers);
    const answer = this.#take(request.headers, body);
    await time.sleep(10 + Math.floor(random() * (SLOWEST_ANSWER_MS / 2 - 10)));
    return answer;
  };

  #take(headers: Headers, body: string): Response {
    const nowMs = this.#options.time.clock();
    this.#takenAtMs = recentTimes(this.#takenAtMs, nowMs);
    const rate = decideRate(this.limit, this.#takenAtMs, nowMs);
    if (!rate.allowed) {
      this.tooFastAtMs.push(nowMs);
      const retryAfter = rate.retryAfterSeconds;
      const error = { code: "RATE_LIMIT_EXCEEDED", message: "Too many requests", retryAfter };
      return this.#answer(429, { success: false, error }, { "retry-after": String(retryAfter) });
    }
    this.#takenAtMs.push(nowMs);
    if (headers.get("authorization") !== `Bearer ${API_KEY}` || !this.#isSigned(headers, body)) {
      return this.#answer(401, { success: false, error: { code: "UNAUTHORIZED", message: "no" } });
    }
    const { account, isNew } = this.#account(body);
    account.confirmedAtMs ??= nowMs;
    return this.#answer(isNew ? 201 : 200, { success: true, data: { id: account.conversionId, replayed: !isNew } });
  }

  /** The effect of an event, once, whatever is sent under its id. */
  #account(body: string): { account: Account; isNew: boolean } {
    const id = String(JSON.parse(body).external_event_id);
    const known = this.ledger.get(id);
    if (known === undefined) {
      const account: Account = { conversionId: `conv_${this.ledger.size}`, body, confirmedAtMs: undefined };
      this.ledger.set(id, account);
      return { account, isNew: true };
    }
    if (known.confirmedAtMs !== undefined || known.body !== body) this.needless.push(id);
    return { account: known, isNew: false };
  }

  #isSigned(headers: Headers, body: string): boolean {
    const timestamp = headers.get("x-affonso-timestamp") ?? "";
    const signature = createHmac("sha256", SIGNING_SECRET).update(`${timestamp}.${body}`).digest("hex");
    const isFresh = Math.abs(Number(timestamp) - this.#options.time.clock() / 1000) <= 300;
    return isFresh && headers.get("x-affonso-signature") === signature;
  }

  #answer(status: number, body: unknown, headers: HeadersInit = {}): Response {
    const nowMs = this.#options.time.clock();
    const all = new Headers(rateHeaders(decideRate(this.limit, this.#takenAtMs, nowMs)));
    all.set("date", new Date(nowMs).toUTCString());
    for (const [name, value] of new Headers(headers)) all.set(name, value);
    return new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers: all });
  }
}
