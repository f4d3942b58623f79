import { toHex, utf8Bytes } from "../signing/encoding.js";
import { createHmac, type HmacSigner } from "../signing/hmac.js";
import { classifyFailure, classifyResponse, type Outcome } from "./outcome.js";
import type { Transport } from "./transport.js";

/** What the client needs of the options. */
export interface EndpointClientOptions {
  readonly apiKey: string;
  readonly signingSecret: string | undefined;
  readonly baseUrl: string;
  readonly transport: Transport;
  readonly clock: () => number;
}

/** Sends signed requests to the endpoint and says what came of each. Never throws. */
export class EndpointClient {
  readonly #options: EndpointClientOptions;
  readonly #sign: HmacSigner | undefined;

  constructor(options: EndpointClientOptions) {
    this.#options = options;
    this.#sign =
      options.signingSecret === undefined ? undefined : createHmac("SHA-256", utf8Bytes(options.signingSecret));
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
      const { apiKey, baseUrl, transport, clock } = this.#options;
      // A fresh one each time: a retry that carries the first attempt's is stale.
      const timestamp = String(Math.floor(clock() / 1000));
      const headers = {
        authorization: `Bearer ${apiKey}`,
        "content-type": "application/json",
        accept: "application/json",
        ...(this.#sign && {
          "x-affonso-timestamp": timestamp,
          "x-affonso-signature": toHex(await this.#sign(`${timestamp}.`, body)),
        }),
      };
      const response = await transport(`${baseUrl}${path}`, {
        method: "POST",
        headers,
        body,
        redirect: "manual",
        signal,
      });
      return classifyResponse(response, clock());
    } catch (error) {
      return classifyFailure(signal.aborted ? { name: "TimeoutError" } : error);
    }
  }
}
