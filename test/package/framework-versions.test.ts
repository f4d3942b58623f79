import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isAtLeast } from "../../src/outbox/sqlite/driver.js";
import { compile, install, runProgram } from "./app.js";
import { manifest, pack, root, run } from "./built.js";
import { ends, lowestOf, servedByNest } from "./frameworks/ends.js";

interface Program {
  /** The file in `frameworks/`; a folder of that name goes with it. */
  readonly program: string;
  readonly prints: unknown;
}

const fixtures = fileURLToPath(new URL("./frameworks/", import.meta.url));

const folder = mkdtempSync(join(tmpdir(), "affonso-relay-frameworks-"));
let tarball: string;
beforeAll(async () => {
  tarball = (await pack(folder)).file;
}, 60_000);
// Thousands of files, which a busy disk deletes slowly.
afterAll(() => rmSync(folder, { recursive: true }), 300_000);

// Next bundles what it serves, from ES modules.
const formatsOf = (program: string) => (program === "next" ? ["module"] : ["module", "commonjs"]);

/** Installs the packed package beside these, and compiles the programs. */
async function prepare(name: string, dependencies: Readonly<Record<string, string>>, programs: readonly Program[]) {
  const app = join(folder, name);
  mkdirSync(app);
  await install(app, { ...dependencies, [manifest.name]: `file:${tarball}` });
  for (const { program } of programs) {
    for (const type of formatsOf(program)) {
      const files = [`${program}.ts`, "visit.ts", program].filter((file) => existsSync(join(fixtures, file)));
      for (const file of files) cpSync(join(fixtures, file), join(app, "src", type, file), { recursive: true });
      mkdirSync(join(app, type), { recursive: true });
      // Both the compiler and Node ask it for the format.
      for (const at of ["src", "."]) writeFileSync(join(app, at, type, "package.json"), JSON.stringify({ type }));
    }
  }
  const sources = readdirSync(join(app, "src"), { encoding: "utf8", recursive: true });
  const files = sources.filter((file) => file.endsWith(".ts")).map((file) => join("src", file));
  await compile(app, files, {
    module: "nodenext",
    lib: ["ES2022"],
    exactOptionalPropertyTypes: true,
    // The frameworks' own types are not for us to check.
    skipLibCheck: true,
    rootDir: "src",
    outDir: ".",
    typeRoots: [join(root, "node_modules", "@types")],
    types: ["node"],
  });
  return app;
}

async function expectToPrint(app: string, { program, prints }: Program) {
  for (const type of formatsOf(program)) expect(await runProgram(app, `${type}/${program}.js`)).toEqual(prints);
}

/** What it takes, for some peers, before their programs can run. */
const builds: Readonly<Record<string, (app: string) => Promise<unknown>>> = {
  /** Nodes with SQLite of their own leave the driver alone; for others it is fetched or built, quickly to be slow. */
  async "better-sqlite3"(app) {
    if (isAtLeast(process.versions.node, 22, 16)) return;
    const env = { ...process.env, CFLAGS: "-O0", CXXFLAGS: "-O0" };
    await run("npm", ["rebuild", "better-sqlite3", "--ignore-scripts=false"], { cwd: app, env });
  },
  /** It sends nothing home and installs nothing. */
  next(app) {
    const env = { ...process.env, NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1", CI: "1" } as const;
    return run(process.execPath, [join(app, "node_modules/next/dist/bin/next"), "build"], {
      cwd: join(app, "module/next"),
      env,
    });
  },
};

describe("the package in an app that has every optional peer in its lowest version", () => {
  const programs = Object.entries(ends).map(([peer, end]) => ({ peer, label: `${peer} ${lowestOf(peer)}`, ...end }));
  let app: string;

  beforeAll(async () => {
    const dependencies = Object.assign({}, ...programs.map(({ beside }) => beside));
    for (const { peer } of programs) dependencies[peer] = lowestOf(peer);
    app = await prepare("lowest", dependencies, programs);
  }, 300_000);

  it.concurrent.each(programs)(
    "works with $label",
    async (program) => {
      await builds[program.peer]?.(app);
      await expectToPrint(app, program);
    },
    300_000,
  );
});

describe("the package in an app on a framework that is newer than devDependencies have it", () => {
  it("works with Nest 12.5.1", async () => {
    const version = "12.5.1";
    const dependencies = {
      "@nestjs/common": version,
      "@nestjs/core": version,
      "@nestjs/platform-express": version,
      "@nestjs/platform-fastify": "12.5.0",
      "reflect-metadata": "0.2.2",
      rxjs: "7.8.2",
    };
    const program = { program: "nest", prints: servedByNest };
    await expectToPrint(await prepare("nest", dependencies, [program]), program);
  }, 300_000);
});
