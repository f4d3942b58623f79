import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Recorded payloads that lie beside the project where it is developed; they are not ours to ship. */
export function sharedFixtures(provider: string): { file: string; payload: unknown }[] {
  const folder = new URL(`../../../shared/fixtures/${provider}/`, import.meta.url);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => ({ file, payload: JSON.parse(readFileSync(new URL(file, folder), "utf8")) }));
}
