import { defineConfig } from "tsup";

/** The subpaths of the package, and the file behind each. */
export const entry = {
  index: "src/index.ts",
  express: "src/http/express.ts",
  fetch: "src/http/fetch.ts",
  fastify: "src/http/fastify.ts",
  hono: "src/http/hono.ts",
  koa: "src/http/koa.ts",
  lambda: "src/http/lambda.ts",
  nest: "src/http/nest.ts",
  next: "src/http/next.ts",
  node: "src/http/node.ts",
  outbox: "src/outbox/index.ts",
  memory: "src/outbox/memory.ts",
  sqlite: "src/outbox/sqlite.ts",
  sandbox: "src/sandbox/index.ts",
  stripe: "adapters/stripe/index.ts",
  paddle: "adapters/paddle/index.ts",
  custom: "adapters/custom/index.ts",
};

export default defineConfig({
  // On Node, the core is another file with the same types: package.json has the condition.
  entry: { ...entry, "index-node": "src/index-node.ts" },
  format: ["esm", "cjs"],
  // The Standard Schema types are a few interfaces: inlined, so that they are nobody's dependency.
  dts: { entry, resolve: ["@standard-schema/spec"] },
  // Shared chunks in both formats: without them each CommonJS entry would carry its own copy of RelayError.
  splitting: true,
  target: "es2022",
  platform: "neutral",
  // Bundlers for edge runtimes and Deno know Node's own modules by their prefix only.
  removeNodeProtocol: false,
  // Only what is used of zod comes along, which loads much faster than zod itself; our types still speak of it.
  noExternal: ["zod"],
  external: [/^node:/, "better-sqlite3", "@nestjs/core"],
  esbuildOptions(options) {
    // All Nodes we support know them; without them, Node takes no JSON as a module.
    options.supported = { ...options.supported, "import-attributes": true };
  },
  clean: true,
});
