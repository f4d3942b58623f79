import type { WebhookAdapter } from "./adapter.js";
import type { RateLimit } from "./endpoint/rate-limit.js";
import { DEFAULT_RETRY, type RetryPolicy } from "./endpoint/retry.js";
import { assertKnownKeys, invalidOption, nameOf, RelayError } from "./errors.js";
import type { Link, Refund, RelayEvent } from "./event.js";
import { consoleLogger, type Logger, unfailing } from "./logger.js";
import type { IdMapping, Mappings } from "./mapping.js";
import type { PauseReason } from "./outbox/lane.js";
import type { EntryError, Outbox } from "./outbox/outbox.js";
import { secretList } from "./signing/secrets.js";

/** What `on.delivered` is told. */
export interface Delivery {
  readonly event: RelayEvent;
  /** Whether the endpoint had the event already. */
  readonly duplicate: boolean;
  /** Id of the conversion at the endpoint, which a refund needs; undefined for other types of event. */
  readonly conversionId: string | undefined;
}

/** An event, or a refund, that will not be delivered, and why. */
export interface DeadLetter {
  readonly event: RelayEvent | Refund;
  readonly error: EntryError;
}

/** Functions that are called as events pass. All are awaited. */
export interface RelayHooks {
  /** After the endpoint took an event. A throw is logged and changes nothing. */
  readonly delivered?: ((delivery: Delivery) => unknown) | undefined;
  /** After the endpoint said that nobody referred this customer. A throw is logged and changes nothing. */
  readonly unmatched?: ((event: RelayEvent) => unknown) | undefined;
  /**
   * Is told of an event that the endpoint refused for good. Without an outbox it takes custody: once it returns, the
   * provider gets its 200, and a throw keeps the webhook with the provider.
   */
  readonly deadLetter?: ((deadLetter: DeadLetter) => unknown) | undefined;
  /** Takes a refund, where there is no outbox to deliver it from. A throw keeps the webhook with the provider. */
  readonly refund?: ((refund: Refund) => unknown) | undefined;
  /** Takes a link between provider ids and a referral, where there is no outbox that keeps it. A throw is a 503. */
  readonly link?: ((link: Link) => unknown) | undefined;
  /** With an outbox: nothing is sent any more until a person acts, or the endpoint is back. */
  readonly paused?: ((pause: { readonly reason: PauseReason; readonly since: string }) => unknown) | undefined;
  /** With an outbox: events flow again. */
  readonly resumed?: (() => unknown) | undefined;
}

/** What {@link createRelay} is given. */
export interface RelayOptions<Adapters extends readonly WebhookAdapter[] = readonly WebhookAdapter[]> {
  /** API key of your Affonso team, with the permission `write:commissions`. Undefined is refused at start. */
  readonly apiKey: string | undefined;
  /** Secret that requests are signed with, where request signing is on for the team. @default unsigned */
  readonly signingSecret?: string | undefined;
  /** The API's base URL: https, or http to this machine. @default "https://api.affonso.io/v1" */
  readonly baseUrl?: string | undefined;
  /** One adapter for each source of webhooks. */
  readonly adapters: Adapters;
  /** How the provider's customer, product and price ids become yours. @default ids go through unchanged */
  readonly mappings?: Mappings | undefined;
  /** The last word over an event, after the mappings: answer the event, changed or not, or null to drop it. */
  readonly transform?: ((event: RelayEvent) => RelayEvent | null | Promise<RelayEvent | null>) | undefined;
  /**
   * Keeps webhooks until the endpoint has them: `sqliteOutbox(…)`, `memoryOutbox()`. Without one, webhooks pass through:
   * the provider waits for the endpoint.
   *
   * @default none
   */
  readonly outbox?: Outbox | undefined;
  /** With an outbox: the limits of your Affonso plan, of which at most 95 % are used. @default 300 a minute, 10 a second */
  readonly rateLimit?: RateLimit | undefined;
  /** With an outbox: when failed attempts are repeated. @default 5 s, 30 s, 2 m … 6 h, until 7 days, ±20 % */
  readonly retry?: Partial<RetryPolicy> | undefined;
  /** With an outbox: how long a sale without a referral waits for the link that names it, in ms. @default 60000 */
  readonly linkWaitMs?: number | undefined;
  /**
   * With an outbox: how long after the endpoint knew no such referral to ask it once more, in milliseconds. A click or a
   * lead may reach it later than the sale.
   *
   * @default never
   */
  readonly recheckUnmatchedMs?: number | undefined;
  /** With an outbox: how many requests are under way at once. @default 8 */
  readonly concurrency?: number | undefined;
  /** With an outbox: how long what is done is kept to recognize duplicates, in milliseconds. @default 30 days */
  readonly keepMs?: number | undefined;
  /**
   * Milliseconds. Passing through, for one whole webhook: mappings, hooks and the endpoint's answer. With an outbox, for
   * one request to the endpoint; a webhook then has 4 seconds to be committed.
   *
   * @default 4000; with an outbox 15000
   */
  readonly timeoutMs?: number | undefined;
  /** Where log lines go; pino fits. @default warnings and errors to the console */
  readonly logger?: Logger | undefined;
  /** Functions that are called as events pass. */
  readonly on?: RelayHooks | undefined;
  /** The fetch to send with. @default globalThis.fetch */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** The time in milliseconds since 1970. @default Date.now */
  readonly clock?: (() => number) | undefined;
}

/** What only a relay with an outbox has. */
export interface DurableOptions {
  readonly outbox: Outbox;
  readonly rateLimit: RateLimit;
  readonly retry: RetryPolicy;
  readonly linkWaitMs: number;
  readonly saleWaitMs: number;
  readonly recheckUnmatchedMs: number | undefined;
  readonly concurrency: number;
  readonly keepMs: number;
  readonly requestTimeoutMs: number;
}

/** The options, checked and completed. */
export interface ResolvedOptions {
  readonly apiKey: string;
  readonly signingSecret: string | undefined;
  readonly baseUrl: string;
  readonly adapters: ReadonlyMap<string, WebhookAdapter>;
  readonly mappings: Mappings;
  readonly transform: RelayOptions["transform"];
  /** For one webhook, from its first byte to its answer. */
  readonly timeoutMs: number;
  readonly durable: DurableOptions | undefined;
  readonly random: () => number;
  readonly logger: Logger;
  readonly on: RelayHooks;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: () => number;
}

const OUTBOX_OPTIONS = ["rateLimit", "retry", "linkWaitMs", "recheckUnmatchedMs", "concurrency", "keepMs"] as const;
const OPTION_NAMES = [
  ...["apiKey", "signingSecret", "baseUrl", "adapters", "mappings", "transform"],
  ...["timeoutMs", "logger", "on", "fetch", "clock", "outbox", ...OUTBOX_OPTIONS],
];
const MAPPING_NAMES = ["customers", "products", "prices"];
const HOOK_NAMES = ["delivered", "unmatched", "deadLetter", "refund", "link", "paused", "resumed"];
const DAY_MS = 24 * 60 * 60_000;
const WEBHOOK_TIMEOUT_MS = 4_000;

/**
 * Checks every option and fills in the defaults.
 *
 * @throws RelayError `invalid_options`: which option, what was expected, what came.
 */
export function resolveOptions(options: RelayOptions): ResolvedOptions {
  assertKnownKeys("createRelay", options, OPTION_NAMES);
  const { mappings = {}, on = {}, transform, timeoutMs, logger = consoleLogger } = options;
  const { fetch = (...args: Parameters<typeof globalThis.fetch>) => globalThis.fetch(...args), clock = Date.now } =
    options;

  if (timeoutMs !== undefined) assertWholeNumber("timeoutMs", timeoutMs, 1, 60_000);
  assertFunction("transform", transform);
  assertFunction("fetch", fetch);
  assertFunction("clock", clock);
  assertMappings(mappings);
  assertKnownKeys("on", on, HOOK_NAMES);
  for (const name of HOOK_NAMES) assertFunction(`on.${name}`, Reflect.get(on, name));
  assertLogger(logger);
  return Object.freeze({
    apiKey: headerValue("apiKey", options.apiKey, "your Affonso API key (sk_live_…)"),
    signingSecret: signingSecretOf(options.signingSecret),
    baseUrl: parseBaseUrl(options.baseUrl === undefined ? "https://api.affonso.io/v1" : options.baseUrl),
    adapters: byName(options.adapters),
    mappings: copyMappings(mappings),
    transform,
    timeoutMs: options.outbox === undefined ? (timeoutMs ?? WEBHOOK_TIMEOUT_MS) : WEBHOOK_TIMEOUT_MS,
    durable: durableOptions(options),
    random: Math.random,
    logger: unfailing(logger),
    on: Object.freeze({ ...on }),
    fetch,
    clock,
  });
}

function assertFunction(option: string, value: unknown): void {
  if (value !== undefined && typeof value !== "function") throw invalidOption(option, "a function", value);
}

function durableOptions(options: RelayOptions): DurableOptions | undefined {
  const { outbox, rateLimit = { perMinute: 300, perSecond: 10 }, retry = {}, timeoutMs = 15_000 } = options;
  const { linkWaitMs = 60_000, recheckUnmatchedMs, concurrency = 8, keepMs = 30 * DAY_MS } = options;
  if (outbox === undefined) {
    const needless = OUTBOX_OPTIONS.find((name) => options[name] !== undefined);
    if (needless === undefined) return undefined;
    throw new RelayError(
      "invalid_options",
      `${needless} does nothing without an outbox; give createRelay one, or leave it out`,
    );
  }
  if (typeof outbox !== "object" || outbox === null || typeof Reflect.get(outbox, "put") !== "function") {
    throw invalidOption("outbox", "an outbox: sqliteOutbox(…) or memoryOutbox()", outbox);
  }
  assertKnownKeys("rateLimit", rateLimit, ["perMinute", "perSecond"]);
  assertWholeNumber("rateLimit.perMinute", rateLimit.perMinute, 1, 1_000_000);
  assertWholeNumber("rateLimit.perSecond", rateLimit.perSecond, 1, 100_000);
  assertWholeNumber("linkWaitMs", linkWaitMs, 0, 7 * DAY_MS);
  if (recheckUnmatchedMs !== undefined) assertWholeNumber("recheckUnmatchedMs", recheckUnmatchedMs, 1, 7 * DAY_MS);
  assertWholeNumber("concurrency", concurrency, 1, 1_000);
  assertWholeNumber("keepMs", keepMs, DAY_MS, 3_650 * DAY_MS);
  return Object.freeze({
    outbox,
    rateLimit: Object.freeze({ ...rateLimit }),
    retry: retryPolicy(retry),
    linkWaitMs,
    saleWaitMs: DAY_MS,
    recheckUnmatchedMs,
    concurrency,
    keepMs,
    requestTimeoutMs: timeoutMs,
  });
}

function retryPolicy(retry: Partial<RetryPolicy>): RetryPolicy {
  assertKnownKeys("retry", retry, ["delaysMs", "jitter", "maxAgeMs"]);
  const { delaysMs = DEFAULT_RETRY.delaysMs, jitter = DEFAULT_RETRY.jitter, maxAgeMs = DEFAULT_RETRY.maxAgeMs } = retry;
  if (!Array.isArray(delaysMs) || delaysMs.length === 0)
    throw invalidOption("retry.delaysMs", "a list of delays", delaysMs);
  for (const [at, delay] of delaysMs.entries()) assertWholeNumber(`retry.delaysMs[${at}]`, delay, 1, 3 * DAY_MS);
  if (typeof jitter !== "number" || !(jitter >= 0 && jitter <= 1)) {
    throw invalidOption("retry.jitter", "a share from 0 to 1", jitter);
  }
  assertWholeNumber("retry.maxAgeMs", maxAgeMs, 1, 365 * DAY_MS);
  return Object.freeze({ delaysMs: Object.freeze([...delaysMs]), jitter, maxAgeMs });
}

function assertWholeNumber(option: string, value: unknown, from: number, to: number): void {
  if (Number.isInteger(value) && Number(value) >= from && Number(value) <= to) return;
  const unit = option.endsWith("Ms") ? " of milliseconds" : "";
  throw invalidOption(option, `a whole number${unit} from ${from} to ${to}`, value);
}

function assertLogger(logger: unknown): asserts logger is Logger {
  if (typeof logger !== "object" || logger === null)
    throw invalidOption("logger", "an object with log functions", logger);
  for (const level of ["debug", "info", "warn", "error"]) {
    const log: unknown = Reflect.get(logger, level);
    if (typeof log !== "function") throw invalidOption(`logger.${level}`, "a function (fields, message)", log);
  }
}

function copyMappings({ customers, products, prices }: Mappings): Mappings {
  const copy = (mapping: IdMapping | undefined) =>
    typeof mapping === "object" ? Object.freeze({ ...mapping }) : mapping;
  return Object.freeze({ customers: copy(customers), products: copy(products), prices: copy(prices) });
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function assertMappings(mappings: Mappings): void {
  if (!isPlainObject(mappings))
    throw invalidOption("mappings", "an object with customers, products or prices", mappings);
  assertKnownKeys("mappings", mappings, MAPPING_NAMES);
  for (const [name, mapping] of Object.entries(mappings)) {
    if (mapping === undefined || typeof mapping === "function") continue;
    // A promise, a Map or a class instance has no ids of its own: all would go through unmapped, without a word.
    if (!isPlainObject(mapping))
      throw invalidOption(`mappings.${name}`, "a record of ids or a function of an id", mapping);
    for (const [id, mapped] of Object.entries(mapping)) {
      if (mapped !== null && (typeof mapped !== "string" || mapped === "")) {
        throw invalidOption(`mappings.${name}["${nameOf(id)}"]`, "an id, or null to drop it", mapped);
      }
    }
  }
}

function headerValue(option: string, value: unknown, what: string): string {
  if (typeof value !== "string" || value === "") throw invalidOption(option, what, value);
  // Headers take a trailing line feed without a word; whoever pasted it gets a 401 that says nothing.
  if (!/^[\x21-\x7e]+$/.test(value)) {
    throw new RelayError(
      "invalid_options",
      `${option} contains white space or characters that no header can carry; paste it again`,
    );
  }
  return value;
}

function signingSecretOf(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value)) throw invalidOption("signingSecret", "one secret", value);
  return secretList("signingSecret", value, "the team's signing secret, or undefined")[0];
}

function parseBaseUrl(value: unknown): string {
  const url = typeof value === "string" && URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined) throw invalidOption("baseUrl", "a URL such as https://api.affonso.io/v1", value);
  const isLoopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback)) {
    throw new RelayError("invalid_options", "baseUrl must begin with https:// (http:// is for this machine only)");
  }
  if (url.username !== "" || url.password !== "" || /[?#]/.test(url.href)) {
    throw new RelayError(
      "invalid_options",
      "baseUrl must have no user, password, query or fragment; the key goes into apiKey",
    );
  }
  return url.href.replace(/\/+$/, "");
}

function byName(adapters: unknown): ReadonlyMap<string, WebhookAdapter> {
  if (!Array.isArray(adapters) || adapters.length === 0) {
    throw invalidOption("adapters", "a list with at least one adapter, such as [stripe({ webhookSecret })]", adapters);
  }
  const named = new Map<string, WebhookAdapter>();
  for (const [index, adapter] of adapters.entries()) {
    if (!isAdapter(adapter)) {
      throw invalidOption(
        `adapters[${index}]`,
        "an adapter: stripe(…), paddle(…), custom(…) or defineAdapter(…)",
        adapter,
      );
    }
    if (named.has(adapter.name)) {
      throw new RelayError("invalid_options", `two adapters are called ${adapter.name}; give one of them another name`);
    }
    named.set(adapter.name, adapter);
  }
  return named;
}

function isAdapter(value: unknown): value is WebhookAdapter {
  if (typeof value !== "object" || value === null) return false;
  const { name, verify, normalize } = value as Partial<WebhookAdapter>;
  return typeof name === "string" && typeof verify === "function" && typeof normalize === "function";
}
