import { execFile } from "node:child_process";
import { cp, mkdir, rename } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { NextServer } from "next/dist/server/next.js";
import { buildIn } from "../../helpers/built-app.js";

const run = promisify(execFile);
const here = fileURLToPath(new URL("./", import.meta.url));

/** Next.js sends nothing home and installs nothing, not even types that it misses (in CI it fails instead). */
const OFFLINE = { NEXT_TELEMETRY_DISABLED: "1", NEXT_IGNORE_INCORRECT_LOCKFILE: "1", CI: "1" };

/** An app that the real `next build` has built, and its server in this process. */
export interface NextApp {
  readonly handle: ReturnType<NextServer["getRequestHandler"]>;
  close(): Promise<void>;
}

/** Builds a copy of the fixture with one version of Next.js, so that what Next.js writes stays out of the way. */
export async function buildNextApp(version: "next" | "next15"): Promise<NextApp> {
  const parent = join(here, ".next");
  await mkdir(parent, { recursive: true });
  const { folder: dir, remove } = await buildIn(parent, version, async (folder) => {
    await cp(join(here, "fixture"), folder, { recursive: true });
    if (version === "next15") {
      await rename(join(folder, "proxy.ts"), join(folder, "middleware.ts"));
      // Next.js looks for itself below the name "next", and nowhere else.
      const alias = createRequire(import.meta.url).resolve("next15/package.json");
      await cp(join(alias, ".."), join(folder, "node_modules/next"), { recursive: true });
    }
    const next = createRequire(join(folder, "package.json")).resolve("next/dist/bin/next");
    const env = { ...process.env, ...OFFLINE, NODE_ENV: "production" } as const;
    await run(process.execPath, [next, "build", folder], { cwd: folder, env });
  });

  const next: (options: { dev: boolean; dir: string }) => NextServer = createRequire(join(dir, "package.json"))("next");
  const app = next({ dev: false, dir });
  await app.prepare();
  return {
    handle: app.getRequestHandler(),
    async close() {
      await app.close();
      remove();
    },
  };
}
