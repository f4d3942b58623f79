/** Hash functions that a webhook HMAC may use, by their Web Crypto names. */
export type HmacHash = "SHA-256" | "SHA-512";

/** Computes the HMAC of the concatenated parts with one fixed key. */
export type HmacSigner = (...parts: readonly Uint8Array[]) => Promise<Uint8Array>;

/**
 * An HMAC function for one key. The key is imported once, at the first use.
 *
 * Web Crypto is used because it is the one implementation that Node, browsers and edge runtimes share.
 */
export function createHmac(hash: HmacHash, key: Uint8Array<ArrayBuffer>): HmacSigner {
  // The key and not its promise: on Workers, a promise of a request that was cancelled never ends.
  let imported: CryptoKey | undefined;
  return async (...parts) => {
    imported ??= await crypto.subtle.importKey("raw", key, { name: "HMAC", hash }, false, ["sign"]);
    return new Uint8Array(await crypto.subtle.sign("HMAC", imported, concat(parts)));
  };
}

/** Whether two byte strings are equal, in a time that depends on their lengths only. */
export function constantTimeEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let at = 0; at < a.length; at++) difference |= (a[at] ?? 0) ^ (b[at] ?? 0);
  return difference === 0;
}

/**
 * Whether any candidate is the HMAC of `parts` under any of the keys.
 *
 * All keys and all candidates are looked at, whichever matches, so that the time says nothing about them.
 */
export async function anyHmacMatches(
  signers: readonly HmacSigner[],
  parts: readonly Uint8Array[],
  candidates: readonly Uint8Array[],
): Promise<boolean> {
  let matches = false;
  for (const expected of await Promise.all(signers.map((sign) => sign(...parts)))) {
    for (const candidate of candidates) {
      if (constantTimeEqual(expected, candidate)) matches = true;
    }
  }
  return matches;
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
