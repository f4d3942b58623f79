/** `npm run example koa`: starts the example of this name. */
import { existsSync, readdirSync } from "node:fs";

const examples = new URL("../", import.meta.url);
const [, , name = ""] = process.argv;
const main = new URL(`${name}/main.ts`, examples);

if (/^[\w-]+$/.test(name) && existsSync(main)) {
  await import(main.href);
} else {
  const names = readdirSync(examples).filter((folder) => existsSync(new URL(`${folder}/main.ts`, examples)));
  console.error(`which example? npm run example ${names.join("|")}`);
  process.exitCode = 2;
}
