import type { APIGatewayProxyEvent } from "aws-lambda";
import * as z from "zod";
import { type Gateway, groupHeaders, mapHeaders } from "./gateway.js";

/**
 * A REST API of API Gateway with a Lambda proxy integration: events of payload format 1.0.
 *
 * @param binary - Whether its `binaryMediaTypes` are all types: bodies then are base64, else they are read as UTF-8.
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html
 */
export function restApi({ binary = false } = {}): Gateway {
  return {
    maxBodyBytes: 10 * 1024 * 1024,
    eventOf({ method, path, headers, body }): APIGatewayProxyEvent {
      const multiValueHeaders = groupHeaders(headers);
      return {
        resource: "/{proxy+}",
        // Without the stage, unlike requestContext.path.
        path,
        httpMethod: method,
        headers: mapHeaders(multiValueHeaders, (values) => values.at(-1)),
        multiValueHeaders,
        queryStringParameters: null,
        multiValueQueryStringParameters: null,
        pathParameters: { proxy: path.slice(1) },
        stageVariables: null,
        requestContext: {
          accountId: "123456789012",
          apiId: "gy415nuibc",
          authorizer: null,
          httpMethod: method,
          identity,
          path: `/prod${path}`,
          protocol: "HTTP/1.1",
          requestId: "deef4878-7910-11e6-8f14-25afc3e9ae33",
          requestTimeEpoch: 1_583_349_317_135,
          resourceId: "roq9wj",
          resourcePath: "/{proxy+}",
          stage: "prod",
        },
        body: body.length === 0 ? null : body.toString(binary ? "base64" : "utf8"),
        isBase64Encoded: binary && body.length > 0,
      };
    },
    answerOf(result) {
      const { success, data } = resultSchema.safeParse(result);
      if (!success) return undefined;
      const { statusCode: status, headers, multiValueHeaders, body = "" } = data;
      return { status, headers: { ...headers, ...multiValueHeaders }, body };
    },
  };
}

/** Strict: a member more ("statusDescription", "cookies") is a "malformed Lambda proxy response", and answered 502. */
const resultSchema = z.strictObject({
  isBase64Encoded: z.literal(false).optional(),
  statusCode: z.int(),
  headers: z.record(z.string(), z.string()).optional(),
  multiValueHeaders: z.record(z.string(), z.array(z.string())).optional(),
  body: z.string().optional(),
});

const identity: APIGatewayProxyEvent["requestContext"]["identity"] = {
  accessKey: null,
  accountId: null,
  apiKey: null,
  apiKeyId: null,
  caller: null,
  clientCert: null,
  cognitoAuthenticationProvider: null,
  cognitoAuthenticationType: null,
  cognitoIdentityId: null,
  cognitoIdentityPoolId: null,
  principalOrgId: null,
  sourceIp: "127.0.0.1",
  user: null,
  userAgent: null,
  userArn: null,
};
