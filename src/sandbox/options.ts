import * as z from "zod/mini";
import { describeIssues, RelayError } from "../errors.js";
import type { Incentive } from "./incentives.js";
import type { RateLimit } from "./rate-limit.js";
import type { ReferralInput } from "./referrals.js";
import type { SandboxSigning } from "./signature.js";

/** The key that a sandbox takes unless it is given others. */
export const SANDBOX_API_KEY = "sk_test_sandbox";

/** What {@link createSandbox} is given. */
export interface SandboxOptions {
  /**
   * Keys that are taken: a list, each with the permission `write:commissions`, or a record of each key's permissions.
   *
   * @default ["sk_test_sandbox"]
   */
  readonly apiKeys?: readonly string[] | Readonly<Record<string, readonly string[]>> | undefined;
  /** Asks for signatures on events, conversions, refunds and sources. @default signatures are ignored */
  readonly signing?: SandboxSigning | undefined;
  /** The referrals that exist, by id or in full. @default none */
  readonly referrals?: readonly (string | ReferralInput)[] | undefined;
  /** Makes a referral of every unknown `referral_id` instead of answering `NOT_FOUND`; for demos. @default false */
  readonly acceptAnyReferral?: boolean | undefined;
  /** The rules that pay a commission. Without a match a sale is taken and pays nothing. @default none */
  readonly incentives?: readonly Incentive[] | undefined;
  /** How fast a client may be, or false for no limit. @default the Launch plan, 300 a minute and 10 a second */
  readonly rateLimit?: RateLimit | false | undefined;
  /** The time in milliseconds since 1970. @default Date.now */
  readonly clock?: (() => number) | undefined;
  /** The address to listen on. @default "127.0.0.1" */
  readonly host?: string | undefined;
}

/** The options, checked and completed. */
export interface ResolvedSandboxOptions {
  readonly apiKeys: ReadonlyMap<string, readonly string[]>;
  readonly signing: SandboxSigning | undefined;
  readonly referrals: readonly ReferralInput[];
  readonly acceptAnyReferral: boolean;
  readonly incentives: readonly Incentive[];
  readonly rateLimit: RateLimit | undefined;
  readonly clock: () => number;
  readonly host: string;
}

const LAUNCH_PLAN: RateLimit = { perMinute: 300, perSecond: 10 };

const text = z.string().check(z.minLength(1));
const count = z.int().check(z.gte(1));
const optionalText = z.optional(text);

export const referralSchema = z.strictObject({
  id: text,
  customerId: optionalText,
  externalUserId: optionalText,
  clickId: optionalText,
  affiliateId: optionalText,
  programId: optionalText,
  status: z.optional(z.enum(["click", "lead", "trialing", "customer", "active", "canceled", "rejected"])),
});

const optionsSchema = z.strictObject({
  apiKeys: z._default(
    z.union([z.array(text).check(z.minLength(1)), z.record(z.string(), z.array(z.string()))], "expected keys"),
    [SANDBOX_API_KEY],
  ),
  signing: z.optional(
    z.strictObject({
      secret: text,
      required: z.optional(z.boolean()),
      toleranceSeconds: z.optional(z.number().check(z.gte(0))),
    }),
  ),
  referrals: z._default(z.array(z.union([text, referralSchema], "expected an id or { id, … }")), []),
  acceptAnyReferral: z._default(z.boolean(), false),
  incentives: z._default(
    z.array(
      z.strictObject({
        id: text,
        type: z.enum(["percentage", "fixed"]),
        amount: z.number().check(z.gte(0)),
        productIds: z.optional(z.array(text)),
        priceIds: z.optional(z.array(text)),
        interval: z.optional(z.enum(["monthly", "yearly"])),
      }),
    ),
    [],
  ),
  rateLimit: z._default(
    z.union([z.literal(false), z.strictObject({ perMinute: count, perSecond: count })], "expected limits or false"),
    LAUNCH_PLAN,
  ),
  clock: z._default(
    z.custom<() => number>((value) => typeof value === "function", "expected a function"),
    () => Date.now,
  ),
  host: z._default(text, "127.0.0.1"),
});

/**
 * Checks and completes the options.
 *
 * @throws RelayError `invalid_options` that names each wrong option.
 */
export function resolveOptions(options: SandboxOptions): ResolvedSandboxOptions {
  const result = optionsSchema.safeParse(options);
  if (!result.success) throw wrongOption("createSandbox", result.error);
  const { apiKeys, signing, referrals, rateLimit, ...rest } = result.data;
  return Object.freeze({
    ...rest,
    apiKeys: new Map(
      Array.isArray(apiKeys) ? apiKeys.map((key) => [key, ["write:commissions"]]) : Object.entries(apiKeys),
    ),
    signing,
    referrals: referrals.map((referral) => (typeof referral === "string" ? { id: referral } : referral)),
    rateLimit: rateLimit === false ? undefined : rateLimit,
  });
}

/** Checks a referral that is added later. */
export function resolveReferral(referral: string | ReferralInput): ReferralInput {
  const result = referralSchema.safeParse(typeof referral === "string" ? { id: referral } : referral);
  if (!result.success) throw wrongOption("addReferral", result.error);
  return result.data;
}

function wrongOption(where: string, error: z.core.$ZodError): RelayError {
  return new RelayError("invalid_options", `${where}: ${describeIssues(error.issues)}`);
}
