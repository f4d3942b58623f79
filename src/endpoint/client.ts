import { toHex, utf8Bytes } from "../signing/encoding.js";
import { createHmac, type HmacSigner } from "../signing/hmac.js";
import { classifyFailure, classifyResponse, isEndpointAnswer, type Outcome } from "./outcome.js";

// An answer is a small JSON object; more than this is somebody else's page.
const MAX_RESPONSE_BYTES = 64 * 1024;

/** What the client needs of the options. */
export interface EndpointClientOptions {
  readonly apiKey: string;
  readonly signingSecret: string | undefined;
  readonly baseUrl: string;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: () => number;
}

/** Sends signed requests to the endpoint and says what came of each. Never throws. */
export class EndpointClient {
  readonly #options: EndpointClientOptions;
  readonly #sign: HmacSigner | undefined;
  readonly #headers: Readonly<Record<string, string>>;
  #limitPerMinute: number | undefined;

  constructor(options: EndpointClientOptions) {
    this.#options = options;
    this.#headers = {
      authorization: `Bearer ${options.apiKey}`,
      "content-type": "application/json",
      accept: "application/json",
    };
    this.#sign =
      options.signingSecret === undefined ? undefined : createHmac("SHA-256", utf8Bytes(options.signingSecret));
  }

  /** Requests a minute that the endpoint last said it allows; undefined before its first word. */
  get limitPerMinute(): number | undefined {
    return this.#limitPerMinute;
  }

  /**
   * One attempt.
   *
   * @param path - Below the base URL, such as `/events`.
   * @param payload - Serialized once: the bytes that are signed are the bytes that are sent.
   * @param signal - Ends the attempt, and with it the reading of the answer.
   */
  async post(path: string, payload: object, signal: AbortSignal): Promise<Outcome> {
    try {
      const body = utf8Bytes(JSON.stringify(payload));
      const { baseUrl, fetch, clock } = this.#options;
      const response = await fetch(`${baseUrl}${path}`, {
        method: "POST",
        // A copy for each: the app's own fetch may add to it.
        headers: { ...this.#headers, ...(await this.#signature(body)) },
        body,
        // A followed redirect would hand the signature and the body to whoever answers there.
        redirect: "manual",
        signal,
      });
      const text = await readText(response);
      const outcome = classifyResponse({ status: response.status, headers: response.headers, body: text }, clock());
      const limit = Number(response.headers.get("x-ratelimit-limit"));
      // A proxy in between has limits of its own.
      if (Number.isInteger(limit) && limit > 0 && isEndpointAnswer(text)) this.#limitPerMinute = limit;
      return outcome;
    } catch (error) {
      return classifyFailure(signal.aborted ? { name: "TimeoutError" } : error);
    }
  }

  /** A fresh timestamp each time: a retry that carries the first attempt's one is stale. */
  async #signature(body: Uint8Array): Promise<Record<string, string>> {
    if (this.#sign === undefined) return {};
    const timestamp = String(Math.floor(this.#options.clock() / 1000));
    return {
      "x-affonso-timestamp": timestamp,
      "x-affonso-signature": toHex(await this.#sign(`${timestamp}.`, body)),
    };
  }
}

async function readText(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return "";
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    size += chunk.value.byteLength;
    if (size > MAX_RESPONSE_BYTES) {
      await reader.cancel();
      return text;
    }
    text += decoder.decode(chunk.value, { stream: true });
  }
  return text + decoder.decode();
}
