import { existsSync } from "node:fs";
import { join } from "node:path";
import { ERROR_CODES } from "affonso-relay";
import { paddleEvents } from "affonso-relay/paddle";
import { stripeEvents } from "affonso-relay/stripe";
import { beforeAll, describe, expect, it } from "vitest";
import { manifest, root, specifierOf, subpaths } from "./built.js";
import { Compiled } from "./readme/compile.js";
import { anchorsOf, codeIn, fencesOf, localLinksOf, readMarkdown, tablesOf } from "./readme/markdown.js";
import { importOf, mountOf } from "./readme/mount.js";
import { mounts, phrases, snippets } from "./readme/snippets.js";
import { isIn } from "./readme/worked-example.js";

const readme = readMarkdown("README.md");
const fences = fencesOf(readme).filter(({ language }) => language === "ts");
const [servers = []] = tablesOf(readme, "server");
const [relayOptions = [], providerOptions = []] = tablesOf(readme, "option");
const [hooks = []] = tablesOf(readme, "hook");
const [answers = []] = tablesOf(readme, "status");
const [webhooks = []] = tablesOf(readme, "webhook");

describe("the README's code", () => {
  let compiled: Compiled;
  beforeAll(() => {
    compiled = new Compiled(sources());
  }, 60_000);

  it("is known here: each snippet, each phrase, each server", () => {
    expect(Object.keys(snippets)).toEqual(fences.map(({ place }) => place));
    expect(codeIn(readme)).toEqual(expect.arrayContaining(Object.keys(phrases)));
    expect(Object.keys(mounts)).toEqual(servers.map(([server]) => server));
  });

  it("compiles strictly, against the package as it is built and the frameworks' own types", () => {
    const errors = Object.keys(sources()).flatMap((name) =>
      compiled.errorsIn(name).map((error) => `${name}: ${error}`),
    );
    expect(errors).toEqual([]);
  });

  it("names the options and hooks that there are, and all of them", () => {
    const membersOf = (type: string) => compiled.membersOf("types", type).sort();
    const named = (rows: readonly string[][]) => rows.flatMap(([names = ""]) => codeIn(names)).sort();
    const notOf = (provider: string) => providerOptions.filter(([names]) => !names?.includes(`(${provider})`));
    expect(named(relayOptions)).toEqual(membersOf("RelayOptions"));
    expect(named(notOf("Paddle"))).toEqual(membersOf("StripeOptions"));
    expect(named(notOf("Stripe"))).toEqual(membersOf("PaddleOptions"));
    expect(named(hooks).map((call) => /^on\.(\w+)\(/.exec(call)?.[1])).toEqual(membersOf("RelayHooks"));
  });
});

describe("what the README names", () => {
  it("is exported from where it says", async () => {
    const named = [...readme.matchAll(/`(\w+)(?:\(\))?`,?\s+(?:from|of)\s+`(affonso-relay[\w/]*)`/g)];
    expect(named.length).toBeGreaterThan(3);
    for (const [, name = "", specifier = ""] of named) expect(await import(specifier)).toHaveProperty(name);
  });

  it("is, of each server, a subpath of the package and an example", () => {
    for (const [, from = "", , example = ""] of servers) {
      for (const subpath of codeIn(from)) expect(subpaths).toContain(`./${subpath}`);
      for (const name of codeIn(example)) expect(existsSync(join(root, "examples", name, "main.ts"))).toBe(true);
    }
    const named = codeIn(readme).filter((code) => /^affonso-relay\/[a-z]+$/.test(code));
    expect(subpaths.map(specifierOf)).toEqual(expect.arrayContaining(named));
  });

  it("is, of webhooks, those which are handled, and the ones to ask Stripe for", () => {
    const typesOf = (provider: string) => {
      const codes = webhooks.flatMap(([name = ""]) => (name.startsWith(provider) ? codeIn(name) : []));
      return codes.map((code) => code.replace("….", "checkout.session.")).sort();
    };
    // Those are there to say that another one reports the sale.
    const handled = (events: object, ...others: string[]) =>
      Object.keys(events)
        .filter((type) => !others.includes(type))
        .sort();
    expect(typesOf("Stripe")).toEqual(handled(stripeEvents, "invoice.payment_succeeded"));
    expect(typesOf("Paddle")).toEqual(handled(paddleEvents, "transaction.paid", "subscription.trialing"));
    const advice = /^In Stripe, add a webhook endpoint[\s\S]*?\n\n/m.exec(readme)?.[0] ?? "";
    const asked = codeIn(advice).filter((code) => Object.hasOwn(stripeEvents, code));
    expect(asked.sort()).toEqual(typesOf("Stripe"));
  });

  it("is, of answers, the status that each code has", () => {
    const statuses = answers.flatMap(([status = "", , body = ""]) =>
      codeIn(body).flatMap((code) => (/^\w+$/.test(code) ? [[code, status.split(" / ").map(Number)] as const] : [])),
    );
    expect(statuses.length).toBeGreaterThan(8);
    for (const [code, listed] of statuses) expect(listed).toContain(Reflect.get(ERROR_CODES, code)?.status);
  });

  it("is a script of package.json where it is run by npm", () => {
    const named = [...readme.matchAll(/\bnpm (?:run )?(start|test|bench|proof)\b/g)].map(([, script]) => script);
    expect(new Set(named)).toEqual(new Set(["start", "test", "bench"]));
    expect(Object.keys(manifest.scripts)).toEqual(expect.arrayContaining(named));
  });
});

describe.each(["README.md", "CONTRIBUTING.md", "SECURITY.md"])("%s", (file) => {
  it("leads to what is there", () => {
    const markdown = readMarkdown(file);
    const anchors = anchorsOf(markdown);
    const dead = localLinksOf(markdown).filter((to) =>
      to.startsWith("#") ? !anchors.includes(to) : !existsSync(join(root, to.replace(/#.*/, ""))),
    );
    expect(dead).toEqual([]);
  });
});

describe("AGENTS.md", () => {
  it("is short enough to be read whole, each time: at most 60 lines", () => {
    expect(readMarkdown("AGENTS.md").trimEnd().split("\n").length).toBeLessThanOrEqual(60);
  });
});

describe("CONTRIBUTING.md's worked examples", () => {
  it("are what the files say that they name", () => {
    const examples = fencesOf(readMarkdown("CONTRIBUTING.md")).flatMap(({ before, code }) => {
      const file = /`([^`\s]+)`:$/.exec(before)?.[1];
      return file === undefined ? [] : [{ file, code }];
    });
    expect(examples).not.toEqual([]);
    const stale = examples.filter(({ file, code }) => !isIn(readMarkdown(file), code));
    expect(stale).toEqual([]);
  });
});

/** All that is compiled, by the names that a failure is told by. */
function sources(): Record<string, string> {
  const all: Record<string, string> = {
    types: `
      export type { RelayHooks, RelayOptions } from "affonso-relay";
      export type { PaddleOptions } from "affonso-relay/paddle";
      export type { StripeOptions } from "affonso-relay/stripe";`,
  };
  for (const { place, code } of fences) all[place] = leaningOn(snippets[place], code);
  for (const [phrase, names] of Object.entries(phrases)) all[phrase] = leaningOn(names, phrase);
  for (const [server = "", from, mount] of servers) {
    const { given = [], names, around: [before, after] = ["", ""] } = mounts[server] ?? {};
    const { imports, code } = mountOf(from, mount);
    for (const [at, preamble] of given.entries()) {
      all[`${server}, ${at + 1}`] = leaningOn(names, `${imports}${preamble}\n${before}\n${code}\n${after}`);
    }
  }
  return all;
}

function leaningOn(names: readonly string[] = [], code: string): string {
  return `${importOf(names, "./reader.js")}${code}`;
}
