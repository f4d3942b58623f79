import {
  defineAdapter,
  type NormalizeContext,
  type NormalizeResult,
  type StandardSchemaV1,
  type VerifyContext,
  type WebhookAdapter,
  type WebhookRequest,
} from "./adapter.js";
import { copyFor } from "./copy.js";
import {
  asMappingFailed,
  assertFunction,
  assertKnownKeys,
  assertOneOf,
  blame,
  invalidOption,
  misconfigured,
  toRelayError,
  wrongAnswer,
} from "./errors.js";
import type { Identity } from "./event.js";
import { isObject } from "./objects.js";
import { skip } from "./provider-records.js";
import type { Secrets } from "./signing/secrets.js";
import { DEFAULT_TOLERANCE_SECONDS } from "./signing/timestamp.js";

/** What a handler is lent beside the event. */
export interface ProviderContext<Event, Settings> extends NormalizeContext {
  /** The adapter's own options, complete. */
  readonly options: Settings;
  /** Whether the event is of the provider's test mode; then it is only seen where `testMode` is `"forward"`. */
  readonly isTest: boolean;
  /**
   * The identity after the option `identify` had its say.
   *
   * @throws RelayError `mapping_failed` when `identify` throws or answers nonsense.
   */
  identify(event: Event, found: Identity): Promise<Identity>;
}

/** Turns one type of provider event into records; null means there is nothing to send. */
export type ProviderEventHandler<Event, Settings> = (
  event: Event,
  context: ProviderContext<Event, Settings>,
) => NormalizeResult | Promise<NormalizeResult>;

/** Options that the adapters of all providers share. */
export interface ProviderOptions<Name extends string, Event, Settings, KnownType extends string> {
  /** The provider's signing secret, or several: while one is rotated, or for several endpoints on one URL. */
  readonly webhookSecret: Secrets;
  /** Seconds by which a signature may be old or ahead of the clock; 0 allows no slack at all. @default 300 */
  readonly toleranceSeconds?: number | undefined;
  /** The source: last part of the webhook's path, and `source` on every event. @default the provider's name */
  readonly name?: Name | undefined;
  /** Whether events of the provider's test mode are sent on, or skipped with a warning. @default "ignore" */
  readonly testMode?: "forward" | "ignore" | undefined;
  /** Handlers by event type, in place of or beside the exported defaults; null turns a default off. @default {} */
  readonly events?:
    | { readonly [Type in KnownType | (string & {})]?: ProviderEventHandler<Event, Settings> | null | undefined }
    | undefined;
  /** Completes or replaces the identity found; undefined keeps it. @default keeps what was found */
  readonly identify?:
    | ((event: Event, found: Identity) => Identity | undefined | Promise<Identity | undefined>)
    | undefined;
}

/** What one provider is, for {@link defineProviderAdapter}. */
export interface Provider<Name extends string, Schema extends StandardSchemaV1, Settings> {
  /** Name of the factory, which is the default source too. */
  readonly name: string;
  /** The envelope that all its events share. */
  readonly schema: Schema;
  /** The option names that it has beside the shared ones. */
  readonly optionNames: readonly string[];
  /** Its own options, checked and complete. */
  readonly settings: Settings;
  /** The default handlers by event type. */
  readonly handlers: Readonly<Record<string, ProviderEventHandler<StandardSchemaV1.InferOutput<Schema>, Settings>>>;
  /** Makes the signature check; throws `invalid_options` for something that is no secret of this provider. */
  readonly createVerify: (
    webhookSecret: unknown,
    toleranceSeconds: number,
  ) => (request: WebhookRequest, context: VerifyContext) => Promise<void>;
  /** An event's type and id, and whether it is of the test mode. */
  readonly describe: (event: StandardSchemaV1.InferOutput<Schema>) => { type: string; id: string; isTest: boolean };
  readonly options: ProviderOptions<Name, StandardSchemaV1.InferOutput<Schema>, Settings, string>;
}

const SHARED_OPTIONS = ["webhookSecret", "toleranceSeconds", "name", "testMode", "events", "identify"];

/**
 * An adapter for a provider that sends many types of events: the options all such adapters share, the choice of the
 * handler, test mode and `identify`. What is particular to a provider comes in by `provider`.
 */
export function defineProviderAdapter<const Name extends string, Schema extends StandardSchemaV1, Settings>(
  provider: Provider<Name, Schema, Settings>,
): WebhookAdapter<Name, StandardSchemaV1.InferInput<Schema>> {
  type Event = StandardSchemaV1.InferOutput<Schema>;
  const { options, settings, describe } = provider;
  const factory = `${provider.name}()`;
  assertKnownKeys(factory, options, [...SHARED_OPTIONS, ...provider.optionNames]);
  const { toleranceSeconds = DEFAULT_TOLERANCE_SECONDS, testMode = "ignore", identify } = options;
  if (typeof toleranceSeconds !== "number" || !Number.isFinite(toleranceSeconds) || toleranceSeconds < 0) {
    throw invalidOption("toleranceSeconds", "0 or more seconds", toleranceSeconds);
  }
  assertOneOf("testMode", testMode, ["forward", "ignore"]);
  assertFunction("identify", identify);
  const handlers = mergeHandlers<Event, Settings>(factory, provider.handlers, options.events ?? {});

  return defineAdapter({
    // Without a name, the type parameter is its own default: the provider's name.
    name: options.name ?? (provider.name as Name),
    verify: provider.createVerify(options.webhookSecret, toleranceSeconds),
    schema: provider.schema,
    async normalize(event, base) {
      const { type, id, isTest } = describe(event);
      if (isTest && testMode === "ignore") {
        return skip(id, "test_mode", `${type} ${id} is of the test mode; testMode: "forward" sends it`);
      }
      const handler = handlers.get(type);
      if (handler === undefined) return skip(id, "unmapped", `${type} has no mapping`);
      try {
        return await handler(event, {
          source: base.source,
          header: (name) => base.header(name),
          options: settings,
          isTest,
          identify: (about, found) => askIdentify(identify, about, found, `identify of ${factory}`),
        });
      } catch (cause) {
        // What a function of the app threw has its code already: what is left is the kit's own fault.
        throw toRelayError(cause, "internal_error", "please report it");
      }
    },
  });
}

function mergeHandlers<Event, Settings>(
  factory: string,
  defaults: Readonly<Record<string, ProviderEventHandler<Event, Settings>>>,
  overrides: Readonly<Record<string, ProviderEventHandler<Event, Settings> | null | undefined>>,
): ReadonlyMap<string, ProviderEventHandler<Event, Settings>> {
  const handlers = new Map(Object.entries(defaults));
  if (!isObject(overrides) || Array.isArray(overrides)) throw invalidOption("events", "an object", overrides);
  for (const [type, handler] of Object.entries(overrides)) {
    if (handler === undefined) continue;
    if (typeof handler === "function") {
      handlers.set(type, guarded(`events["${type}"] of ${factory}`, handler));
    } else if (handler !== null) {
      throw invalidOption(`events["${type}"]`, "a function of the event, or null to turn it off", handler);
    } else if (!handlers.delete(type)) {
      const known = [...handlers.keys()].join(", ");
      throw misconfigured(`events["${type}"] turns off what is not on; on are ${known}`);
    }
  }
  return handlers;
}

/** A handler of the app: what it throws or forgets to answer is a fault of the mapping, not of the provider. */
function guarded<Event, Settings>(
  what: string,
  handler: ProviderEventHandler<Event, Settings>,
): ProviderEventHandler<Event, Settings> {
  return async (event, context) => {
    let result: NormalizeResult;
    try {
      result = await handler(copyFor(event), context);
    } catch (cause) {
      // Handlers call the exported defaults.
      throw asMappingFailed(cause, what);
    }
    if (typeof result === "object") return result;
    throw wrongAnswer(what, result, "a record, a list, or null");
  };
}

async function askIdentify<Event>(
  identify: ((event: Event, found: Identity) => Identity | undefined | Promise<Identity | undefined>) | undefined,
  event: Event,
  found: Identity,
  what: string,
): Promise<Identity> {
  if (identify === undefined) return found;
  const answer = await blame("mapping_failed", what, () => identify(copyFor(event), found));
  if (answer === undefined) return found;
  if (isObject(answer) && !Array.isArray(answer)) return answer;
  throw wrongAnswer(what, answer, "an identity, or undefined to keep the one found");
}

/**
 * The answer of the app's own amount function.
 *
 * @throws RelayError `mapping_failed` when it throws or answers anything but a safe integer.
 */
export async function askAmount<Sale>(
  amount: (sale: Sale) => number | Promise<number>,
  sale: Sale,
  factory: string,
): Promise<number> {
  const answer: unknown = await blame("mapping_failed", `amount of ${factory}`, () => amount(copyFor(sale)));
  if (typeof answer === "number" && Number.isSafeInteger(answer)) return answer;
  throw wrongAnswer(`amount of ${factory}`, answer, "an integer of minor units (cents)");
}
