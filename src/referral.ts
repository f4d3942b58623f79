import type { WebhookHeaders } from "./adapter.js";
import { invalidOption } from "./errors.js";
import { ID_PATTERN } from "./event.js";
import { isObject } from "./objects.js";

/** Affonso's name for the referral: of the cookie its browser script sets, and of the key in a payment's metadata. */
const REFERRAL_KEY = "affonso_referral";

/**
 * The referral that a value is: an id, without the white space around it.
 *
 * Whoever checks out can write it: nonsense in it must cost neither the checkout nor the sale, which the customer's id
 * may still attribute.
 */
export function asReferral(value: unknown): string | undefined {
  const referral = typeof value === "string" ? value.trim() : "";
  return ID_PATTERN.test(referral) ? referral : undefined;
}

/** The referral that Affonso's convention puts into a payment's metadata. */
export function referralIn(metadata: unknown): string | undefined {
  return isObject(metadata) && Object.hasOwn(metadata, REFERRAL_KEY) ? asReferral(metadata[REFERRAL_KEY]) : undefined;
}

/**
 * A copy of `params` whose metadata, called `key`, has the referral beside what is there; as they are without one.
 *
 * @throws RelayError `invalid_options`
 */
export function putReferral<Params extends object>(params: Params, key: string, referral: unknown): Params {
  // In JavaScript: a request in place of its referral would lose every commission without a word.
  if (typeof referral !== "string" && referral !== undefined && referral !== null) {
    throw invalidOption("withReferral's referral", "what referralFrom(request) answers", referral);
  }
  if (!isObject(params)) throw invalidOption("withReferral's params", "an object", params);
  const id = asReferral(referral);
  if (id === undefined) return params;
  const metadata: unknown = Reflect.get(params, key);
  return { ...params, [key]: { ...(typeof metadata === "object" ? metadata : {}), [REFERRAL_KEY]: id } };
}

/** What a browser's cookies can be read from: a request, its headers, or a cookie header's text. */
export type ReferralSource =
  | {
      readonly headers?: WebhookHeaders | null | undefined;
      /** All values of each header, as API Gateway and load balancers hand them to a Lambda function. */
      readonly multiValueHeaders?: WebhookHeaders | null | undefined;
      /** API Gateway's `["name=value", …]`. The objects that cookie parsers leave here are not read. */
      readonly cookies?: unknown;
    }
  | WebhookHeaders
  | string
  | null
  | undefined;

/**
 * The referral that Affonso's browser script left in the cookie `affonso_referral`, for the adapter's `withReferral` to
 * put into the payment. Most visitors have none.
 *
 * Takes Node's request and all that is built on it (Express, Koa, Fastify, Nest), a `Request`, the headers of either, a
 * Lambda event of API Gateway, a function URL or a load balancer, and the text of a cookie header, which
 * `document.cookie` is too. No parser of cookies has to run before.
 *
 * It throws nothing, since no checkout should fail for the sake of a commission: a cookie that can't be a referral
 * (empty, longer than 255 characters, with control characters) is undefined. Of several with the name, the first that can
 * be one counts: a host may have cleared its own cookie, and its domain not.
 *
 * @example
 * stripeClient.checkout.sessions.create(withReferral({ mode: "subscription", line_items }, referralFrom(request)))
 *
 * @see https://affonso.io/help/installation-guides/how-affiliate-tracking-works
 * @see https://www.rfc-editor.org/rfc/rfc6265#section-4.2
 */
export function referralFrom(source: ReferralSource): string | undefined {
  for (const pair of cookiesOf(source).split(";")) {
    const at = pair.indexOf("=");
    if (at === -1 || pair.slice(0, at).trim() !== REFERRAL_KEY) continue;
    const referral = asReferral(decode(pair.slice(at + 1).trim()));
    if (referral !== undefined) return referral;
  }
  return undefined;
}

/** All cookies of a source, as one header would have them. */
function cookiesOf(source: unknown): string {
  if (typeof source === "string") return source;
  if (!isObject(source)) return "";
  const { headers, multiValueHeaders, cookies }: { [part in "headers" | "multiValueHeaders" | "cookies"]?: unknown } =
    source;
  const parts = [multiValueHeaders, headers].filter(isObject);
  const list: unknown[] = Array.isArray(cookies) ? cookies : [];
  // What has neither is the headers themselves.
  const all = parts.length + list.length > 0 ? [...list, ...parts.flatMap(cookieHeaders)] : cookieHeaders(source);
  return all.filter((text) => typeof text === "string").join(";");
}

function cookieHeaders(headers: object): unknown[] {
  // Not instanceof: there are other Headers than the global ones.
  if ("get" in headers && typeof headers.get === "function") return [headers.get("cookie")];
  const named = Object.entries(headers).filter(([name]) => name.toLowerCase() === "cookie");
  return named.flatMap(([, value]: [string, unknown]) => value);
}

/** Without quotes and percent signs; what can't be decoded stays as it is, as in the package `cookie`. */
function decode(value: string): string {
  const text = value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
