import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { documentation } from "./api/documentation.js";
import { currentReports, keptReports, reportName } from "./api/reports.js";
import { root, specifierOf, subpaths } from "./built.js";

const UPDATE = "the public API is not what its report says: run npm run api:update and review the difference";

describe("the public API", () => {
  const { modules, strayTags } = documentation();
  const kept = keptReports();
  const current = currentReports();

  it.each(subpaths)("of %s is as reported", (subpath) => {
    const name = reportName(subpath);
    expect(current.get(name), UPDATE).toBe(kept.get(name));
  });

  it("has a report for each subpath and for nothing else", () => {
    expect([...kept.keys()].sort(), UPDATE).toEqual([...current.keys()].sort());
  });

  it("has no type of options that test/types/options.ts does not look at", () => {
    const checked = readFileSync(join(root, "test/types/options.ts"), "utf8");
    const declared = [...kept.values()].flatMap((report) => [...report.matchAll(/^export \w+ (\w+Options)\b/gm)]);
    const names = declared.map(([, name = ""]) => name);
    expect(names.length).toBeGreaterThan(15);
    expect(names.filter((name) => !checked.includes(`Refusing<${name}`))).toEqual([]);
  });

  it.each(subpaths.map(specifierOf))("has in %s the values that its types promise", async (specifier) => {
    expect(Object.keys(await import(specifier)).sort()).toEqual(modules.get(specifier)?.values);
  });

  it.each(subpaths.map(specifierOf))(
    "says of each export of %s, and of each of its members, what it is",
    (specifier) => {
      expect(modules.get(specifier)?.undocumented).toEqual([]);
    },
  );

  it("has no word in its comments that editors take for a tag", () => expect(strayTags).toEqual([]));
});
