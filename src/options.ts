import type { WebhookAdapter } from "./adapter.js";
import type { EndpointError } from "./endpoint/outcome.js";
import { assertKnownKeys, invalidOption, RelayError } from "./errors.js";
import type { Link, Refund, RelayEvent } from "./event.js";
import { consoleLogger, type Logger, unfailing } from "./logger.js";
import type { IdMapping, Mappings } from "./mapping.js";
import { secretList } from "./signing/secrets.js";

/** What `on.delivered` is told. */
export interface Delivery {
  readonly event: RelayEvent;
  /** Whether the endpoint had the event already. */
  readonly duplicate: boolean;
  /** Id of the conversion at the endpoint, which a refund needs; undefined for other types of event. */
  readonly conversionId: string | undefined;
}

/** An event that the endpoint refused for good, and why. */
export interface DeadLetter {
  readonly event: RelayEvent;
  readonly error: EndpointError;
}

/** Functions that are called as events pass. All are awaited. */
export interface RelayHooks {
  /** After the endpoint took an event. A throw is logged and changes nothing. */
  readonly delivered?: ((delivery: Delivery) => unknown) | undefined;
  /** After the endpoint said that nobody referred this customer. A throw is logged and changes nothing. */
  readonly unmatched?: ((event: RelayEvent) => unknown) | undefined;
  /** Takes custody of an event that the endpoint refused for good: once it returns, the provider gets its 200. */
  readonly deadLetter?: ((deadLetter: DeadLetter) => unknown) | undefined;
  /** Takes a refund. A throw keeps the webhook with the provider. */
  readonly refund?: ((refund: Refund) => unknown) | undefined;
  /** Takes a link between provider ids and a referral. A throw keeps the webhook with the provider. */
  readonly link?: ((link: Link) => unknown) | undefined;
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
  /** Milliseconds for one whole webhook: mappings, hooks and the endpoint's answer. @default 4000 */
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

/** The options, checked and completed. */
export interface ResolvedOptions {
  readonly apiKey: string;
  readonly signingSecret: string | undefined;
  readonly baseUrl: string;
  readonly adapters: ReadonlyMap<string, WebhookAdapter>;
  readonly mappings: Mappings;
  readonly transform: RelayOptions["transform"];
  readonly timeoutMs: number;
  readonly logger: Logger;
  readonly on: RelayHooks;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: () => number;
}

const OPTION_NAMES = [
  ...["apiKey", "signingSecret", "baseUrl", "adapters", "mappings", "transform"],
  ...["timeoutMs", "logger", "on", "fetch", "clock"],
];
const MAPPING_NAMES = ["customers", "products", "prices"];
const HOOK_NAMES = ["delivered", "unmatched", "deadLetter", "refund", "link"];

/**
 * Checks every option and fills in the defaults.
 *
 * @throws RelayError `invalid_options`: which option, what was expected, what came.
 */
export function resolveOptions(options: RelayOptions): ResolvedOptions {
  assertKnownKeys("createRelay", options, OPTION_NAMES);
  const { mappings = {}, on = {}, transform, timeoutMs = 4_000, logger = consoleLogger } = options;
  const { fetch = (...args: Parameters<typeof globalThis.fetch>) => globalThis.fetch(...args), clock = Date.now } =
    options;

  if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > 60_000) {
    throw invalidOption("timeoutMs", "a whole number of milliseconds from 1 to 60000", timeoutMs);
  }
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
    timeoutMs,
    logger: unfailing(logger),
    on: Object.freeze({ ...on }),
    fetch,
    clock,
  });
}

function assertFunction(option: string, value: unknown): void {
  if (value !== undefined && typeof value !== "function") throw invalidOption(option, "a function", value);
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
        throw invalidOption(`mappings.${name}["${id}"]`, "an id, or null to drop it", mapped);
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
