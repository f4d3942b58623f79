import { createHmac } from "node:crypto";
import type {
  ALBHandler,
  APIGatewayProxyEvent,
  APIGatewayProxyHandler,
  APIGatewayProxyHandlerV2,
  Context,
  LambdaFunctionURLHandler,
} from "aws-lambda";
import { afterEach, describe, expect, expectTypeOf, it } from "vitest";
import { createLambdaHandler, type LambdaEventV1, type LambdaEventV2 } from "../../src/http/lambda.js";
import { describeWebhookHandler, type RunningApp } from "../contract/webhook-handler.js";
import { sandboxForTests } from "../helpers/relay.js";
import { BILLING_SECRET, invoicePaid, stripeSignature } from "../helpers/webhooks.js";
import {
  functionUrlEvent,
  httpApiEvent,
  loadBalancerEvent,
  multiValueLoadBalancerEvent,
  restApiEvent,
} from "./lambda/events.js";
import { type Gateway, type LambdaFunction, listen } from "./lambda/gateway.js";
import { functionUrl, httpApi } from "./lambda/http-api.js";
import { loadBalancer } from "./lambda/load-balancer.js";
import { inMiddy, parsesJson } from "./lambda/middy.js";
import { restApi } from "./lambda/rest-api.js";

type ParsedEvent = (LambdaEventV1 | LambdaEventV2) & { readonly body?: unknown };

/** A function of the app's own. */
const echo = async ({ body }: ParsedEvent) => answerJson(JSON.parse(`${body}`));
/** As payload format 2.0 allows it: no status code, the answer is inferred. */
const echoInferred = async ({ body }: ParsedEvent) => JSON.parse(`${body}`);
const echoMultiValue = async ({ body }: ParsedEvent) => {
  const { headers, ...answer } = answerJson(JSON.parse(`${body}`));
  return { ...answer, multiValueHeaders: { "content-type": [headers["content-type"]] } };
};

function answerJson(value: unknown) {
  const headers = { "content-type": "application/json" };
  return { statusCode: 200, headers, body: JSON.stringify(value), isBase64Encoded: false };
}

// The cap of 1 MiB is the relay's here, not the load balancer's own of 1 MB.
const above = { maxBodyBytes: 2 * 1024 * 1024 };
const gateways: readonly [name: string, gateway: Gateway, echo: LambdaFunction, wrap?: typeof inMiddy][] = [
  ["Lambda behind a REST API", restApi(), echo],
  ["Lambda behind an HTTP API", httpApi(), echoInferred],
  ["a Lambda function URL", functionUrl(), echoInferred],
  ["Lambda behind a load balancer", loadBalancer(above), echo],
  [
    "Lambda behind a load balancer with multi-value headers",
    loadBalancer({ ...above, multiValueHeaders: true }),
    echoMultiValue,
  ],
  ["Lambda with middy behind an HTTP API", httpApi(), inMiddy(echoInferred), inMiddy],
];

for (const [name, gateway, echoes, wrap = (handler: LambdaFunction) => handler] of gateways) {
  describeWebhookHandler(name, {
    start: (relay, { maxBodyBytes }) =>
      listen(gateway, { "*": wrap(createLambdaHandler(relay, undefined, { maxBodyBytes })), "/echo": echoes }),
    startAfterJsonParser: (relay) =>
      listen(gateway, { "*": parsesJson(createLambdaHandler(relay), { keepsRawBody: true }), "/echo": echoes }),
    startBehindJsonParser: (relay) => listen(gateway, { "*": parsesJson(createLambdaHandler(relay)) }),
    advice: /before any middleware that parses or decodes event\.body/,
    buffersBodies: true,
    keepsLastHeader: name === "Lambda behind a load balancer",
  });
}

describe("Lambda in particular", async () => {
  const { sandbox, relay } = await sandboxForTests();
  const running: RunningApp[] = [];
  afterEach(async () => {
    for (const server of running.splice(0)) await server.close();
  });

  const post = async (
    gateway: Gateway,
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string>,
    source = "stripe",
  ) => {
    const server = await listen(gateway, { "*": createLambdaHandler(relay()) });
    running.push(server);
    return fetch(`${server.url}/webhooks/${source}`, { method: "POST", body, headers });
  };
  const body = invoicePaid("one", { note: "Zoë 💶" });
  const signature = () => stripeSignature(body);

  it("has the types of AWS's handlers", () => {
    const handler = createLambdaHandler(relay());
    expectTypeOf(handler).toExtend<APIGatewayProxyHandler>();
    expectTypeOf(handler).toExtend<APIGatewayProxyHandlerV2>();
    expectTypeOf(handler).toExtend<LambdaFunctionURLHandler>();
    expectTypeOf(handler).toExtend<ALBHandler>();
    // Called by code of one's own, such as a router over several functions.
    expectTypeOf(handler).toBeCallableWith({} as APIGatewayProxyEvent, {} as Context);
  });

  it.each([
    ["a REST API", restApiEvent],
    ["an HTTP API", httpApiEvent],
    ["a function URL", functionUrlEvent],
    ["a load balancer", loadBalancerEvent],
    ["a load balancer with multi-value headers", multiValueLoadBalancerEvent],
  ])("takes an event of %s as AWS documents it", async (_what, eventOf) => {
    const { statusCode, body: answer } = await createLambdaHandler(relay())(eventOf(body, signature()));
    expect([statusCode, JSON.parse(answer)]).toEqual([200, { received: true, status: "delivered" }]);
    expect(sandbox.conversions).toHaveLength(1);
  });

  it.each([
    ["a REST API whose binary media types are all types", restApi({ binary: true }), "application/json"],
    ["an HTTP API", httpApi(), "application/vnd.billing"],
    ["a function URL", functionUrl(), "application/octet-stream"],
    ["a load balancer", loadBalancer(), "application/octet-stream"],
  ])("takes the bytes of a body that %s hands over as base64", async (_what, gateway, contentType) => {
    const headers = { "stripe-signature": signature(), "content-type": contentType };
    expect((await post(gateway, body, headers)).status).toBe(200);
  });

  it("answers 401 to bytes that are no UTF-8 where they come as text, and so were changed on the way", async () => {
    const bytes = Buffer.from('{"id":"Zo\xeb"}', "latin1");
    const headers = {
      "x-billing-signature": createHmac("sha256", BILLING_SECRET).update(bytes).digest("hex"),
      "content-type": "application/json",
    };
    expect((await post(restApi(), bytes, headers, "billing")).status).toBe(401);
    // As base64 they come as they were, and are refused for what they are.
    const response = await post(restApi({ binary: true }), bytes, headers, "billing");
    expect([response.status, (await response.json()).error.code]).toEqual([400, "malformed_payload"]);
  });

  it("answers 401 to an event without a body or headers, as the console's test of a REST API makes them", async () => {
    const event = { httpMethod: "POST", path: "/webhooks/stripe", headers: null, multiValueHeaders: null, body: null };
    expect(await createLambdaHandler(relay())(event)).toEqual({
      statusCode: 401,
      headers: { "content-type": "application/json" },
      body: '{"error":{"code":"signature_invalid"}}',
      isBase64Encoded: false,
    });
  });

  it("knows headers that are in `headers` alone, and those that came several times", async () => {
    const handler = createLambdaHandler(relay());
    const event = restApiEvent(body, signature());
    expect((await handler({ ...event, multiValueHeaders: {} })).statusCode).toBe(200);
    const twice = { ...event.multiValueHeaders, "Stripe-Signature": [signature(), signature()] };
    expect((await handler({ ...event, multiValueHeaders: twice })).statusCode).toBe(401);
  });

  it("serves the one source it was made for, whatever the path, and the path's last segment otherwise", async () => {
    const event = { ...httpApiEvent(body, signature()), rawPath: "/prod/hook/" };
    expect((await createLambdaHandler(relay(), "stripe")(event)).statusCode).toBe(200);
    expect((await createLambdaHandler(relay())(event)).statusCode).toBe(404);
    expect((await createLambdaHandler(relay())({ ...event, rawPath: "/prod/stripe/" })).statusCode).toBe(200);
  });

  it("answers headers as lists where the load balancer's event has them so, and only there", async () => {
    const handler = createLambdaHandler(relay());
    const multiValueHeaders = { "content-type": ["application/json"] };
    expect(await handler(multiValueLoadBalancerEvent(body, "wrong"))).toEqual({
      statusCode: 401,
      multiValueHeaders,
      body: '{"error":{"code":"signature_invalid"}}',
      isBase64Encoded: false,
    });
    for (const eventOf of [restApiEvent, httpApiEvent, functionUrlEvent, loadBalancerEvent]) {
      const members = Object.keys(await handler(eventOf(body, "wrong")));
      expect(members.sort()).toEqual(["body", "headers", "isBase64Encoded", "statusCode"]);
    }
  });

  it("never sees a body above the load balancer's own limit", async () => {
    const response = await post(loadBalancer(), "x".repeat(1024 * 1024 + 1), { "content-type": "application/json" });
    expect([response.status, await response.text()]).toEqual([413, '{"message":"Request Too Long"}']);
  });

  it.each([
    ["a queue's event", { Records: [{ messageId: "1", eventSource: "aws:sqs", body: "{}" }] }],
    ["a WebSocket API's", { requestContext: { routeKey: "$connect", eventType: "CONNECT" }, isBase64Encoded: false }],
    ["what a custom integration passes on", { stripe: JSON.parse(body) }],
    ["a text", "ping"],
    ["null", null],
  ])("rejects %s, so that nobody takes it for success", async (_what, event) => {
    const called = createLambdaHandler(relay())(event as never);
    await expect(called).rejects.toThrow(/^invalid_options: this event is no HTTP request.*proxy integration/);
  });

  it.each([
    [
      "an unknown source",
      () => createLambdaHandler(relay(), "strip" as never),
      /source must be one of stripe, billing/,
    ],
    ["an unknown option", () => createLambdaHandler(relay(), "stripe", { limit: 1 } as never), /no option limit/],
    ["a limit of 0", () => createLambdaHandler(relay(), "stripe", { maxBodyBytes: 0 }), /maxBodyBytes must be/],
  ])("refuses %s", (_what, make, message) => {
    expect(make).toThrow(message);
  });
});
