import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import type { Reporter, TestModule } from "vitest/node";

/** Prints the totals alone on the last line, for CI systems that read plain text. */
const totals: Reporter = {
  onTestRunEnd(modules: readonly TestModule[]) {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string) => tests.filter((test) => test.result().state === state).length;
    const broken = modules.filter((module) => module.state() === "failed" && module.errors().length > 0).length;
    console.log(`\n${count("passed")} passed, ${count("failed") + broken} failed, ${count("skipped")} skipped`);
  },
};

// Frameworks that put something else in the place of a global. All other files leave the process as they found it, so they
// share one, and load what they test once.
const alone = ["test/frameworks/{astro,hono,next,next15,sveltekit}.test.ts", "test/package/readme/*.test.ts"];

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: "sharing", include: ["test/**/*.test.ts"], exclude: alone, isolate: false } },
      { extends: true, test: { name: "alone", include: alone } },
    ],
    reporters: ["default", totals],
    restoreMocks: true,
    // Many tests wait for a process of their own, and leave their core to others meanwhile.
    maxWorkers: 2 * availableParallelism(),
    // A bound for what hangs; no test judges time.
    testTimeout: 30_000,
    // Measured by `npm run coverage`, and by `npm test`. What runs in processes of its own, or from dist, is not counted.
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts", "adapters/**/*.ts"],
      reporter: ["text-summary"],
      thresholds: Object.fromEntries(["src/**", "adapters/**"].map((part) => [part, { lines: 95, branches: 95 }])),
    },
  },
});
