import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Where no file is yet, in a folder of its own that is gone after the tests of the file. */
export function newPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "affonso-relay-"));
  folders.push(folder);
  return join(folder, "outbox.db");
}
