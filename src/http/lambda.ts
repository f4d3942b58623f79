import type { WebhookAdapter } from "../adapter.js";
import type { Relay } from "../relay.js";
import { type HandlerOptions, maxBodyBytesOf } from "./binding-options.js";
import { handleWebhook, type WebhookResponse } from "./handle-webhook.js";
import { bytesOf, type LambdaEventV1, type LambdaEventV2, requestOf } from "./lambda-event.js";
import { lastSegment } from "./source.js";

export type { LambdaEventV1, LambdaEventV2 } from "./lambda-event.js";

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

/** Exactly the members that are asked for: a REST API answers 502 for any other one. */
function resultOf({ status, headers, body }: WebhookResponse, multiValue: boolean): LambdaResult {
  const result = { statusCode: status, body, isBase64Encoded: false } as const;
  if (!multiValue) return { ...result, headers: { ...headers } };
  const lists = Object.entries(headers).map(([name, value]) => [name, [value]]);
  return { ...result, multiValueHeaders: Object.fromEntries(lists) };
}
