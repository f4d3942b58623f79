/** The built package, for the tests of it: its papers, its subpaths, its types and its tarball. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

interface Target {
  readonly types: string;
  /** Where it is not the same on Node. */
  readonly node?: string;
  readonly default: string;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, { readonly import: Target; readonly require: Target }>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

export const run = promisify(execFile);
export const root = fileURLToPath(new URL("../../", import.meta.url));
export const manifest: Manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** What can be imported: `.`, `./express` and so on. */
export const subpaths = Object.keys(manifest.exports).filter((path) => path !== "./package.json");

/** `./express` as an app writes it: `affonso-relay/express`. */
export function specifierOf(subpath: string): string {
  return `${manifest.name}${subpath.slice(1)}`;
}

/** The file of a subpath, with its whole path. */
export function fileOf(subpath: string, format: "import" | "require", what: keyof Target): string {
  const target = manifest.exports[subpath]?.[format][what];
  if (target === undefined) throw new Error(`package.json exports no ${what} of ${subpath} for ${format}`);
  return join(root, target);
}

interface Tarball {
  /** Bytes to download. */
  readonly size: number;
  /** Bytes on disk once it is installed. */
  readonly unpackedSize: number;
  /** What is in it, from its root. */
  readonly paths: readonly string[];
}

/** The file that `pack` leaves in a folder. */
export function tarballIn(folder: string): string {
  return join(folder, `${manifest.name}-${manifest.version}.tgz`);
}

/** Packs what is built, as `npm publish` would. */
export async function pack(into: string): Promise<Tarball> {
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", into];
  const { stdout } = await run("npm", args, { cwd: root });
  const packed = JSON.parse(stdout);
  // npm 11 answers a list, npm 12 a record by name.
  const [{ size, unpackedSize, files }] = Array.isArray(packed) ? packed : Object.values(packed);
  return { size, unpackedSize, paths: files.map(({ path }: { path: string }) => path) };
}
