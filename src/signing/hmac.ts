import { utf8Bytes } from "./encoding.js";

/** Hash functions that a webhook HMAC may use, by their Web Crypto names. */
export type HmacHash = "SHA-256" | "SHA-512";

/** Computes the HMAC of the concatenated parts with one fixed key; text counts as UTF-8. */
export type HmacSigner = (...parts: readonly (Uint8Array | string)[]) => Uint8Array | Promise<Uint8Array>;

/**
 * An HMAC function for one key.
 *
 * Web Crypto is what all runtimes share, but it takes ten times as long for a webhook, most of it on the way to another
 * thread and back; Node's own is used wherever it can be had. It is asked for and not imported: an import would keep the
 * kit out of runtimes without Node.
 *
 * @see https://nodejs.org/api/process.html#processgetbuiltinmoduleid since Node 20.16 and 22.3
 */
export function createHmac(hash: HmacHash, key: Uint8Array<ArrayBuffer>): HmacSigner {
  const node = nodeCrypto();
  if (node === undefined) return createWebHmac(hash, key);
  const nodeHash = hash.replace("-", "");
  return (...parts) => {
    const hmac = node.createHmac(nodeHash, key);
    for (const part of parts) hmac.update(part);
    return hmac.digest();
  };
}

function nodeCrypto(): typeof import("node:crypto") | undefined {
  try {
    return globalThis.process?.getBuiltinModule?.("node:crypto");
  } catch {
    // Next.js's Edge Runtime has a process that throws when it is asked for anything of Node.
    return undefined;
  }
}

/** The key is imported once, at the first use. */
function createWebHmac(hash: HmacHash, key: Uint8Array<ArrayBuffer>): HmacSigner {
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
  parts: readonly (Uint8Array | string)[],
  candidates: readonly Uint8Array[],
): Promise<boolean> {
  let matches = false;
  for (const sign of signers) {
    const expected = await sign(...parts);
    for (const candidate of candidates) {
      if (constantTimeEqual(expected, candidate)) matches = true;
    }
  }
  return matches;
}

function concat(parts: readonly (Uint8Array | string)[]): Uint8Array<ArrayBuffer> {
  const pieces = parts.map((part) => (typeof part === "string" ? utf8Bytes(part) : part));
  const joined = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}
