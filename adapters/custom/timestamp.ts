import type { WebhookRequest } from "../../src/adapter.js";
import { assertKnownKeys, assertOneOf, invalidOption, RelayError } from "../../src/errors.js";
import { requiredHeader } from "../../src/signing/signature-header.js";
import { checkTimestamp } from "../../src/signing/timestamp.js";
import { checkHeaderName, checkTolerance } from "./options.js";

/** A timestamp that stands in a header of its own and is signed together with the body. */
export interface HmacTimestampOptions {
  /** Header with the timestamp, a whole number since 1970. */
  readonly header: string;
  /** What the number counts: seconds or milliseconds. @default "s" */
  readonly unit?: "s" | "ms" | undefined;
  /** Text between the timestamp and the body in what is signed. @default "." */
  readonly separator?: string | undefined;
  /** Seconds by which the timestamp may lie in the past or in the future. @default 300 */
  readonly toleranceSeconds?: number | undefined;
}

const KNOWN = ["header", "unit", "separator", "toleranceSeconds"] as const;

/** Makes a function that checks a request's timestamp and answers the text which is signed before the body. */
export function createTimestampReader(
  option: string,
  options: HmacTimestampOptions,
): (request: WebhookRequest, nowMs: number) => string {
  assertKnownKeys(option, options, KNOWN);
  const header = checkHeaderName(`${option}.header`, options.header);
  const { unit = "s" } = options;
  assertOneOf(`${option}.unit`, unit, ["s", "ms"]);
  const separator = checkSeparator(`${option}.separator`, options.separator ?? ".");
  const toleranceSeconds = checkTolerance(`${option}.toleranceSeconds`, options.toleranceSeconds);
  const digits = unit === "ms" ? /^\d{4,15}$/ : /^\d{1,12}$/;

  return (request, nowMs) => {
    const timestamp = requiredHeader(request.headers, header);
    if (!digits.test(timestamp)) {
      const expected = unit === "ms" ? "milliseconds" : "seconds";
      throw new RelayError("signature_invalid", `header ${header} is no whole number of unix ${expected}`);
    }
    checkTimestamp(unit === "ms" ? timestamp.slice(0, -3) : timestamp, toleranceSeconds, nowMs);
    return `${timestamp}${separator}`;
  };
}

function checkSeparator(option: string, separator: unknown): string {
  // A digit could belong to the timestamp as well, so that one signature would fit two requests.
  if (typeof separator === "string" && /^\D{0,16}$/.test(separator)) return separator;
  throw invalidOption(option, "at most 16 characters, none of them a digit", separator);
}
