import { defineAdapter, type NormalizeContext, type StandardSchemaV1, type WebhookAdapter } from "../../src/adapter.js";
import { assertKnownKeys, describeType, invalidOption, RelayError } from "../../src/errors.js";
import { type CustomRecord, withEventIds } from "./event-id.js";
import { toVerification, type VerifyFunction, type WebhookVerifier } from "./verifier.js";

/** What a custom `normalize` answers: one record, several, or null for "nothing to send". */
export type CustomResult = CustomRecord | readonly CustomRecord[] | null;

/** What {@link custom} is given. */
export interface CustomOptions<Name extends string, Schema extends StandardSchemaV1> {
  /** The source: last part of the webhook's path, and `source` on every event. */
  readonly name: Name;
  /** How a request is verified: `hmacSha256(…)`, `standardWebhooks(…)`, … or a function that answers true. */
  readonly verify: WebhookVerifier | VerifyFunction;
  /** The payload's shape in any Standard Schema (zod, valibot, arktype); fields it does not need, it should let pass. */
  readonly schema: Schema;
  /**
   * Turns a payload into records; null for one that has nothing to send. A field that the contract does not have is
   * refused when the webhook comes; `satisfies CustomRecord` behind the record lets the compiler refuse it.
   */
  readonly normalize: (
    payload: StandardSchemaV1.InferOutput<Schema>,
    context: NormalizeContext,
  ) => CustomResult | Promise<CustomResult>;
}

/**
 * An adapter for a billing system of your own, or for a provider that the kit does not know.
 *
 * @example
 * ```ts
 * custom({
 *   name: "billing",
 *   verify: hmacSha256({ header: "x-signature", secret: billingWebhookSecret }),
 *   schema: z.object({ id: z.string(), type: z.string(), customer: z.string(), amount: z.string(), currency: z.string() }),
 *   normalize: (payload) =>
 *     payload.type !== "invoice.paid"
 *       ? null
 *       : {
 *           type: "conversion",
 *           name: "invoice_paid",
 *           externalEventId: payload.id,
 *           identity: { customerId: payload.customer },
 *           sale: fromMajorUnits(payload.amount, payload.currency),
 *         },
 * });
 * ```
 *
 * @throws RelayError `invalid_options` when a part is missing, unknown or wrong.
 */
export function custom<const Name extends string, Schema extends StandardSchemaV1>(
  options: CustomOptions<Name, Schema>,
): WebhookAdapter<Name, StandardSchemaV1.InferInput<Schema>> {
  assertKnownKeys("custom", options, ["name", "verify", "schema", "normalize"]);
  const { name, schema, normalize } = options;
  const { verify, idHeaders } = toVerification(options.verify);
  if (typeof normalize !== "function") throw invalidOption("custom normalize", "a function of the payload", normalize);

  return defineAdapter({
    name,
    verify,
    schema,
    async normalize(payload, context) {
      const result = await normalize(payload, context);
      return result === null ? null : withEventIds(toList(result, name), idHeaders, context);
    },
  });
}

function toList(result: CustomRecord | readonly CustomRecord[], source: string): readonly CustomRecord[] {
  const records: readonly CustomRecord[] = isList(result) ? result : [result];
  for (const record of records) {
    if (typeof record === "object" && record !== null) continue;
    throw new RelayError(
      "invalid_event",
      `the normalize function of ${source} answered ${describeType(record)}; it must answer a record, several, or null ` +
        "where there is nothing to send",
    );
  }
  return records;
}

function isList(result: CustomRecord | readonly CustomRecord[]): result is readonly CustomRecord[] {
  return Array.isArray(result);
}
