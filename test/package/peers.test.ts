import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BuiltFolder, buildIn } from "../helpers/built-app.js";
import { install } from "./app.js";
import { manifest, pack, root, run, tarballIn } from "./built.js";
import { ends, lowestOf } from "./frameworks/ends.js";

const peers = Object.keys(manifest.peerDependencies);

describe("optional peers", () => {
  it("are optional, all of them", () => {
    expect(peers.filter((name) => manifest.peerDependenciesMeta[name]?.optional !== true)).toEqual([]);
    expect(Object.keys(manifest.peerDependenciesMeta)).toEqual(peers);
  });

  it("are run by a test at both ends of their ranges, none without", () => {
    expect(Object.keys(ends)).toEqual(peers);
    // framework-versions.test.ts runs each program on the lowest version.
    for (const peer of peers) expect(lowestOf(peer)).toMatch(/^\d/);
    const untested = Object.entries(ends).filter(([peer, { newest, through = peer }]) => {
      const imports = readFileSync(join(root, "test", newest), "utf8").includes(`"${through}"`);
      return !imports || manifest.devDependencies[peer] === undefined;
    });
    expect(untested).toEqual([]);
  });
});

// npm refuses to install a package beside a version that its optional peers exclude (ERESOLVE), also where the app has
// that version for something else.
describe("npm", () => {
  let packed: BuiltFolder;
  beforeAll(async () => {
    packed = await buildIn(tmpdir(), "affonso-relay-peers", pack);
  }, 60_000);
  afterAll(() => packed?.remove());

  /** Installs the package in an app that has packages of these names and versions. */
  async function installBeside(name: string, versions: Readonly<Record<string, string>>) {
    const { folder } = await buildIn(packed.folder, name, async (app) => {
      const dependencies: Record<string, string> = { [manifest.name]: `file:${tarballIn(packed.folder)}` };
      for (const [peer, version] of Object.entries(versions)) {
        const path = join(app, "packages", peer);
        mkdirSync(join(path, "package"), { recursive: true });
        writeFileSync(join(path, "package", "package.json"), JSON.stringify({ name: peer, version }));
        // Packed: npm links folders, and takes links for less than installed.
        await run("tar", ["-czf", join(path, "packed.tgz"), "-C", path, "package"]);
        dependencies[peer] = `file:./packages/${peer}/packed.tgz`;
      }
      const refused = await install(app, dependencies).then(
        () => "",
        ({ stderr }: { stderr: string }) => stderr,
      );
      writeFileSync(join(app, "refused"), refused);
    });
    return { refused: readFileSync(join(folder, "refused"), "utf8"), packages: packagesIn(folder) };
  }
  const every = (versionOf: (peer: string) => string) =>
    Object.fromEntries(peers.map((peer) => [peer, versionOf(peer)]));

  // The lowest versions themselves are installed by framework-versions.test.ts.
  it.each([
    { versions: "the newest versions that are tested", of: every((peer) => manifest.devDependencies[peer] ?? "") },
    { versions: "versions of a far future", of: every(() => "1000.0.0") },
  ])(
    "installs the package beside $versions",
    async ({ versions, of }) => {
      const { refused, packages } = await installBeside(versions.replaceAll(" ", "-"), of);
      expect([refused, packages]).toEqual(["", expect.arrayContaining([manifest.name])]);
    },
    60_000,
  );

  // A prerelease is outside of every range but "*".
  it.concurrent.each(
    peers.flatMap((peer) => [
      { peer, version: below(lowestOf(peer)) },
      ...(peer === "next" ? [{ peer, version: "1000.0.0-canary.1" }] : []),
    ]),
  )(
    "says that $peer $version is not supported",
    async ({ peer, version }) => {
      const { refused } = await installBeside(`${peer.replace("/", "-")}-${version}`, { [peer]: version });
      expect(refused).toMatch(new RegExp(`ERESOLVE[^]*peerOptional ${peer}@"${manifest.peerDependencies[peer]}"`));
    },
    120_000,
  );
});

/** What is installed in an app, if anything. */
function packagesIn(app: string): string[] {
  const packages = join(app, "node_modules");
  return existsSync(packages) ? readdirSync(packages) : [];
}

/** A version right below one. */
function below(version: string): string {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  if (patch > 0) return `${major}.${minor}.${patch - 1}`;
  return minor > 0 ? `${major}.${minor - 1}.999` : `${major - 1}.999.999`;
}
