import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { sandboxForTests } from "../helpers/relay.js";
import { invoicePaid, STRIPE_SECRET, stripeSignature } from "../helpers/webhooks.js";

/** What promises to run without Node. */
const SPECIFIERS = ["", "/fetch", "/hono", "/stripe", "/paddle", "/custom", "/memory"].map(
  (subpath) => `affonso-relay${subpath}`,
);
const CONDITIONS = ["workerd", "worker", "edge-light", "browser"];

/** What the kit needs beside the language: all that the context of these tests has. */
const WEB_GLOBALS = {
  AbortController,
  AbortSignal,
  DOMException,
  Headers,
  ReadableStream,
  Request,
  Response,
  TextDecoder,
  TextEncoder,
  URL,
  clearTimeout,
  console,
  crypto,
  fetch,
  performance,
  setTimeout,
};

const resolveDir = fileURLToPath(new URL("../../", import.meta.url));

/** One script that leaves what `code` exports in the variable `kit`. Fails where an import can't be put into it. */
async function bundle(code: string, condition: string): Promise<{ text: string; imports: string[] }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir },
    bundle: true,
    platform: "browser",
    conditions: [condition],
    format: "iife",
    globalName: "kit",
    target: "es2022",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  return {
    text: outputFiles.map(({ text }) => text).join(""),
    imports: Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path)),
  };
}

const parsed = new Map<string, ts.SourceFile | undefined>();

/** The names in a script that neither the language nor a web worker defines, wherever in it they stand. */
function namesNobodyDefines(text: string): string[] {
  const options: ts.CompilerOptions = {
    allowJs: true,
    checkJs: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2023.d.ts", "lib.webworker.d.ts"],
    types: [],
    skipLibCheck: true,
  };
  const host = ts.createCompilerHost(options);
  const script = ts.createSourceFile("bundle.js", text, ts.ScriptTarget.ES2022, true);
  const program = ts.createProgram(["bundle.js"], options, {
    ...host,
    getSourceFile(file, ...how) {
      if (file === "bundle.js") return script;
      if (!parsed.has(file)) parsed.set(file, host.getSourceFile(file, ...how));
      return parsed.get(file);
    },
  });
  const names = program
    .getSemanticDiagnostics(script)
    .map(({ messageText }) => /^Cannot find name '(.+?)'/.exec(ts.flattenDiagnosticMessageText(messageText, " "))?.[1]);
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}

/** What the script exports in a context where nothing of Node can be reached. */
function runWithoutNode(text: string) {
  return runInContext(`${text};kit`, createContext({ ...WEB_GLOBALS }));
}

describe("a bundle for machines without Node", async () => {
  const { sandbox, settings } = await sandboxForTests();

  it.each(SPECIFIERS)("of %s needs nothing but the language and the web's globals, by any condition", async (name) => {
    const bundles = await Promise.all(CONDITIONS.map((condition) => bundle(`export * from "${name}"`, condition)));
    expect(bundles.flatMap(({ imports }) => imports)).toEqual([]);
    for (const text of new Set(bundles.map(({ text }) => text))) {
      expect(namesNobodyDefines(text)).toEqual([]);
      expect(Object.keys(runWithoutNode(text)).sort()).toEqual(Object.keys(await import(name)).sort());
    }
  });

  it("takes a signed webhook there", async () => {
    const { text } = await bundle(
      `import { createRelay } from "affonso-relay";
       import { createFetchHandler } from "affonso-relay/fetch";
       import { stripe } from "affonso-relay/stripe";
       export const handlerOf = ({ webhookSecret, ...settings }) =>
         createFetchHandler(createRelay({ ...settings, adapters: [stripe({ webhookSecret })] }), "stripe");`,
      "workerd",
    );
    const handler = runWithoutNode(text).handlerOf({ ...settings, webhookSecret: STRIPE_SECRET });
    const body = invoicePaid("edge");
    const headers = { "stripe-signature": stripeSignature(body) };
    const response = await handler(new Request("https://app.example/stripe", { method: "POST", body, headers }));
    expect([response.status, await response.json()]).toEqual([200, { received: true, status: "delivered" }]);
    expect(sandbox.conversions).toHaveLength(1);
  });

  it.each(["node:crypto", "fs", "affonso-relay/sqlite", "affonso-relay/sandbox"])(
    "can't be made of %s",
    async (name) => {
      await expect(bundle(`export * from "${name}"`, "browser")).rejects.toThrow(/Could not resolve/);
    },
  );

  it("is seen through where it counts on a global of Node's", async () => {
    const { text } = await bundle(
      `export const later = () => [Buffer.from("x"), typeof process === "object" && process.env, setImmediate, fetch];
       export const dynamic = (name) => require(name);`,
      "browser",
    );
    expect(namesNobodyDefines(text)).toEqual(["Buffer", "process", "require", "setImmediate"]);
    expect(runWithoutNode(text).later).toThrow(/Buffer is not defined/);
  });
});
