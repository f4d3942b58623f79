import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BuiltFolder, buildIn } from "../helpers/built-app.js";
import { compile, install, runProgram } from "./app.js";
import { manifest, pack, root, run, specifierOf, subpaths, tarballIn } from "./built.js";

const fixtures = fileURLToPath(new URL("./consumer/", import.meta.url));

// The package and what it depends on are installed here for all apps, the apps' own packages beside each app.
let installed: BuiltFolder;
afterAll(() => installed?.remove());

/** An app in a folder of its own, which has these of our own development packages beside what is installed. */
async function makeApp(
  name: string,
  packages: Readonly<Record<string, string>>,
  build: (app: string) => Promise<void>,
): Promise<string> {
  const { folder } = await buildIn(installed.folder, name, async (app) => {
    for (const [as, developed] of Object.entries(packages)) {
      const link = join(app, "node_modules", as);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(root, "node_modules", developed), link, "junction");
    }
    await build(app);
  });
  return folder;
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
    installed = await buildIn(tmpdir(), "affonso-relay-consumer", async (folder) => {
      await pack(folder);
      await install(folder, { [manifest.name]: `file:${tarballIn(folder)}` });
    });
  }, 120_000);

  it("brings zod along and nothing else, and runs no script when it is installed", () => {
    const packages = join(installed.folder, "node_modules");
    const names = readdirSync(packages).filter((name) => !name.startsWith("."));
    expect(names).toEqual(["affonso-relay", "zod"]);
    for (const name of names) {
      const { scripts = {} } = JSON.parse(readFileSync(join(packages, name, "package.json"), "utf8"));
      expect(Object.keys(scripts).filter((script) => /^(pre|post)?install$/.test(script))).toEqual([]);
      expect(readdirSync(join(packages, name))).not.toContain("binding.gyp");
    }
  });

  it("loads its subpaths, as ESM and as CommonJS, where no framework and no driver is installed; Nest's needs Nest", async () => {
    const subpathsThatFail = async (type: "module" | "commonjs", load: string) => {
      const specifiers = JSON.stringify(subpaths.map(specifierOf));
      const attempt = `try { ${load}; } catch (error) { console.log(each, error.message.split("'")[1]); }`;
      const script = `(async () => { for (const each of ${specifiers}) ${attempt} })()`;
      const { stdout } = await run(process.execPath, [`--input-type=${type}`, "--eval", script], {
        cwd: installed.folder,
      });
      return stdout.trim();
    };
    expect(await subpathsThatFail("module", "await import(each)")).toBe("affonso-relay/nest @nestjs/core");
    expect(await subpathsThatFail("commonjs", "require(each)")).toBe("affonso-relay/nest @nestjs/core");
  });

  const variants = [
    { name: "node16", exact: true, options: { module: "node16" }, formats: ["mts", "cts"] },
    { name: "nodenext", exact: false, options: { module: "nodenext" }, formats: ["mts", "cts"] },
    { name: "bundler", exact: true, options: { module: "esnext", moduleResolution: "bundler" }, formats: ["mts"] },
  ];

  it.each(variants)(
    "compiles and runs with moduleResolution $name, exactOptionalPropertyTypes $exact",
    async ({ name, exact, options, formats }) => {
      const packages = { "@types/node": "@types/node", "@types/express": "@types/express", express: "express" };
      const app = await makeApp(name, packages, async (app) => {
        for (const format of formats) {
          cpSync(join(fixtures, "program.ts"), join(app, `program.${format}`));
          writeFileSync(join(app, `all.${format}`), everySubpath);
        }
        const files = formats.flatMap((format) => [`program.${format}`, `all.${format}`]);
        const all = { lib: ["ES2022"], exactOptionalPropertyTypes: exact, ...options };
        await compile(app, files, all, "lowest");
        await compile(app, files, all);
      });
      for (const format of formats) {
        expect(await runProgram(app, `out/program.${format.replace("ts", "js")}`)).toEqual(worked);
      }
    },
  );

  it("has types for the edge, without Node's", async () => {
    const app = await makeApp("edge", {}, async (app) => {
      cpSync(join(fixtures, "edge.ts"), join(app, "edge.mts"));
      const options = { module: "esnext", moduleResolution: "bundler", lib: ["ES2022", "DOM"], types: [] };
      await compile(app, ["edge.mts"], options);
    });
    expect(await runProgram(app, "out/edge.mjs")).toEqual([401, 401, 200]);
  });

  it.each(["stripe", "stripe17"])(
    "takes what Stripe's SDK has signed and verified, installed here as %s",
    async (sdk) => {
      const app = await makeApp(sdk, { "@types/node": "@types/node", stripe: sdk }, async (app) => {
        for (const file of ["stripe.ts", "visit.ts"]) {
          cpSync(join(root, "test/package/frameworks", file), join(app, file));
        }
        writeFileSync(join(app, "package.json"), '{ "type": "module" }');
        // The SDK's own types are not for us to check.
        await compile(app, ["stripe.ts"], { module: "nodenext", lib: ["ES2022"], skipLibCheck: true });
      });
      const answers = await runProgram(app, "out/stripe.js");
      expect(answers).toEqual({ signed: "queued", tampered: "signature_invalid", verified: "duplicate" });
    },
  );
});
