import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isAtLeast } from "../../src/outbox/sqlite/driver.js";
import { type BuiltFolder, buildIn } from "../helpers/built-app.js";
import { compile, install, runProgram } from "./app.js";
import { manifest, pack, root, run, tarballIn } from "./built.js";
import { ends, lowestOf, servedByNest } from "./frameworks/ends.js";

interface Program {
  /** The file in `frameworks/`; a folder of that name goes with it. */
  readonly program: string;
  readonly prints: unknown;
}

const fixtures = fileURLToPath(new URL("./frameworks/", import.meta.url));

let packed: BuiltFolder;
beforeAll(async () => {
  packed = await buildIn(tmpdir(), "affonso-relay-frameworks", pack);
}, 60_000);
// Thousands of files, which a busy disk deletes slowly.
afterAll(() => packed?.remove(), 300_000);

// Next bundles what it serves, from ES modules.
const formatsOf = (program: string) => (program === "next" ? ["module"] : ["module", "commonjs"]);

/** An app that has the packed package installed beside these, and its programs compiled. */
async function prepare(name: string, dependencies: Readonly<Record<string, string>>, programs: readonly Program[]) {
  const { folder } = await buildIn(packed.folder, name, async (app) => {
    await install(app, { ...dependencies, [manifest.name]: `file:${tarballIn(packed.folder)}` });
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
    if (programs.some(({ program }) => program === "next")) await buildNext(app);
  });
  return folder;
}

/** It sends nothing home and installs nothing. */
function buildNext(app: string) {
  const env = { ...process.env, NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1", CI: "1" } as const;
  const next = join(app, "node_modules/next/dist/bin/next");
  return run(process.execPath, [next, "build"], { cwd: join(app, "module/next"), env });
}

async function expectToPrint(app: string, { program, prints }: Program, formats = formatsOf(program)) {
  for (const type of formats) expect(await runProgram(app, `${type}/${program}.js`)).toEqual(prints);
}

/** The lowest version of a peer's range that this Node can have. */
function lowestOn(peer: string): string {
  // Older ones can't be built for Node 22.
  return peer === "better-sqlite3" && isAtLeast(process.versions.node, 22, 0) ? "9.4.4" : lowestOf(peer);
}

/** Nodes with SQLite of their own leave the driver alone; for others it is fetched or built, quickly to be slow. */
async function buildDriver(app: string) {
  if (isAtLeast(process.versions.node, 22, 16)) return;
  const loads = run(process.execPath, ["--eval", 'new (require("better-sqlite3"))(":memory:")'], { cwd: app });
  if (await loads.catch(() => undefined)) return;
  // npm builds for the Node that it runs on.
  const PATH = `${dirname(process.execPath)}:${process.env["PATH"]}`;
  const env = { ...process.env, PATH, CFLAGS: "-O0", CXXFLAGS: "-O0" };
  await run("npm", ["rebuild", "better-sqlite3", "--ignore-scripts=false"], { cwd: app, env });
}

describe("the package in an app that has every optional peer in its lowest version", () => {
  const all = Object.entries(ends).map(([peer, end]) => ({ peer, version: lowestOn(peer), ...end }));
  const programs = all.filter(({ peer }) => peer !== "better-sqlite3");
  let app: string;

  beforeAll(async () => {
    const dependencies = Object.assign({}, ...programs.map(({ beside }) => beside));
    for (const { peer, version } of programs) dependencies[peer] = version;
    app = await prepare("lowest", dependencies, programs);
  }, 300_000);

  it.concurrent.each(programs)("works with $peer $version", (program) => expectToPrint(app, program), 300_000);

  // Alone, since it is built for one line of Nodes.
  it.concurrent.each(all.filter((program) => !programs.includes(program)))(
    "works with $peer $version",
    async ({ peer, version, ...driver }) => {
      const alone = await prepare(`${peer}-${version}`, { [peer]: version }, [driver]);
      await buildDriver(alone);
      await expectToPrint(alone, driver);
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
    const app = await prepare("nest", dependencies, [program]);
    // It is published as ES modules alone, which Node 22 could not require before 22.12.
    const canBeRequired = Reflect.get(process.features, "require_module") === true;
    await expectToPrint(app, program, canBeRequired ? ["module", "commonjs"] : ["module"]);
  }, 300_000);
});
