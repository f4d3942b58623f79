import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { root, run, specifierOf, subpaths } from "./built.js";

/** Runs a script in a process of its own, so that nothing but what it imports is loaded. */
async function evaluate(script: string, type: "module" | "commonjs"): Promise<string> {
  const { stdout } = await run(process.execPath, [`--input-type=${type}`, "--eval", script], { cwd: root });
  return stdout.trim();
}

/** All that a module could leave behind: globals, additions to the prototypes, listeners, timers, and output. */
const LOOK_AROUND = `() => JSON.stringify([
  ...[globalThis, Object.prototype, Array.prototype, Function.prototype, Promise.prototype].map(Reflect.ownKeys),
  process.eventNames().map((name) => [name, process.listenerCount(name)]),
  process.getActiveResourcesInfo(),
], (_, value) => typeof value === "symbol" ? String(value) : value)`;

describe("the built package", () => {
  it.each(subpaths)("loads %s alone, as ESM and as CommonJS, with the same exports", async (subpath) => {
    const specifier = JSON.stringify(specifierOf(subpath));
    const esm = await evaluate(`console.log(Object.keys(await import(${specifier})).sort().join())`, "module");
    const cjs = await evaluate(`console.log(Object.keys(require(${specifier})).sort().join())`, "commonjs");
    expect(esm).not.toBe("");
    expect(cjs).toBe(esm);
  });

  it.each(subpaths)("leaves nothing behind when it loads %s, as sideEffects in package.json says", async (subpath) => {
    // What others leave is theirs.
    const others = ["zod/mini", ...(subpath === "./nest" ? ["@nestjs/core"] : [])];
    const lines = [
      `for (const each of ${JSON.stringify(others)}) require(each);`,
      `const look = ${LOOK_AROUND};`,
      "const before = look();",
      `require(${JSON.stringify(specifierOf(subpath))});`,
      'console.log([before, look()].join("\\n"));',
    ];
    const [before, ...after] = (await evaluate(lines.join("\n"), "commonjs")).split("\n");
    expect(after).toEqual([before]);
  });

  it("has one RelayError for all CommonJS subpaths, and knows the ESM one's errors by their brand", async () => {
    const require = createRequire(import.meta.url);
    const { RelayError, isRelayError } = require("affonso-relay");
    const { custom, RelayError: sameClass } = require("affonso-relay/custom");
    expect(sameClass).toBe(RelayError);
    expect(() => custom({})).toThrow(RelayError);
    const esm = await import("affonso-relay");
    const foreign = new esm.RelayError("signature_invalid", "made by the other copy");
    expect(foreign).not.toBeInstanceOf(RelayError);
    expect(isRelayError(foreign)).toBe(true);
  });
});
