import type { Relay } from "affonso-relay";
import { createFetchHandler } from "affonso-relay/fetch";

interface UnderTest {
  readonly relay: Relay;
  readonly options: { readonly maxBodyBytes?: number | undefined };
}

/** The relay of the test that is running: the built app and the test share a process. */
export function handler(request: Request): Promise<Response> {
  const { relay, options } = Reflect.get(globalThis, Symbol.for("affonso-relay.under-test")) as UnderTest;
  return createFetchHandler(relay, undefined, options)(request);
}
