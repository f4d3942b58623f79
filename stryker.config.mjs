import { tmpdir } from "node:os";
import { join } from "node:path";

// What nothing forged gets in by, what nothing acknowledged is lost by, and what says whose money it is; and the tests that
// answer for each. A mutant of a constant is tried on all tests of its part, so a part has those alone that are about it.
const PARTS = {
  signing: { mutate: ["src/signing/*.ts"], tests: ["signing/*", "custom/*", "{paddle,stripe}/signature"] },
  endpoint: { mutate: ["src/endpoint/*.ts"], tests: ["endpoint/*", "core/{base-url,options}"] },
  worker: { mutate: ["src/outbox/worker.ts"], tests: ["outbox/worker*"] },
  stripe: { mutate: ["adapters/stripe/{disputes,events,refunds,sales}.ts"], tests: ["stripe/*"] },
  paddle: { mutate: ["adapters/paddle/events.ts"], tests: ["paddle/*"] },
};
const { PART } = process.env;
const parts = Object.entries(PARTS).flatMap(([name, part]) => (PART === undefined || PART === name ? [part] : []));
if (parts.length === 0) throw new Error(`there is no part ${PART}, but ${Object.keys(PARTS).join(", ")}`);

/** @type {import("@stryker-mutator/api/core").PartialStrykerOptions} */
export default {
  mutate: parts.flatMap(({ mutate }) => mutate),
  testRunner: "vitest",
  coverageAnalysis: "perTest",
  // What is not copied is not run.
  ignorePatterns: [
    "/{coverage,dist,examples}",
    "/test/{bench,frameworks,integration,package,proof,regression,types}",
    "/test/unit/**/*.test.ts",
    ...parts.flatMap(({ tests }) => tests.map((test) => `!/test/unit/${test}.test.ts`)),
    // Thousands of requests over a socket.
    "/test/unit/endpoint/header-injection.test.ts",
  ],
  // Outside the tree: what a run that was ended leaves behind is nothing that is linted, tested or packed.
  tempDirName: join(tmpdir(), "affonso-relay-mutation"),
  // Leaves room for other work; `--concurrency` gives it more.
  concurrency: 1,
  // A mutant that has no end is noticed by its steps. Time alone says little on a busy machine, and counts as noticed.
  timeoutMS: 10_000,
  reporters: ["clear-text", "html", "json"],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  htmlReporter: { fileName: "coverage/mutation.html" },
  jsonReporter: { fileName: "coverage/mutation.json" },
  thresholds: { high: 95, low: 90, break: 90 },
};
