import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** Where no file is yet, in a folder of its own that is gone after the test. */
export function newPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "affonso-relay-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "outbox.db");
}
