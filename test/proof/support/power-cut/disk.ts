import type { Step } from "./trace.js";

type Change = Extract<Step, { kind: "write" | "truncate" }>;

/** What a drive writes whole or not at all. */
const SECTOR = 512;
const NOTHING = Buffer.alloc(0);

/** What a disk would hold if the power went now: what was flushed, and any part of what was written since. */
export class Disk {
  readonly #flushed = new Map<string, Buffer>();
  readonly #pending = new Map<string, Change[]>();

  take(step: Step): void {
    if (step.kind === "acknowledge") return;
    const { file } = step;
    if (step.kind === "remove") {
      this.#flushed.delete(file);
      this.#pending.delete(file);
    } else if (step.kind === "flush") {
      this.#flushed.set(file, changed(this.#flushed.get(file) ?? NOTHING, this.#pending.get(file) ?? []));
      this.#pending.delete(file);
    } else {
      const pending = this.#pending.get(file) ?? [];
      this.#pending.set(file, pending);
      pending.push(...(step.kind === "write" ? sectors(step) : [step]));
    }
  }

  /** The files after a power cut, by name. */
  image(random: () => number): Map<string, Buffer> {
    // From nothing to nearly all of it: half on the average.
    const share = random();
    const files = new Map<string, Buffer>();
    for (const file of new Set([...this.#flushed.keys(), ...this.#pending.keys()])) {
      const survivors = (this.#pending.get(file) ?? []).filter(() => random() < share);
      files.set(file, changed(this.#flushed.get(file) ?? NOTHING, survivors));
    }
    return files;
  }
}

function changed(content: Buffer, changes: readonly Change[]): Buffer {
  const ends = changes.map((change) => (change.kind === "truncate" ? change.size : change.offset + change.data.length));
  const result = Buffer.alloc(ends.reduce((a, b) => Math.max(a, b), content.length));
  content.copy(result);
  let size = content.length;
  for (const change of changes) {
    if (change.kind === "truncate") {
      result.fill(0, Math.min(size, change.size));
      size = change.size;
    } else {
      change.data.copy(result, change.offset);
      size = Math.max(size, change.offset + change.data.length);
    }
  }
  return result.subarray(0, size);
}

function sectors({ kind, file, offset, data }: Extract<Step, { kind: "write" }>): Change[] {
  const parts: Change[] = [];
  for (let at = 0; at < data.length; ) {
    const end = Math.min(data.length, at + SECTOR - ((offset + at) % SECTOR));
    parts.push({ kind, file, offset: offset + at, data: data.subarray(at, end) });
    at = end;
  }
  return parts;
}
