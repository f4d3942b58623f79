import type { WebhookAdapter } from "./adapter.js";
import { OFFICIAL_BASE_URL, parseBaseUrl } from "./endpoint/base-url.js";
import { fetchTransport, type Transport, type TransportTarget } from "./endpoint/transport.js";
import { assertFunction, assertKnownKeys, assertWholeNumber, invalidOption, misconfigured } from "./errors.js";
import type { Link, Refund, RelayEvent } from "./event.js";
import { consoleLogger, type Logger, unfailing } from "./logger.js";
import { type Mappings, resolveMappings } from "./mapping.js";
import type { PauseReason } from "./outbox/lane.js";
import type { OutboxOptions } from "./outbox/options.js";
import type { EntryError, Outbox } from "./outbox/outbox.js";
import { oneSecret } from "./signing/secrets.js";
import type { SinkFactory } from "./sink.js";

/** What `on.delivered` is told. */
export interface Delivery {
  /** The event, as it was sent. */
  readonly event: RelayEvent;
  /** Whether the endpoint had the event already. */
  readonly duplicate: boolean;
  /** Id of the conversion at the endpoint, which a refund needs; undefined for other types of event. */
  readonly conversionId: string | undefined;
}

/** An event, or a refund, that will not be delivered, and why. */
export interface DeadLetter {
  /** The event or refund. */
  readonly event: RelayEvent | Refund;
  /** Why it will not be delivered. */
  readonly error: EntryError;
}

/**
 * Functions that are called as events pass. Passing through, a webhook's answer waits for them. With an outbox they run
 * beside the work, and are not called again for what was settled just before the process ended.
 */
export interface RelayHooks {
  /** After the endpoint took an event. A throw is logged and changes nothing. */
  readonly delivered?: ((delivery: Delivery) => unknown) | undefined;
  /** After the endpoint said that nobody referred this customer. A throw is logged and changes nothing. */
  readonly unmatched?: ((event: RelayEvent) => unknown) | undefined;
  /**
   * Is told of an event or a refund that will not be delivered: the endpoint refused it for good, it is too old, or it
   * took its process down. Without an outbox it takes custody: once it returns, the
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
export interface RelayOptions<Adapters extends readonly WebhookAdapter[] = readonly WebhookAdapter[]>
  extends OutboxOptions {
  /** API key of your Affonso team, with the permission `write:commissions`. Undefined is refused at start. */
  readonly apiKey: string | undefined;
  /** Secret that requests are signed with, where request signing is on for the team. @default unsigned */
  readonly signingSecret?: string | undefined;
  /** The API's base URL: https, or http to this machine. @default "https://api.affonso.io/v1" */
  readonly baseUrl?: string | undefined;
  /**
   * Whether `baseUrl` may name a host of a private network, such as `10.0.0.5` or `proxy.internal`, by http too; and, on
   * Node without a `fetch`, whether its name may lead to one. Over http the key and the events are readable on that network.
   *
   * @default false
   */
  readonly allowPrivateNetwork?: boolean | undefined;
  /** One adapter for each source of webhooks. */
  readonly adapters: Adapters;
  /** How the provider's customer, product and price ids become yours. @default ids go through unchanged */
  readonly mappings?: Mappings | undefined;
  /**
   * The last word over an event, after the mappings: answer the event, changed or not, or null to drop it.
   *
   * @default events go as they are
   */
  readonly transform?: ((event: RelayEvent) => RelayEvent | null | Promise<RelayEvent | null>) | undefined;
  /**
   * Keeps webhooks until the endpoint has them: `sqliteOutbox(…)`, `memoryOutbox()`. Without one, webhooks pass through:
   * the provider waits for the endpoint.
   *
   * @default none
   */
  readonly outbox?: Outbox | undefined;
  /**
   * Milliseconds. Passing through, for one whole webhook: reading it, mappings, hooks and the endpoint's answer. With an outbox, for
   * one request to the endpoint; a webhook then has 4 seconds to be committed.
   *
   * @default 4000; with an outbox 15000
   */
  readonly timeoutMs?: number | undefined;
  /** Where log lines go; pino fits. @default warnings and errors to the console */
  readonly logger?: Logger | undefined;
  /** Functions that are called as events pass. @default none */
  readonly on?: RelayHooks | undefined;
  /**
   * The fetch to send with, such as one that goes through a proxy or is instrumented. Redirects are never followed.
   *
   * @default on Node its own HTTP client with the global agent, which refuses private addresses when it connects;
   * elsewhere globalThis.fetch
   */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** The time in milliseconds since 1970. @default Date.now */
  readonly clock?: (() => number) | undefined;
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
  readonly outbox: (Outbox & { readonly engine: SinkFactory }) | undefined;
  /** What the outbox's engine makes its own options of. */
  readonly outboxOptions: OutboxOptions & { readonly timeoutMs?: number | undefined };
  readonly logger: Logger;
  readonly on: RelayHooks;
  readonly transport: Transport;
  readonly clock: () => number;
}

const OUTBOX_OPTION_NAMES = [
  "rateLimit",
  "retry",
  "linkWaitMs",
  "recheckUnmatchedMs",
  "concurrency",
  "keepMs",
] as const satisfies readonly (keyof OutboxOptions)[];
const OPTION_NAMES = [
  ...["apiKey", "signingSecret", "baseUrl", "allowPrivateNetwork", "adapters", "mappings", "transform"],
  ...["timeoutMs", "logger", "on", "fetch", "clock", "outbox", ...OUTBOX_OPTION_NAMES],
];
const HOOK_NAMES = ["delivered", "unmatched", "deadLetter", "refund", "link", "paused", "resumed"];
const WEBHOOK_TIMEOUT_MS = 4_000;

/** The runtime's fetch is looked up for each request, since the app may put another in its place. */
const byRuntimeFetch = () => fetchTransport((...args) => globalThis.fetch(...args));

/**
 * Checks every option and fills in the defaults.
 *
 * @param transportTo - Makes what is sent by where no `fetch` is given.
 * @throws RelayError `invalid_options`: which option, what was expected, what came.
 */
export function resolveOptions(
  options: RelayOptions,
  transportTo: (target: TransportTarget) => Transport = byRuntimeFetch,
): ResolvedOptions {
  assertKnownKeys("createRelay", options, OPTION_NAMES);
  const {
    signingSecret,
    baseUrl: url = OFFICIAL_BASE_URL,
    allowPrivateNetwork = false,
    mappings = {},
    transform,
    outbox,
    timeoutMs,
    logger = consoleLogger,
    on = {},
    fetch,
    clock = Date.now,
  } = options;

  if (typeof allowPrivateNetwork !== "boolean") {
    throw invalidOption("allowPrivateNetwork", "true or false", allowPrivateNetwork);
  }
  if (timeoutMs !== undefined) assertWholeNumber("timeoutMs", timeoutMs, 1, 60_000);
  for (const [name, value] of Object.entries({ transform, fetch, clock })) assertFunction(name, value);
  assertKnownKeys("on", on, HOOK_NAMES);
  for (const [name, hook] of Object.entries(on)) assertFunction(`on.${name}`, hook);
  if (outbox !== undefined) assertOutbox(outbox);
  assertUseful(options, on);
  const baseUrl = parseBaseUrl(url, allowPrivateNetwork);
  return Object.freeze({
    apiKey: oneSecret("apiKey", options.apiKey, "your Affonso API key (sk_live_…)", [
      [/[^\x21-\x7e]/, "text that no header can carry"],
    ]),
    signingSecret:
      signingSecret === undefined
        ? undefined
        : oneSecret("signingSecret", signingSecret, "the team's signing secret, or undefined"),
    baseUrl,
    adapters: byName(options.adapters),
    mappings: resolveMappings(mappings),
    transform,
    timeoutMs: outbox === undefined ? (timeoutMs ?? WEBHOOK_TIMEOUT_MS) : WEBHOOK_TIMEOUT_MS,
    outbox,
    outboxOptions: options,
    logger: unfailing(logger),
    on: Object.freeze({ ...on }),
    transport: fetch === undefined ? transportTo({ baseUrl, allowPrivateNetwork }) : fetchTransport(fetch),
    // Stores keep whole milliseconds.
    clock: () => Math.floor(clock()),
  });
}

function assertOutbox(outbox: Outbox): asserts outbox is Outbox & { readonly engine: SinkFactory } {
  if (typeof outbox?.put !== "function") {
    throw invalidOption("outbox", "an outbox, such as sqliteOutbox(…)", outbox);
  }
  if (typeof outbox.engine?.createSink !== "function") {
    throw invalidOption("outbox.engine", 'outboxEngine of "affonso-relay/outbox"', outbox.engine);
  }
}

/** An option that does nothing is a mistake of whoever set it; a hook, a sale or an alarm that nobody hears of. */
function assertUseful(options: OutboxOptions & { readonly outbox?: Outbox | undefined }, on: RelayHooks): void {
  const hasOutbox = options.outbox !== undefined;
  const hook = (hasOutbox ? (["refund", "link"] as const) : (["paused", "resumed"] as const)).find((name) => on[name]);
  const option = hasOutbox ? undefined : OUTBOX_OPTION_NAMES.find((name) => options[name] !== undefined);
  const useless = option ?? (hook && `on.${hook}`);
  if (useless === undefined) return;
  const why = hasOutbox ? "with an outbox:" : "without an outbox: set one, or";
  throw misconfigured(`${useless} does nothing ${why} leave it out`);
}

function byName(adapters: unknown): ReadonlyMap<string, WebhookAdapter> {
  if (!Array.isArray(adapters) || adapters.length === 0) {
    throw invalidOption("adapters", "a list of adapters, such as [stripe(…)]", adapters);
  }
  const named = new Map<string, WebhookAdapter>();
  for (const [index, adapter] of adapters.entries()) {
    const isWhole = typeof adapter?.verify === "function" && typeof adapter.normalize === "function";
    if (!isWhole || typeof adapter.name !== "string") {
      throw invalidOption(`adapters[${index}]`, "an adapter, such as stripe(…)", adapter);
    }
    if (named.has(adapter.name)) throw misconfigured(`two adapters are called ${adapter.name}; rename one`);
    named.set(adapter.name, adapter);
  }
  return named;
}
