import { assertWholeNumber } from "../errors.js";
import type { Answer } from "./answer.js";
import { Api } from "./api.js";
import type { SandboxConversion } from "./conversions.js";
import { FaultQueue, type Faults, faultAnswer } from "./faults.js";
import { Ledger } from "./ledger.js";
import { resolveOptions, resolveReferral, SANDBOX_API_KEY, type SandboxOptions } from "./options.js";
import { RateLimiter, rateHeaders } from "./rate-limit.js";
import type { SandboxClick, SandboxEvent, SandboxRefund, SandboxReplay } from "./records.js";
import type { ReferralInput, SandboxReferral } from "./referrals.js";
import { RequestLog, type SandboxRequest } from "./requests.js";
import { type IncomingRequest, listen, type RunningServer, type SandboxAddress } from "./server.js";

/** A local events endpoint. Its views are copies, oldest first, in the words of the API. */
export interface Sandbox {
  /** The first of its API keys. */
  readonly apiKey: string;
  /** What goes wrong next. */
  readonly faults: Faults;
  /** The latest 10,000 requests, whatever became of them. */
  readonly requests: readonly SandboxRequest[];
  /** Events that were taken on `/events` and `/sources`, without replays. */
  readonly events: readonly SandboxEvent[];
  /** Sales as they stand now, from events and from `/conversions`. */
  readonly conversions: readonly SandboxConversion[];
  /** Refunds that were taken. */
  readonly refunds: readonly SandboxRefund[];
  /** Clicks that were taken. */
  readonly clicks: readonly SandboxClick[];
  /** Referrals as they stand now. */
  readonly referrals: readonly SandboxReferral[];
  /** Requests whose `external_event_id` was known already. */
  readonly replays: readonly SandboxReplay[];
  /**
   * Starts to listen, on a free port unless one is given. While it listens, answers where.
   *
   * @throws RelayError `invalid_options` for what is no port; Node's own error where the port is taken.
   */
  start(port?: number): Promise<SandboxAddress>;
  /** Stops to listen and cuts open connections. What it remembers stays. */
  stop(): Promise<void>;
  /** Makes a referral known; one with the same id is replaced. */
  addReferral(referral: string | ReferralInput): SandboxReferral;
  /** Forgets everything but its options, faults included. */
  reset(): void;
}

/**
 * Makes a local events endpoint that keeps the contract of https://docs.affonso.io/api/endpoint/events/create, for
 * tests and for trying things out. It logs nothing and keeps everything in memory.
 *
 * @throws RelayError `invalid_options`.
 */
export function createSandbox(options: SandboxOptions = {}): Sandbox {
  return new LocalSandbox(options);
}

class LocalSandbox implements Sandbox {
  readonly apiKey: string;
  readonly #options;
  readonly #limiter: RateLimiter;
  readonly #api: Api;
  readonly #faults = new FaultQueue();
  readonly #requests = new RequestLog();
  #ledger: Ledger;
  #running: Promise<RunningServer> | undefined;
  #stopping: Promise<void> = Promise.resolve();

  constructor(options: SandboxOptions) {
    this.#options = resolveOptions(options);
    this.apiKey = [...this.#options.apiKeys.keys()][0] ?? SANDBOX_API_KEY;
    this.#limiter = new RateLimiter(this.#options.rateLimit);
    this.#api = new Api(this.#options, this.#limiter);
    this.#ledger = new Ledger(this.#options);
  }

  get faults(): Faults {
    return this.#faults;
  }
  get requests(): readonly SandboxRequest[] {
    return this.#requests.list;
  }
  get events(): readonly SandboxEvent[] {
    return [...this.#ledger.events];
  }
  get conversions(): readonly SandboxConversion[] {
    return this.#ledger.conversions.list;
  }
  get refunds(): readonly SandboxRefund[] {
    return [...this.#ledger.refunds];
  }
  get clicks(): readonly SandboxClick[] {
    return [...this.#ledger.clicks];
  }
  get referrals(): readonly SandboxReferral[] {
    return this.#ledger.referrals.list;
  }
  get replays(): readonly SandboxReplay[] {
    return [...this.#ledger.replays];
  }

  async start(port = 0): Promise<SandboxAddress> {
    assertWholeNumber("start port", port, 0, 65_535);
    this.#running ??= this.#listen(port);
    return (await this.#running).address;
  }

  stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return this.#stopping;
    this.#running = undefined;
    // A server that never started needs no stopping: start() has told why.
    this.#stopping = running.then(
      (server) => server.close(),
      () => {},
    );
    return this.#stopping;
  }

  addReferral(referral: string | ReferralInput): SandboxReferral {
    return this.#ledger.addReferral(resolveReferral(referral));
  }

  reset(): void {
    this.#ledger = new Ledger(this.#options);
    this.#faults.clear();
    this.#requests.clear();
    this.#limiter.reset();
  }

  async #listen(port: number): Promise<RunningServer> {
    try {
      await this.#stopping;
      return await listen((request) => this.#handle(request), this.#options.host, port);
    } catch (error) {
      this.#running = undefined;
      throw error;
    }
  }

  async #handle(request: IncomingRequest): Promise<Answer | undefined> {
    const { method, path, headers } = request;
    const body = new TextDecoder().decode(request.body);
    const receivedAtMs = this.#options.clock();
    const received = { method, path, headers, body, receivedAtMs, status: null };
    const answered = this.#requests.add(received);
    const fault = this.#faults.take(received);

    const answer =
      fault.reset === "before" ? undefined : (faultAnswer(fault, receivedAtMs) ?? (await this.#answer(request)));
    if (fault.delayMs) await request.wait(fault.delayMs);
    if (answer === undefined || fault.reset === "after") return undefined;
    answered(answer.status);
    const rate = rateHeaders(this.#limiter.peek(this.#options.clock()));
    return { ...answer, headers: { ...rate, ...answer.headers, ...fault.headers } };
  }

  #answer(request: IncomingRequest): Promise<Answer> {
    return this.#api.answer(request, this.#ledger);
  }
}
