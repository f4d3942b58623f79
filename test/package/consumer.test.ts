import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compile, install, runProgram } from "./app.js";
import { manifest, pack, root, run, specifierOf, subpaths } from "./built.js";

const fixtures = fileURLToPath(new URL("./consumer/", import.meta.url));

// The package and what it depends on are installed here for all apps, the apps' own packages beside each app.
const folder = mkdtempSync(join(tmpdir(), "affonso-relay-consumer-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** An app in a folder of its own, which has these of our own development packages beside what is installed. */
function makeApp(name: string, packages: Readonly<Record<string, string>>): string {
  const app = join(folder, name);
  for (const [as, developed] of Object.entries(packages)) {
    const link = join(app, "node_modules", as);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, "node_modules", developed), link, "junction");
  }
  mkdirSync(app, { recursive: true });
  return app;
}

// Checked as a whole, so that the types of no subpath need what an app does not have.
const everySubpath = subpaths.map((path, at) => `export * as subpath${at} from "${specifierOf(path)}";\n`).join("");

const worked = {
  answers: [200, 200, 401, "queued"],
  sales: ["evt_express 29", "evt_fetch 29"],
  isOneClass: true,
  codes: ["invalid_options", "invalid_options"],
};

describe("the package in somebody's app", { timeout: 120_000 }, () => {
  beforeAll(async () => {
    const { file } = await pack(folder);
    await install(folder, { [manifest.name]: `file:${file}` });
  }, 120_000);

  it("brings zod along and nothing else, and runs no script when it is installed", () => {
    const installed = readdirSync(join(folder, "node_modules")).filter((name) => !name.startsWith("."));
    expect(installed).toEqual(["affonso-relay", "zod"]);
    for (const name of installed) {
      const { scripts = {} } = JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8"));
      expect(Object.keys(scripts).filter((script) => /^(pre|post)?install$/.test(script))).toEqual([]);
      expect(readdirSync(join(folder, "node_modules", name))).not.toContain("binding.gyp");
    }
  });

  it("loads its subpaths, as ESM and as CommonJS, where no framework and no driver is installed; Nest's needs Nest", async () => {
    const subpathsThatFail = async (type: "module" | "commonjs", load: string) => {
      const specifiers = JSON.stringify(subpaths.map(specifierOf));
      const attempt = `try { ${load}; } catch (error) { console.log(each, error.message.split("'")[1]); }`;
      const script = `(async () => { for (const each of ${specifiers}) ${attempt} })()`;
      const { stdout } = await run(process.execPath, [`--input-type=${type}`, "--eval", script], { cwd: folder });
      return stdout.trim();
    };
    expect(await subpathsThatFail("module", "await import(each)")).toBe("affonso-relay/nest @nestjs/core");
    expect(await subpathsThatFail("commonjs", "require(each)")).toBe("affonso-relay/nest @nestjs/core");
  });

  it.each([
    { name: "node16", exact: true, options: { module: "node16" }, formats: ["mts", "cts"] },
    { name: "nodenext", exact: false, options: { module: "nodenext" }, formats: ["mts", "cts"] },
    { name: "bundler", exact: true, options: { module: "esnext", moduleResolution: "bundler" }, formats: ["mts"] },
  ])("compiles and runs with moduleResolution $name, exactOptionalPropertyTypes $exact", async (variant) => {
    const packages = { "@types/node": "@types/node", "@types/express": "@types/express", express: "express" };
    const app = makeApp(variant.name, packages);
    for (const format of variant.formats) {
      cpSync(join(fixtures, "program.ts"), join(app, `program.${format}`));
      writeFileSync(join(app, `all.${format}`), everySubpath);
    }
    const files = variant.formats.flatMap((format) => [`program.${format}`, `all.${format}`]);
    const exactOptionalPropertyTypes = variant.exact;
    await compile(app, files, { lib: ["ES2022"], exactOptionalPropertyTypes, ...variant.options });
    for (const format of variant.formats) {
      expect(await runProgram(app, `out/program.${format.replace("ts", "js")}`)).toEqual(worked);
    }
  });

  it("has types for the edge, without Node's", async () => {
    const app = makeApp("edge", {});
    cpSync(join(fixtures, "edge.ts"), join(app, "edge.mts"));
    const options = { module: "esnext", moduleResolution: "bundler", lib: ["ES2022", "DOM"], types: [] };
    await compile(app, ["edge.mts"], options);
    expect(await runProgram(app, "out/edge.mjs")).toEqual([401, 401, 200]);
  });

  it.each(["stripe", "stripe17"])(
    "takes what Stripe's SDK has signed and verified, installed here as %s",
    async (sdk) => {
      const app = makeApp(sdk, { "@types/node": "@types/node", stripe: sdk });
      for (const file of ["stripe.ts", "visit.ts"])
        cpSync(join(root, "test/package/frameworks", file), join(app, file));
      writeFileSync(join(app, "package.json"), '{ "type": "module" }');
      // The SDK's own types are not for us to check.
      await compile(app, ["stripe.ts"], { module: "nodenext", lib: ["ES2022"], skipLibCheck: true });
      const answers = await runProgram(app, "out/stripe.js");
      expect(answers).toEqual({ signed: "queued", tampered: "signature_invalid", verified: "duplicate" });
    },
  );
});
