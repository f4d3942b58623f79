import type { IncomingMessage } from "node:http";

/** The largest body that is taken. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** All bytes of a body, or undefined when there are more than are taken. */
export async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Read to its end even when it is too large: a client that is cut off while it writes never sees the 413.
  for await (const chunk of request) {
    length += chunk.length;
    if (length <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return length <= MAX_BODY_BYTES ? Buffer.concat(chunks) : undefined;
}
