import { headerOf, type WebhookAdapter, type WebhookHeaders } from "../adapter.js";
import { ERROR_CODES, RelayError, toRelayError } from "../errors.js";
import type { Relay } from "../relay.js";

/** A webhook request as a framework's binding hands it over. */
export interface IncomingWebhook {
  readonly method: string | undefined;
  readonly headers: WebhookHeaders;
  /** Reads the raw bytes, once. @throws RelayError `body_too_large`, `body_already_parsed` or `client_gone`. */
  readBody(): Promise<Uint8Array>;
}

/** The answer, for the binding to write. */
export interface WebhookResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const RETRY_AFTER_SECONDS = 30;

/**
 * From an HTTP request to an HTTP answer: the one place where the table of answers is carried out, for all frameworks.
 * Never throws: what goes wrong is an answer.
 */
export async function handleWebhook<Adapters extends readonly WebhookAdapter[]>(
  relay: Relay<Adapters>,
  source: string,
  incoming: IncomingWebhook,
): Promise<WebhookResponse> {
  const { headers } = incoming;
  // Within receive(), whatever is wrong with the request is logged once, and reading it counts towards the deadline.
  const body = () => {
    assertTakeable(incoming);
    return incoming.readBody();
  };
  try {
    const { status } = await relay.receive(source, { body, headers });
    return answer(200, { received: true, status });
  } catch (error) {
    return errorAnswer(toRelayError(error, "internal_error", "this should not happen; please report it"));
  }
}

/** The answer for an error: its code, its message where that is fixed text, and when to try again. */
export function errorAnswer(error: RelayError): WebhookResponse {
  const { code, status, message } = error;
  // An error of another version of the package may have a code that this one does not know.
  const shown = Object.hasOwn(ERROR_CODES, code) && ERROR_CODES[code].exposeMessage ? { code, message } : { code };
  const headers: Record<string, string> = {};
  if (status === 405) headers["allow"] = "POST";
  if (status === 503) {
    const seconds = error.retryAfterMs === undefined ? RETRY_AFTER_SECONDS : Math.ceil(error.retryAfterMs / 1000);
    headers["retry-after"] = String(seconds);
  }
  return answer(status, { error: shown }, headers);
}

function assertTakeable({ method, headers }: IncomingWebhook): void {
  if (method !== "POST") throw new RelayError("method_not_allowed", "webhooks are POST requests");
  const encoding = headerOf(headers, "content-encoding") ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    throw new RelayError("unsupported_body", "a compressed body can't be verified; send it without content-encoding");
  }
  if (/^\s*multipart\//i.test(headerOf(headers, "content-type") ?? "")) {
    throw new RelayError("unsupported_body", "a multipart body is no webhook");
  }
}

function answer(status: number, body: object, headers: Record<string, string> = {}): WebhookResponse {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
}
