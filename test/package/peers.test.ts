import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { install } from "./app.js";
import { manifest, pack, root, run } from "./built.js";
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
  const folder = mkdtempSync(join(tmpdir(), "affonso-relay-peers-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  let tarball: string;
  beforeAll(async () => {
    tarball = (await pack(folder)).file;
  }, 60_000);

  /** Installs the package in an app that has packages of these names and versions. */
  async function installBeside(name: string, versions: Readonly<Record<string, string>>): Promise<string[]> {
    const app = join(folder, name);
    const dependencies: Record<string, string> = { [manifest.name]: `file:${tarball}` };
    for (const [peer, version] of Object.entries(versions)) {
      const path = join(app, "packages", peer);
      mkdirSync(join(path, "package"), { recursive: true });
      writeFileSync(join(path, "package", "package.json"), JSON.stringify({ name: peer, version }));
      // Packed: npm links folders, and takes links for less than installed.
      await run("tar", ["-czf", join(path, "packed.tgz"), "-C", path, "package"]);
      dependencies[peer] = `file:./packages/${peer}/packed.tgz`;
    }
    await install(app, dependencies);
    return readdirSync(join(app, "node_modules"));
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
      expect(await installBeside(versions, of)).toContain(manifest.name);
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
      const refused = await installBeside(`${peer} ${version}`, { [peer]: version }).catch((error: unknown) => error);
      expect(refused).toMatchObject({
        stderr: expect.stringMatching(
          new RegExp(`ERESOLVE[^]*peerOptional ${peer}@"${manifest.peerDependencies[peer]}"`),
        ),
      });
    },
    120_000,
  );
});

/** A version right below one. */
function below(version: string): string {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  if (patch > 0) return `${major}.${minor}.${patch - 1}`;
  return minor > 0 ? `${major}.${minor - 1}.999` : `${major - 1}.999.999`;
}
