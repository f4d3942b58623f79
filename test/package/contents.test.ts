import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { manifest, pack, root, run, specifierOf, subpaths, tarballIn } from "./built.js";

const folder = mkdtempSync(join(tmpdir(), "affonso-relay-contents-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("what is published", () => {
  let tarball: Awaited<ReturnType<typeof pack>>;
  let files: ReadonlyMap<string, string>;
  beforeAll(async () => {
    tarball = await pack(folder);
    await run("tar", ["-xzf", tarballIn(folder), "-C", folder]);
    files = new Map(tarball.paths.map((path) => [path, readFileSync(join(folder, "package", path), "utf8")]));
  });
  const inDist = () => [...files].filter(([path]) => path.startsWith("dist/"));

  it("is what was built, and the papers", () => {
    const others = [...files.keys()].filter((path) => !/^dist\/[\w.-]+\.(js|cjs|d\.ts|d\.cts)$/.test(path));
    expect(others.sort()).toEqual(["CHANGELOG.md", "LICENSE", "README.md", "THIRD-PARTY-NOTICES.md", "package.json"]);
  });

  it("has for each subpath a module, a CommonJS one, and types for either", () => {
    for (const subpath of subpaths) {
      const { import: esm, require: cjs } = manifest.exports[subpath] ?? {};
      const name = subpath === "." ? "index" : subpath.slice(2);
      // Bundles for the others, and some of them, know Node's condition as well, and have not its HTTP client. In this order,
      // since the first condition that fits counts.
      const others = subpath === "." ? ["workerd", "worker", "edge-light", "browser", "bun", "deno"] : [];
      const targets = (types: string, extension: string) => [
        ["types", `./dist/${name}.${types}`],
        ...others.map((condition) => [condition, `./dist/index.${extension}`]),
        ...(subpath === "." ? [["node", `./dist/index-node.${extension}`]] : []),
        ["default", `./dist/${name}.${extension}`],
      ];
      expect(Object.entries({ ...esm })).toEqual(targets("d.ts", "js"));
      expect(Object.entries({ ...cjs })).toEqual(targets("d.cts", "cjs"));
    }
  });

  it("has every file that a subpath needs, and no other", () => {
    const needed = new Set<string>();
    const visit = (path: string): void => {
      if (needed.has(path)) return;
      needed.add(path);
      // Types name the code beside which they stand.
      const types = /\.d\.c?ts$/.exec(path)?.[0];
      for (const to of importsOf(files.get(path) ?? "").filter((each) => each.startsWith("./"))) {
        visit(`dist/${to.slice(2).replace(/\.c?js$/, (extension) => types ?? extension)}`);
      }
    };
    for (const subpath of subpaths) {
      const { import: esm, require: cjs } = manifest.exports[subpath] ?? {};
      for (const target of Object.values({ ...esm })) visit(target.slice(2));
      for (const target of Object.values({ ...cjs })) visit(target.slice(2));
    }
    expect([...needed].sort()).toEqual([...files.keys()].filter((path) => path.startsWith("dist/")).sort());
  });

  it("names no place of the machine it was built on, and no source map", () => {
    const filesWith = (fits: (text: string) => boolean) =>
      [...files].flatMap(([path, text]) => (fits(text) ? [path] : []));
    expect(filesWith((text) => text.includes(root))).toEqual([]);
    expect(filesWith((text) => /["'(](\/(home|root|Users|builds)\/|[A-Z]:\\|file:\/\/)/.test(text))).toEqual([]);
    expect(filesWith((text) => text.includes("sourceMappingURL="))).toEqual([]);
  });

  it("imports what it depends on, Node's own modules by their full names and, in its code, its optional peers", () => {
    const { dependencies, peerDependencies } = manifest;
    const strays = inDist().flatMap(([path, text]) => {
      const allowed = Object.keys(path.includes(".d.") ? dependencies : { ...dependencies, ...peerDependencies });
      const isAllowed = (to: string) =>
        /^(\.\/|node:)/.test(to) || allowed.some((name) => `${to}/`.startsWith(`${name}/`));
      return importsOf(text).filter((to) => !isAllowed(to));
    });
    expect(strays).toEqual([]);
  });

  it("is small", () => {
    const kilobytes = (bytes: number) => Math.round(bytes / 1024);
    console.info(`tarball ${kilobytes(tarball.size)} KiB, installed ${kilobytes(tarball.unpackedSize)} KiB`);
    expect(kilobytes(tarball.size)).toBeLessThan(512);
    expect(kilobytes(tarball.unpackedSize)).toBeLessThan(3072);
  });
});

describe("an app's bundle", () => {
  /** What esbuild makes of a module: its bytes without zod and Node's modules. */
  async function bundle(contents: string): Promise<number> {
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: root, loader: "js" },
      bundle: true,
      minify: true,
      write: false,
      format: "esm",
      platform: "neutral",
      external: ["zod", "zod/*", "node:*", ...Object.keys(manifest.peerDependencies)],
      logLevel: "error",
    });
    return outputFiles[0]?.contents.byteLength ?? 0;
  }

  it.each(subpaths)("has nothing of %s where it is imported for nothing", async (subpath) => {
    expect(await bundle(`import "${specifierOf(subpath)}"; import * as unused from "${specifierOf(subpath)}";`)).toBe(
      0,
    );
  });

  it("has no adapter, no sandbox and no outbox that it does not use", async () => {
    const relay = await bundle(`export { createRelay } from "affonso-relay";`);
    const all = await bundle(
      subpaths.map((path, at) => `export * as all${at} from "${specifierOf(path)}";`).join("\n"),
    );
    console.info(`createRelay ${Math.round(relay / 1024)} KiB, everything ${Math.round(all / 1024)} KiB, minified`);
    expect(relay).toBeLessThan(all / 2);
  });
});

/** What a file imports, also when it is asked to. */
function importsOf(text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
}
