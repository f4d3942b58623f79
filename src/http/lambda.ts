import type { WebhookAdapter, WebhookHeaders } from "../adapter.js";
import { RelayError } from "../errors.js";
import type { Relay } from "../relay.js";
import { type HandlerOptions, maxBodyBytesOf } from "./binding-options.js";
import { bodyAlreadyParsed, bodyTooLarge } from "./body-errors.js";
import { handleWebhook, type WebhookResponse } from "./handle-webhook.js";
import { lastSegment } from "./source.js";

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

/**
 * The answer, in the one shape that all of them take.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-output-format
 */
export interface LambdaResult {
  readonly statusCode: number;
  readonly headers?: Record<string, string> | undefined;
  /** In place of `headers`, for a load balancer's target group with multi-value headers. */
  readonly multiValueHeaders?: Record<string, string[]> | undefined;
  readonly body: string;
  readonly isBase64Encoded: false;
}

/** A Lambda function's handler, written down without AWS's types: it fits the handlers of `@types/aws-lambda`. */
export type LambdaHandler = (event: LambdaEventV1 | LambdaEventV2, context?: unknown) => Promise<LambdaResult>;

const ADVICE =
  "Export affonso-relay's handler by itself, before any middleware that parses or decodes event.body (such as middy's " +
  "httpJsonBodyParser), or let a middleware in front of that one keep it: event.rawBody = event.body";

/**
 * The handler of an AWS Lambda function behind an API Gateway (REST or HTTP API, by proxy integration), a function URL
 * or an Application Load Balancer: `export const handler = createLambdaHandler(relay)`.
 *
 * Lambda freezes the process once the answer is out and has no disk that stays, so the relay needs to be one without an
 * outbox: it passes webhooks through, and the provider's 200 means that the endpoint has the event. Make the relay outside
 * the handler, once for each instance; `relay.start()` is not needed. Give the function a timeout above the relay's
 * `timeoutMs` of 4 seconds: Lambda's default is 3, API Gateway waits for 29.
 *
 * AWS hands over text as text and anything else as base64. It reads text as UTF-8, so bytes that are not, which no JSON
 * has, arrive changed and are answered 401.
 *
 * @param source - The adapter's name. Without it, the last segment of the path says which, whatever the stage before it.
 * @returns A handler that rejects with a RelayError `invalid_options` when it is called with no HTTP request: an answer
 * would count as success with whatever else it was that called it.
 * @throws RelayError `invalid_options`, also when the relay has no such source.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
 */
export function createLambdaHandler<Adapters extends readonly WebhookAdapter[]>(
  relay: Relay<Adapters>,
  source?: Relay<Adapters>["sources"][number],
  options: HandlerOptions = {},
): LambdaHandler {
  const maxBodyBytes = maxBodyBytesOf({ factory: "createLambdaHandler", relay, source, options });
  return async (event) => {
    const { method, path, headers, answersMultiValue } = requestOf(event);
    const readBody = async () => bytesOf(event, maxBodyBytes);
    const answer = await handleWebhook(relay, source ?? lastSegment(path), { method, headers, readBody });
    return resultOf(answer, answersMultiValue);
  };
}

interface LambdaRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: WebhookHeaders;
  /** Whether the answer's headers have to be lists, too. */
  readonly answersMultiValue: boolean;
}

function requestOf(event: unknown): LambdaRequest {
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

function bytesOf({ body, rawBody, isBase64Encoded }: LambdaEventBody, maxBodyBytes: number): Uint8Array {
  const text = rawBody ?? body ?? "";
  if (typeof text !== "string") throw bodyAlreadyParsed(ADVICE);
  const bytes = Buffer.from(text, isBase64Encoded ? "base64" : "utf8");
  if (bytes.byteLength > maxBodyBytes) throw bodyTooLarge(maxBodyBytes);
  return bytes;
}

/** Exactly the members that are asked for: a REST API answers 502 for any other one. */
function resultOf({ status, headers, body }: WebhookResponse, multiValue: boolean): LambdaResult {
  const result = { statusCode: status, body, isBase64Encoded: false } as const;
  if (!multiValue) return { ...result, headers: { ...headers } };
  const lists = Object.entries(headers).map(([name, value]) => [name, [value]]);
  return { ...result, multiValueHeaders: Object.fromEntries(lists) };
}

function isV1(event: unknown): event is LambdaEventV1 {
  return isObject(event) && typeof event["httpMethod"] === "string" && typeof event["path"] === "string";
}

function isV2(event: unknown): event is LambdaEventV2 {
  const context = isObject(event) && typeof event["rawPath"] === "string" ? event["requestContext"] : undefined;
  return isObject(context) && isObject(context["http"]) && typeof context["http"]["method"] === "string";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
