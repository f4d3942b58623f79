import type { APIGatewayProxyEventV2 } from "aws-lambda";
import * as z from "zod";
import { type Gateway, groupLowerCased, isTextType, mapHeaders } from "./gateway.js";

/**
 * An HTTP API of API Gateway with events of payload format 2.0. Its stage has a name, which is part of `rawPath`.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export const httpApi = (): Gateway => payloadFormat2({ stage: "prod", maxBodyBytes: 10 * 1024 * 1024 });

/**
 * A function URL: payload format 2.0 without stages.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
 */
export const functionUrl = (): Gateway => payloadFormat2({ stage: "$default", maxBodyBytes: 6 * 1024 * 1024 });

function payloadFormat2({ stage, maxBodyBytes }: { stage: string; maxBodyBytes: number }): Gateway {
  return {
    maxBodyBytes,
    eventOf({ method, path, query, headers, body }): APIGatewayProxyEventV2 {
      const { cookie, ...grouped } = groupLowerCased(headers);
      const rawPath = stage === "$default" ? path : `/${stage}${path}`;
      const isBase64Encoded = body.length > 0 && !isTextType(grouped["content-type"]?.[0]);
      return {
        version: "2.0",
        routeKey: "$default",
        rawPath,
        rawQueryString: query,
        ...(cookie && { cookies: cookie }),
        headers: mapHeaders(grouped, (values) => values.join(",")),
        requestContext: {
          accountId: "123456789012",
          apiId: "api-id",
          domainName: "id.execute-api.us-east-1.amazonaws.com",
          domainPrefix: "id",
          http: { method, path: rawPath, protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: "agent" },
          requestId: "id",
          routeKey: "$default",
          stage,
          time: "12/Mar/2020:19:03:58 +0000",
          timeEpoch: 1_583_348_638_390,
        },
        ...(body.length > 0 && { body: body.toString(isBase64Encoded ? "base64" : "utf8") }),
        isBase64Encoded,
      };
    },
    answerOf(result) {
      const { success, data } = resultSchema.safeParse(result);
      if (success) return { status: data.statusCode, headers: data.headers ?? {}, body: data.body ?? "" };
      // Without a status code, the answer is inferred from whatever it is.
      const hasStatusCode = typeof result === "object" && result !== null && "statusCode" in result;
      if (hasStatusCode || (typeof result === "object" && result !== null && "errorType" in result)) return undefined;
      return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(result) };
    },
  };
}

const resultSchema = z.object({
  isBase64Encoded: z.literal(false).optional(),
  statusCode: z.int(),
  headers: z.record(z.string(), z.string()).optional(),
  body: z.string().optional(),
});
