import { bodyTooLarge } from "./body-errors.js";

/**
 * A body as it comes in. One buffer, not a list of chunks: whoever sends a byte at a time would have each of them kept in
 * an object some hundred times its size.
 */
export class ByteBuffer {
  readonly #maxBytes: number;
  #bytes = new Uint8Array(4096);
  #size = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @throws RelayError `body_too_large` */
  append(chunk: Uint8Array): void {
    const size = this.#size + chunk.byteLength;
    if (size > this.#maxBytes) throw bodyTooLarge(this.#maxBytes);
    if (size > this.#bytes.byteLength) {
      const larger = new Uint8Array(Math.min(Math.max(size, this.#bytes.byteLength * 2), this.#maxBytes));
      larger.set(this.#bytes.subarray(0, this.#size));
      this.#bytes = larger;
    }
    this.#bytes.set(chunk, this.#size);
    this.#size = size;
  }

  /** All bytes so far, in a buffer that holds nothing else. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#size);
  }
}
