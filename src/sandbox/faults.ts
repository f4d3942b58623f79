import { STATUS_CODES } from "node:http";
import * as z from "zod/mini";
import { describeIssues, RelayError } from "../errors.js";
import { type Answer, json } from "./answer.js";
import { ApiError, codeOfStatus, errorEnvelope, validationError } from "./api-error.js";
import type { SandboxRequest } from "./requests.js";

/** Something that goes wrong with a request. */
export interface Fault {
  /** Answers with this status and does not process the request. Codes that the API knows come in its envelope. */
  readonly status?: number | undefined;
  /** Answers with this body, text or JSON, and does not process the request. @default what the status calls for */
  readonly body?: unknown;
  /** Headers which the answer carries besides its own. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Milliseconds of real time between processing and answering. @default 0 */
  readonly delayMs?: number | undefined;
  /** Cuts the connection: `"before"` the request is processed, or `"after"`, so that only the answer is lost. */
  readonly reset?: "before" | "after" | undefined;
  /** How many requests it hits. A standing fault has no use for it. @default 1 */
  readonly times?: number | undefined;
}

/** Chooses a fault for one request; undefined lets it through. */
export type FaultRule = (request: SandboxRequest) => Fault | undefined;

/** What goes wrong next. */
export interface Faults {
  /** Queues a fault for the next requests, whatever their path. */
  next(fault: Fault): void;
  /** Hits every request that finds no queued fault, until it is cleared; replaces the standing fault before it. */
  always(fault: Fault | FaultRule): void;
  /** Forgets the queued faults and the standing one. */
  clear(): void;
  /** How many more requests the queued faults hit. */
  readonly pending: number;
}

const faultSchema = z.strictObject({
  status: z.optional(z.int().check(z.gte(200), z.lte(599))),
  body: z.optional(z.unknown()),
  headers: z.optional(z.record(z.string(), z.string())),
  delayMs: z.optional(z.number().check(z.gte(0))),
  reset: z.optional(z.enum(["before", "after"])),
  times: z.optional(z.int().check(z.gte(1))),
});

/** The faults of one sandbox, in the order in which they were queued. */
export class FaultQueue implements Faults {
  #queue: { readonly fault: Fault; left: number }[] = [];
  #rule: FaultRule | undefined;

  next(fault: Fault): void {
    const checked = checkFault(fault);
    this.#queue.push({ fault: checked, left: checked.times ?? 1 });
  }

  always(fault: Fault | FaultRule): void {
    if (typeof fault === "function") {
      this.#rule = fault;
      return;
    }
    const checked = checkFault(fault);
    this.#rule = () => checked;
  }

  clear(): void {
    this.#queue = [];
    this.#rule = undefined;
  }

  get pending(): number {
    return this.#queue.reduce((sum, { left }) => sum + left, 0);
  }

  take(request: SandboxRequest): Fault {
    const head = this.#queue[0];
    if (head === undefined) return checkFault(this.#rule?.(request) ?? {});
    head.left -= 1;
    if (head.left === 0) this.#queue.shift();
    return head.fault;
  }
}

/** The answer that a fault gives instead of the endpoint, or undefined when the endpoint shall answer. */
export function faultAnswer({ status, body, headers = {} }: Fault, nowMs: number): Answer | undefined {
  if (status === undefined && body === undefined) return undefined;
  const answerStatus = status ?? 200;
  if (typeof body === "string") return { status: answerStatus, headers: {}, body };
  if (body !== undefined) return json(answerStatus, body);
  const code = codeOfStatus(answerStatus);
  const reason = STATUS_CODES[answerStatus] ?? "";
  if (code === undefined) return { status: answerStatus, headers: {}, body: reason };
  const message = `A fault of the sandbox: ${reason}`;
  // The endpoint says which fields it refuses.
  if (code === "VALIDATION_ERROR") {
    return json(
      answerStatus,
      errorEnvelope(validationError([{ field: "event_name", message: "is refused by a fault" }])),
    );
  }
  if (code !== "RATE_LIMIT_EXCEEDED") return json(answerStatus, errorEnvelope(new ApiError(code, message)));
  const retryAfter = Number(headers["retry-after"] ?? 1);
  return json(answerStatus, errorEnvelope(new ApiError(code, message, { retryAfter })), {
    "retry-after": String(retryAfter),
    "x-ratelimit-remaining": "0",
    "x-ratelimit-reset": String(Math.ceil(nowMs / 1000) + retryAfter),
  });
}

function checkFault(fault: Fault): Fault {
  const result = faultSchema.safeParse(fault);
  if (!result.success) throw new RelayError("invalid_options", `fault: ${describeIssues(result.error.issues)}`);
  const headers = Object.entries(result.data.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]);
  return { ...result.data, headers: Object.fromEntries(headers) };
}
