import type { ProviderContext, ProviderEventHandler, ProviderOptions } from "../../src/provider-adapter.js";
import type { paddleEvents } from "./events.js";
import type { PaddleAmount } from "./money.js";
import type { PaddleEvent } from "./schema.js";

/** Options of `paddle()`. */
export interface PaddleOptions<Name extends string = string>
  extends ProviderOptions<Name, PaddleEvent, PaddleSettings, keyof typeof paddleEvents> {
  /**
   * Which amount is the sale: without tax, as paid, after tax and Paddle's fee, or your own integer of minor units.
   *
   * @default "net"
   */
  readonly amount?: PaddleAmount | undefined;
  /**
   * Decimal places by currency code, where Paddle's differ from the built-in table (0 for JPY, KRW, CLP and VND, else 2).
   *
   * @default {}
   */
  readonly currencyDecimals?: Readonly<Record<string, number>> | undefined;
}

/** The options that handlers read, complete and frozen; the secrets are not among them. */
export interface PaddleSettings {
  readonly amount: PaddleAmount;
  /** Overrides by upper-case currency code. */
  readonly currencyDecimals: Readonly<Record<string, number>>;
}

/** What a handler is lent beside the event. */
export type PaddleContext = ProviderContext<PaddleEvent, PaddleSettings>;

/** Turns one type of Paddle event into records; null means there is nothing to send. */
export type PaddleEventHandler = ProviderEventHandler<PaddleEvent, PaddleSettings>;
