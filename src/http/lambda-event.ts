import type { WebhookHeaders } from "../adapter.js";
import { RelayError } from "../errors.js";
import { isObject } from "../objects.js";
import { bodyAlreadyParsed, bodyTooLarge } from "./body-errors.js";

/**
 * An HTTP request as an event of payload format 1.0: API Gateway's REST APIs (and HTTP APIs that are set to it), and
 * Application Load Balancers.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
 */
export interface LambdaEventV1 extends LambdaEventBody {
  readonly httpMethod: string;
  readonly path: string;
  /** As the sender spelt them. A load balancer leaves them out where its target group has multi-value headers. */
  readonly headers?: Readonly<Record<string, string | undefined>> | null | undefined;
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[] | undefined>> | null | undefined;
}

/**
 * An HTTP request as an event of payload format 2.0: API Gateway's HTTP APIs, and function URLs.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 * @see https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
 */
export interface LambdaEventV2 extends LambdaEventBody {
  readonly rawPath: string;
  /** Lower-cased; those that came several times are joined by commas. */
  readonly headers?: Readonly<Record<string, string | undefined>> | undefined;
  readonly requestContext: { readonly http: { readonly method: string } };
}

interface LambdaEventBody {
  /** Text, or base64; absent, null or empty where there is none. Anything else is what a parser made of it. */
  readonly body?: unknown;
  /** The `body` as it came, where a middleware kept it from a parser. */
  readonly rawBody?: unknown;
  readonly isBase64Encoded?: boolean | undefined;
}

const ADVICE =
  "Export affonso-relay's handler by itself, before any middleware that parses or decodes event.body (such as middy's " +
  "httpJsonBodyParser), or let a middleware in front of that one keep it: event.rawBody = event.body";

/** What an event says of the HTTP request behind it. */
export interface LambdaRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: WebhookHeaders;
  /** Whether the answer's headers have to be lists, too. */
  readonly answersMultiValue: boolean;
}

/**
 * The HTTP request behind an event of either format.
 *
 * @throws RelayError `invalid_options` for whatever else calls functions.
 */
export function requestOf(event: unknown): LambdaRequest {
  if (isV2(event)) {
    const { rawPath: path, headers = {}, requestContext } = event;
    return { method: requestContext.http.method, path, headers, answersMultiValue: false };
  }
  if (isV1(event)) {
    const { httpMethod: method, path, headers, multiValueHeaders } = event;
    const answersMultiValue = !headers && Boolean(multiValueHeaders);
    return { method, path, headers: { ...headers, ...multiValueHeaders }, answersMultiValue };
  }
  throw new RelayError(
    "invalid_options",
    "this event is no HTTP request of an API Gateway, a function URL or an Application Load Balancer. Let API Gateway " +
      "call the function by a proxy integration (AWS_PROXY), and let nothing else call it",
  );
}

/**
 * The body's bytes, decoded where AWS encoded them.
 *
 * @throws RelayError `body_already_parsed` or `body_too_large`.
 */
export function bytesOf({ body, rawBody, isBase64Encoded }: LambdaEventBody, maxBodyBytes: number): Uint8Array {
  const text = rawBody ?? body ?? "";
  if (typeof text !== "string") throw bodyAlreadyParsed(ADVICE);
  const bytes = Buffer.from(text, isBase64Encoded ? "base64" : "utf8");
  if (bytes.byteLength > maxBodyBytes) throw bodyTooLarge(maxBodyBytes);
  return bytes;
}

function isV1(event: unknown): event is LambdaEventV1 {
  return isObject(event) && typeof event["httpMethod"] === "string" && typeof event["path"] === "string";
}

function isV2(event: unknown): event is LambdaEventV2 {
  const context = isObject(event) && typeof event["rawPath"] === "string" ? event["requestContext"] : undefined;
  return isObject(context) && isObject(context["http"]) && typeof context["http"]["method"] === "string";
}
