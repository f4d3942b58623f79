import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { install } from "./app.js";
import { manifest, pack } from "./built.js";

describe("optional peers", () => {
  const folder = mkdtempSync(join(tmpdir(), "affonso-relay-peers-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const peers = Object.keys(manifest.peerDependencies);

  it("are optional, all of them", () => {
    expect(peers.filter((name) => manifest.peerDependenciesMeta[name]?.optional !== true)).toEqual([]);
  });

  // npm refuses to install a package beside a version that its optional peers exclude (ERESOLVE), also where the app has
  // that version for something else. A prerelease is outside of every range but "*".
  it.each(["0.0.1", "1000.0.0", "1000.0.0-rc.1"])(
    "let an app install the package that has them in %s",
    async (version) => {
      const app = join(folder, version);
      const dependencies: Record<string, string> = {};
      for (const name of peers) {
        const path = join(app, "packages", name);
        mkdirSync(path, { recursive: true });
        writeFileSync(join(path, "package.json"), JSON.stringify({ name, version }));
        dependencies[name] = `file:./packages/${name}`;
      }
      const { file } = await pack(folder);
      dependencies[manifest.name] = `file:${file}`;
      await install(app, dependencies);
      expect(readdirSync(join(app, "node_modules"))).toContain(manifest.name);
    },
    60_000,
  );
});
