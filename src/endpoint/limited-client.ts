import { EndpointClient, type EndpointClientOptions } from "./client.js";
import { isEndpointAnswer } from "./outcome.js";

/** A client that hears what the endpoint says of its rate limit, for whoever has a backlog to pace. */
export class LimitedClient extends EndpointClient {
  #limitPerMinute: number | undefined;

  constructor({ transport, ...options }: EndpointClientOptions) {
    super({
      ...options,
      transport: async (url, request) => {
        const response = await transport(url, request);
        const limit = Number(response.headers.get("x-ratelimit-limit"));
        // A proxy in between has limits of its own.
        if (Number.isInteger(limit) && limit > 0 && isEndpointAnswer(response.body)) this.#limitPerMinute = limit;
        return response;
      },
    });
  }

  /** Requests a minute that the endpoint last said it allows; undefined before its first word. */
  get limitPerMinute(): number | undefined {
    return this.#limitPerMinute;
  }
}
