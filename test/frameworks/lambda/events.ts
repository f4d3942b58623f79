/** Events as AWS's documentation shows them, trimmed, for `POST /webhooks/stripe`. */

/** @see https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html */
export const restApiEvent = (body: string, signature: string) => ({
  resource: "/{proxy+}",
  path: "/webhooks/stripe",
  httpMethod: "POST",
  headers: { Accept: "*/*", "Content-Type": "application/json", "Stripe-Signature": signature, Via: "1.1 cloudfront" },
  multiValueHeaders: {
    Accept: ["*/*"],
    "Content-Type": ["application/json"],
    "Stripe-Signature": [signature],
    Via: ["1.1 cloudfront"],
  },
  queryStringParameters: null,
  multiValueQueryStringParameters: null,
  pathParameters: { proxy: "webhooks/stripe" },
  stageVariables: null,
  requestContext: {
    accountId: "12345678912",
    resourceId: "roq9wj",
    stage: "testStage",
    requestId: "deef4878-7910-11e6-8f14-25afc3e9ae33",
    identity: { sourceIp: "192.168.196.186", userAgent: "Stripe/1.0 (+https://stripe.com/docs/webhooks)", user: null },
    resourcePath: "/{proxy+}",
    httpMethod: "POST",
    apiId: "gy415nuibc",
  },
  body,
  isBase64Encoded: false,
});

/** @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html */
export const httpApiEvent = (body: string, signature: string) => ({
  version: "2.0",
  routeKey: "$default",
  rawPath: "/webhooks/stripe",
  rawQueryString: "parameter1=value1&parameter1=value2",
  cookies: ["cookie1", "cookie2"],
  headers: { "content-type": "application/json", header2: "value1,value2", "stripe-signature": signature },
  queryStringParameters: { parameter1: "value1,value2" },
  requestContext: {
    accountId: "123456789012",
    apiId: "api-id",
    domainName: "id.execute-api.us-east-1.amazonaws.com",
    domainPrefix: "id",
    http: { method: "POST", path: "/webhooks/stripe", protocol: "HTTP/1.1", sourceIp: "IP", userAgent: "agent" },
    requestId: "id",
    routeKey: "$default",
    stage: "$default",
    time: "12/Mar/2020:19:03:58 +0000",
    timeEpoch: 1_583_348_638_390,
  },
  body,
  pathParameters: { parameter1: "value1" },
  isBase64Encoded: false,
});

/** @see https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html */
export const functionUrlEvent = (body: string, signature: string) => ({
  version: "2.0",
  routeKey: "$default",
  rawPath: "/webhooks/stripe",
  rawQueryString: "",
  headers: {
    "content-type": "application/json",
    host: "url-id.lambda-url.us-west-2.on.aws",
    "stripe-signature": signature,
    "x-forwarded-proto": "https",
  },
  requestContext: {
    accountId: "anonymous",
    apiId: "url-id",
    authentication: null,
    authorizer: null,
    domainName: "url-id.lambda-url.us-west-2.on.aws",
    domainPrefix: "url-id",
    http: { method: "POST", path: "/webhooks/stripe", protocol: "HTTP/1.1", sourceIp: "IP", userAgent: "agent" },
    requestId: "id",
    routeKey: "$default",
    stage: "$default",
    time: "12/Mar/2020:19:03:58 +0000",
    timeEpoch: 1_583_348_638_390,
  },
  body,
  pathParameters: null,
  isBase64Encoded: false,
  stageVariables: null,
});

const elb = { targetGroupArn: "arn:aws:elasticloadbalancing:region:123456789012:targetgroup/group/6d0ecf831eec9f09" };

/** @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html */
export const loadBalancerEvent = (body: string, signature: string) => ({
  requestContext: { elb },
  httpMethod: "POST",
  path: "/webhooks/stripe",
  queryStringParameters: {},
  headers: {
    "content-type": "application/json",
    host: "lambda-846800462-us-east-2.elb.amazonaws.com",
    "stripe-signature": signature,
    "x-amzn-trace-id": "Root=1-5bdb40ca-556d8b0c50dc66f0511bf520",
    "x-forwarded-proto": "https",
  },
  body,
  isBase64Encoded: false,
});

/** The same with multi-value headers, of a target group that has them enabled. */
export const multiValueLoadBalancerEvent = (body: string, signature: string) => ({
  requestContext: { elb },
  httpMethod: "POST",
  path: "/webhooks/stripe",
  multiValueQueryStringParameters: { myKey: ["val1", "val2"] },
  multiValueHeaders: {
    "content-type": ["application/json"],
    cookie: ["name1=value1", "name2=value2"],
    "stripe-signature": [signature],
  },
  body,
  isBase64Encoded: false,
});
