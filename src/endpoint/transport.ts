import type { EndpointResponse } from "./outcome.js";

/** A request as fetch takes it. */
export interface EndpointRequest {
  readonly method: "POST";
  /** Nobody else's: the app's own fetch may add to them. */
  readonly headers: Record<string, string>;
  readonly body: Uint8Array<ArrayBuffer>;
  /** A followed redirect would hand the signature and the body to whoever answers there. */
  readonly redirect: "manual";
  /** Ends the request, and with it the reading of the answer. */
  readonly signal: AbortSignal;
}

/** Makes one request, and reads no more of the answer than {@link MAX_RESPONSE_BYTES}. Throws where there is none. */
export type Transport = (url: string, request: EndpointRequest) => Promise<EndpointResponse>;

/** What a transport has to know of where it sends to. */
export interface TransportTarget {
  readonly baseUrl: string;
  readonly allowPrivateNetwork: boolean;
}

/** An answer is a small JSON object; more than this is somebody else's page. */
export const MAX_RESPONSE_BYTES = 64 * 1024;

/** By the app's own fetch, or by the runtime's where there is no other way. */
export function fetchTransport(fetch: typeof globalThis.fetch): Transport {
  return async (url, request) => {
    const { status, headers, body } = await fetch(url, request);
    return { status, headers, body: await readText(body) };
  };
}

async function readText(body: Response["body"]): Promise<string> {
  const reader = body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for (let chunk = await reader?.read(); chunk?.value; chunk = await reader?.read()) {
    size += chunk.value.byteLength;
    if (size > MAX_RESPONSE_BYTES) {
      await reader?.cancel();
      return text;
    }
    text += decoder.decode(chunk.value, { stream: true });
  }
  return text + decoder.decode();
}
