import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { anyHmacMatches, constantTimeEqual } from "../../src/signing/hmac.js";
import { isFull, printFigures, seededRandom } from "./support/network/figures.js";

type Equal = (a: Uint8Array, b: Uint8Array) => boolean;

/** What a comparison must not be: it is done as soon as it knows. */
const earlyExit: Equal = (a, b) => {
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return a.length === b.length;
};

/** Bytes that count how often each of them is read. */
function watched(bytes: Uint8Array): { bytes: Uint8Array; reads: number[] } {
  const reads = Array.from(bytes, () => 0);
  const get = (target: Uint8Array, key: string | symbol): unknown => {
    const at = Number(key);
    if (Number.isInteger(at)) reads[at] = (reads[at] ?? 0) + 1;
    return Reflect.get(target, key);
  };
  return { bytes: new Proxy(bytes, { get }), reads };
}

/** How often each byte of either side is read when one bit differs, by the place of the difference. */
function readsOf(equal: Equal): string[] {
  const secret = randomBytes(32);
  return [undefined, 0, 15, 31].map((differsAt) => {
    const other = Uint8Array.from(secret);
    if (differsAt !== undefined) other[differsAt] = (other[differsAt] ?? 0) ^ 1;
    const [a, b] = [watched(secret), watched(other)];
    expect(equal(a.bytes, b.bytes)).toBe(differsAt === undefined);
    return JSON.stringify([a.reads, b.reads]);
  });
}

describe("the comparison of a signature", () => {
  it("reads every byte of both once, wherever they differ", () => {
    const once = Array.from({ length: 32 }, () => 1);
    expect(new Set(readsOf(constantTimeEqual))).toEqual(new Set([JSON.stringify([once, once])]));
  });

  it("would be found out if it stopped where it knows", () => {
    expect(new Set(readsOf(earlyExit)).size).toBeGreaterThan(1);
  });

  it("looks at every candidate under every key, also behind one that matches", async () => {
    const keys = [randomBytes(32), randomBytes(32)];
    const right = keys[0] ?? randomBytes(32);
    for (const place of [0, 1, 2, undefined]) {
      const candidates = [0, 1, 2].map((at) => watched(at === place ? right : randomBytes(32)));
      const bytes = candidates.map((candidate) => candidate.bytes);
      const signers = keys.map((key) => async () => key);
      expect(await anyHmacMatches(signers, [], bytes)).toBe(place !== undefined);
      for (const { reads } of candidates) expect(new Set(reads)).toEqual(new Set([keys.length]));
    }
  });
});

const MEASUREMENTS = 1_000_000;
const PER_MEASUREMENT = 50;
/** Beyond it, the two classes differ: https://github.com/oreparaz/dudect */
const THRESHOLD = 4.5;

/**
 * Welch's t of the times that a comparison takes with a candidate which is right in all bytes but the last one, and with
 * one that is wrong in all of them. The classes take turns at random; what lies above the 90th percentile is the machine.
 */
function timingOf(equal: Equal): number {
  const random = seededRandom(0xd0dec7);
  const secret = Uint8Array.from(randomBytes(32));
  const close = Uint8Array.from(secret, (byte, at) => (at === 31 ? byte ^ 1 : byte));
  const far = Uint8Array.from(secret, (byte) => byte ^ 0xff);
  // One buffer for both classes, so that neither has a place in memory of its own.
  const candidate = new Uint8Array(32);
  const classes = new Uint8Array(MEASUREMENTS);
  const times = new Float64Array(MEASUREMENTS);
  let matches = 0;
  for (let run = 0; run < MEASUREMENTS; run++) {
    const isClose = random() < 0.5;
    candidate.set(isClose ? close : far);
    const begun = process.hrtime.bigint();
    for (let again = 0; again < PER_MEASUREMENT; again++) if (equal(secret, candidate)) matches++;
    times[run] = Number(process.hrtime.bigint() - begun);
    classes[run] = isClose ? 1 : 0;
  }
  expect(matches).toBe(0);
  const cut = Float64Array.from(times).sort()[Math.floor(MEASUREMENTS * 0.9)] ?? 0;
  return welch([0, 1].map((of) => times.filter((time, run) => classes[run] === of && time <= cut && run > 10_000)));
}

function welch(samples: readonly Float64Array[]): number {
  const [a, b] = samples.map((sample) => {
    const mean = sample.reduce((sum, time) => sum + time, 0) / sample.length;
    const variance = sample.reduce((sum, time) => sum + (time - mean) ** 2, 0) / (sample.length - 1);
    return { mean, error: variance / sample.length };
  });
  return a === undefined || b === undefined ? Number.NaN : (b.mean - a.mean) / Math.sqrt(a.error + b.error);
}

// Time is no witness on a machine that others share: only the full size asks for it.
if (isFull) {
  it("takes as long, however much of a signature is right", { timeout: 600_000 }, () => {
    const t = { constantTimeEqual: timingOf(constantTimeEqual), earlyExit: timingOf(earlyExit) };
    printFigures("F9 timing", {
      measurements: MEASUREMENTS,
      comparisonsEach: PER_MEASUREMENT,
      threshold: THRESHOLD,
      t,
    });
    expect(Math.abs(t.earlyExit)).toBeGreaterThan(THRESHOLD);
    expect(Math.abs(t.constantTimeEqual)).toBeLessThan(THRESHOLD);
  });
}
