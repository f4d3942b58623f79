import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compile, install, runProgram } from "./app.js";
import { manifest, pack, root } from "./built.js";

const fixtures = fileURLToPath(new URL("./frameworks/", import.meta.url));

const folder = mkdtempSync(join(tmpdir(), "affonso-relay-frameworks-"));
afterAll(() => rmSync(folder, { recursive: true }));

function nest(version: string, versions: { readonly fastify: string; readonly reflectMetadata: string }) {
  const dependencies = {
    "@nestjs/common": version,
    "@nestjs/core": version,
    "@nestjs/platform-express": version,
    "@nestjs/platform-fastify": versions.fastify,
    "reflect-metadata": versions.reflectMetadata,
    rxjs: "7.8.2",
  };
  const answers = { ...served, signed: [delivered, delivered], sales: ["evt_0 29", "evt_1 29"] };
  return { name: `Nest ${version}`, program: "nest", dependencies, prints: { express: answers, fastify: answers } };
}

const delivered = '200 {"received":true,"status":"delivered"}';

const served = {
  signed: [delivered],
  forged: '401 {"error":{"code":"signature_invalid"}}',
  echo: '201 {"of":"the app"}',
  afterClose: "relay_stopped",
  sales: ["evt_0 29"],
};

// The ends of the supported ranges that the suites of the frameworks do not run on.
const apps = [
  nest("10.0.0", { fastify: "10.0.0", reflectMetadata: "0.1.13" }),
  nest("12.5.1", { fastify: "12.5.0", reflectMetadata: "0.2.2" }),
  {
    name: "Hono 4.0.0",
    program: "hono",
    dependencies: { hono: "4.0.0", "@hono/node-server": "1.8.0" },
    prints: {
      ...served,
      // As the handler's advice says: it keeps no bytes of c.req.json() yet.
      signed: [delivered, delivered, expect.stringMatching(/^500 .*"code":"body_already_parsed"/)],
      echo: '200 {"of":"the app"}',
      sales: ["evt_0 29", "evt_1 29"],
    },
  },
];

describe("the package in an app on a framework's oldest or newest version", () => {
  let tarball: string;
  beforeAll(async () => {
    tarball = (await pack(folder)).file;
  });

  it.concurrent.each(apps)(
    "compiles and works with $name, as ESM and as CommonJS",
    async ({ name, program, dependencies, prints }) => {
      const app = join(folder, name.replace(" ", "-"));
      mkdirSync(app);
      await install(app, { ...dependencies, [manifest.name]: `file:${tarball}` });
      const formats = ["module", "commonjs"];
      for (const type of formats) {
        for (const file of [`${program}.ts`, "visit.ts"]) cpSync(join(fixtures, file), join(app, type, file));
        writeFileSync(join(app, type, "package.json"), JSON.stringify({ type }));
      }
      await compile(
        app,
        formats.map((type) => `${type}/${program}.ts`),
        {
          module: "nodenext",
          lib: ["ES2022"],
          exactOptionalPropertyTypes: true,
          // The frameworks' own types are not for us to check.
          skipLibCheck: true,
          // Beside the sources, where each package.json says the format.
          outDir: ".",
          typeRoots: [join(root, "node_modules", "@types")],
          types: ["node"],
        },
      );
      for (const type of formats) expect(await runProgram(app, `${type}/${program}.js`)).toEqual(prints);
    },
    180_000,
  );
});
