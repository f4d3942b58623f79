import type { ProviderContext, ProviderEventHandler, ProviderOptions } from "../../src/provider-adapter.js";
import type { PaddleEvent, PaddleTransaction } from "./schema.js";

/** A type of Paddle event that the kit knows. @see https://developer.paddle.com/webhooks/overview */
export type PaddleEventType =
  | "transaction.completed"
  | "transaction.paid"
  | "subscription.created"
  | "subscription.trialing"
  | "adjustment.created"
  | "adjustment.updated";

/** Answers the sale of a transaction in integer minor units; 0 or less where there is none. */
export type PaddleAmountFunction = (transaction: PaddleTransaction) => number | Promise<number>;

/**
 * Which amount of a transaction is the sale: `"net"` (without tax), `"gross"` (what the buyer paid), `"earnings"`
 * (without tax and Paddle's fee), or a function.
 */
export type PaddleAmount = "net" | "gross" | "earnings" | PaddleAmountFunction;

/** Options of `paddle()`. */
export interface PaddleOptions<Name extends string = string>
  extends ProviderOptions<Name, PaddleEvent, PaddleSettings, PaddleEventType> {
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
  /** Which amount is the sale. */
  readonly amount: PaddleAmount;
  /** Overrides by upper-case currency code. */
  readonly currencyDecimals: Readonly<Record<string, number>>;
}

/** What a handler is lent beside the event. */
export type PaddleContext = ProviderContext<PaddleEvent, PaddleSettings>;

/** Turns one type of Paddle event into records; null means there is nothing to send. */
export type PaddleEventHandler = ProviderEventHandler<PaddleEvent, PaddleSettings>;
