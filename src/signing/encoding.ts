const utf8 = new TextEncoder();

/** UTF-8 bytes of a text. */
export function utf8Bytes(text: string): Uint8Array<ArrayBuffer> {
  return utf8.encode(text);
}

/** Lower-case hexadecimal text. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Bytes of a hexadecimal text, or undefined when it is anything but pairs of hex digits. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  // Buffer.from(text, "hex") would cut silently at the first wrong digit.
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at++) bytes[at] = (hexDigit(text, at * 2) << 4) | hexDigit(text, at * 2 + 1);
  return bytes;
}

/** The value of a digit: "0" to "9" end in their value, and "A" and "a", which have a bit more, in 1. */
function hexDigit(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return (code & 15) + (code >> 6) * 9;
}

/** Standard base64 text with padding. */
export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Bytes of a base64 text (standard alphabet, padding optional), or undefined when it is not base64. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  // atob would skip white space.
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/**
 * Bytes of a base64 text in its one proper spelling, or undefined. `atob` also takes a text without padding or with
 * other spare bits, and one signature should have one spelling.
 */
export function fromCanonicalBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = fromBase64(text);
  return bytes !== undefined && toBase64(bytes) === text ? bytes : undefined;
}
