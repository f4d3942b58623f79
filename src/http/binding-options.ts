import { assertKnownKeys, describeType, invalidOption, RelayError } from "../errors.js";
import type { Relay } from "../relay.js";

/** Options that every framework's binding has. */
export interface HandlerOptions {
  /** Largest body in bytes; more is answered 413. @default 1048576 (1 MiB) */
  readonly maxBodyBytes?: number | undefined;
}

/** Default cap on a webhook's body, in bytes: 1 MiB. The largest that Stripe or Paddle send are far below. */
const DEFAULT_MAX_BODY_BYTES = 1024 * 1024;

/** What a binding is made of. */
export interface Binding<Options extends HandlerOptions> {
  /** The function that the app called, for the error messages. */
  readonly factory: string;
  readonly relay: Relay;
  /** The one source of a route, where it may be left out: then the path says which. */
  readonly source?: string | undefined;
  readonly options: Options;
  /** The options that it has beside {@link HandlerOptions}. */
  readonly optionNames?: readonly (keyof Options & string)[] | undefined;
}

/**
 * The cap on a body, after a look at all that a binding was given: what is wrong shows when the app starts, and not with
 * the first webhook.
 *
 * @throws RelayError `invalid_options`, also when the relay is none, or has no such source.
 */
export function maxBodyBytesOf<Options extends HandlerOptions>(binding: Binding<Options>): number {
  const { factory, relay, source, options, optionNames = [] } = binding;
  assertRelay(factory, relay);
  assertKnownKeys(factory, options, [...optionNames, "maxBodyBytes"]);
  if (source !== undefined) assertSource(relay, source);
  return checkedMaxBodyBytes(options);
}

/** @throws RelayError `invalid_options`: a limit that is no number would be none. */
export function checkedMaxBodyBytes({ maxBodyBytes = DEFAULT_MAX_BODY_BYTES }: HandlerOptions): number {
  if (Number.isSafeInteger(maxBodyBytes) && maxBodyBytes > 0) return maxBodyBytes;
  throw invalidOption("maxBodyBytes", "a whole number of bytes above 0", maxBodyBytes);
}

/** @throws RelayError `invalid_options` */
export function assertRelay(factory: string, relay: unknown): void {
  const isRelay = typeof relay === "object" && relay !== null && typeof Reflect.get(relay, "receive") === "function";
  if (!isRelay) throw invalidOption(`the relay of ${factory}`, "what createRelay answered", relay);
}

/** @throws RelayError `invalid_options` where the relay has no such source: the route would answer 404 for ever. */
export function assertSource({ sources }: Relay, source: string): void {
  if (sources.includes(source)) return;
  const got = typeof source === "string" ? JSON.stringify(source.slice(0, 64)) : describeType(source);
  throw new RelayError("invalid_options", `source must be one of ${sources.join(", ")}, got ${got}`);
}
