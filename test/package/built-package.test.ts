import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
const subpaths = Object.keys(manifest.exports).filter((path) => path !== "./package.json");
const specifierOf = (subpath: string) => `affonso-relay${subpath.slice(1)}`;

/** Runs a script in a process of its own, so that nothing but what it imports is loaded. */
async function evaluate(script: string, type: "module" | "commonjs"): Promise<string> {
  const { stdout } = await run(process.execPath, [`--input-type=${type}`, "--eval", script], { cwd: root });
  return stdout.trim();
}

describe("the built package", () => {
  it.each(subpaths)("loads %s alone, as ESM and as CommonJS, with the same exports", async (subpath) => {
    const specifier = JSON.stringify(specifierOf(subpath));
    const esm = await evaluate(`console.log(Object.keys(await import(${specifier})).sort().join())`, "module");
    const cjs = await evaluate(`console.log(Object.keys(require(${specifier})).sort().join())`, "commonjs");
    expect(esm).not.toBe("");
    expect(cjs).toBe(esm);
  });

  it("exports the public names, and nothing by accident", async () => {
    const names: Record<string, string[]> = {};
    for (const subpath of subpaths) names[subpath] = Object.keys(await import(specifierOf(subpath))).sort();
    expect(names).toEqual({
      ".": ["ERROR_CODES", "RelayError", "createRelay", "defineAdapter", "isRelayError"],
      "./express": ["captureRawBody", "createExpressHandler", "createExpressMiddleware"],
      "./fetch": ["createFetchHandler"],
      "./stripe": ["stripe", "stripeEvents"],
      "./paddle": ["paddle", "paddleEvents"],
      "./custom": [
        "RelayError",
        "basicAuth",
        "bearer",
        "bodyBytes",
        "custom",
        "fromMajorUnits",
        "headerOf",
        "hmacSha256",
        "hmacSha512",
        "isRelayError",
        "standardWebhooks",
        "staticHeader",
        "unsafeNoVerification",
      ],
      "./memory": ["memoryOutbox"],
      "./sqlite": ["sqliteOutbox"],
      "./sandbox": ["SANDBOX_API_KEY", "createSandbox"],
    });
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

  it("publishes dist and the papers, with nothing of the workshop", async () => {
    const { stdout } = await run("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: root });
    const packed = JSON.parse(stdout);
    const [{ files }] = Array.isArray(packed) ? packed : Object.values(packed);
    const paths: string[] = files.map(({ path }: { path: string }) => path);
    expect(paths.filter((path) => !path.startsWith("dist/")).sort()).toEqual([
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "package.json",
    ]);
    expect(paths.filter((path) => path.startsWith("dist/") && !/\.(js|cjs|d\.ts|d\.cts)$/.test(path))).toEqual([]);
  });

  it("has no install script and no dependency but zod", () => {
    expect(Object.keys(manifest.dependencies)).toEqual(["zod"]);
    expect(Object.keys(manifest.scripts).filter((name) => /install|prepare/.test(name))).toEqual([]);
  });

  it("points each export at files that exist", () => {
    const targets = subpaths.flatMap((subpath) =>
      Object.values(manifest.exports[subpath]).flatMap((to) => Object.values(to as object)),
    );
    expect(targets.length).toBe(subpaths.length * 4);
    expect(targets.filter((target) => !existsSync(new URL(`../../${target}`, import.meta.url)))).toEqual([]);
  });
});
