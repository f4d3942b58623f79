import type { ALBEvent } from "aws-lambda";
import * as z from "zod";
import { type Gateway, groupLowerCased, isTextType, mapHeaders } from "./gateway.js";

/**
 * An Application Load Balancer with a function as its target.
 *
 * @param multiValueHeaders - The attribute `lambda.multi_value_headers.enabled` of the target group.
 * @param maxBodyBytes - 1 MB, unless a test wants to see what comes after it.
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
 */
export function loadBalancer({ multiValueHeaders = false, maxBodyBytes = 1024 * 1024 } = {}): Gateway {
  return {
    maxBodyBytes,
    eventOf({ method, path, headers, body }): ALBEvent {
      const grouped = groupLowerCased([...headers, ["X-Forwarded-Proto", "https"], ["X-Forwarded-Port", "443"]]);
      const isText = grouped["content-encoding"] === undefined && isTextType(grouped["content-type"]?.[0]);
      const isBase64Encoded = body.length > 0 && !isText;
      const elb = {
        targetGroupArn: "arn:aws:elasticloadbalancing:region:123456789012:targetgroup/relay/6d0ecf831eec9f09",
      };
      return {
        requestContext: { elb },
        httpMethod: method,
        path,
        ...(multiValueHeaders
          ? { multiValueQueryStringParameters: {}, multiValueHeaders: grouped }
          : { queryStringParameters: {}, headers: mapHeaders(grouped, (values) => values.at(-1)) }),
        body: body.toString(isBase64Encoded ? "base64" : "utf8"),
        isBase64Encoded,
      };
    },
    answerOf(result) {
      const { success, data } = z.object({ ...required, ...headers[`${multiValueHeaders}`] }).safeParse(result);
      if (!success) return undefined;
      return {
        status: data.statusCode,
        headers: { ...data.headers, ...data.multiValueHeaders },
        body: data.body ?? "",
      };
    },
  };
}

const required = { isBase64Encoded: z.literal(false), statusCode: z.int(), body: z.string().optional() };

/** "You must use multiValueHeaders if you have enabled multi-value headers and headers otherwise." */
const headers = {
  true: { multiValueHeaders: z.record(z.string(), z.array(z.string())), headers: z.undefined().optional() },
  false: { headers: z.record(z.string(), z.string()), multiValueHeaders: z.undefined().optional() },
};
