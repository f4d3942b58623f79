import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import express, { type Express } from "express";
import express4 from "express4";
import fc from "fast-check";
import fastify from "fastify";
import Koa from "koa";
import { describe, expect, it } from "vitest";
import { asReferral, type ReferralSource, referralFrom } from "../../../src/referral.js";

/** What a server reads of a request that a browser sends with these cookies. */
async function readBy(listener: RequestListener, cookie: string): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { headers: { cookie } });
  const text = await response.text();
  server.close();
  await once(server, "close");
  return text;
}

function expressApp(create: () => Express): RequestListener {
  const app = create();
  app.get("/", (request, response) => void response.send(referralFrom(request) ?? "none"));
  return app;
}

function koaApp(sourceOf: (context: Koa.Context) => ReferralSource): RequestListener {
  const app = new Koa();
  app.use((context) => {
    context.body = referralFrom(sourceOf(context)) ?? "none";
  });
  return app.callback();
}

describe("referralFrom", () => {
  const cookie = "theme=dark; affonso_referral=ref_ada; session=s%3A1";

  it.each<[string, ReferralSource]>([
    ["a Request", new Request("https://shop.example/", { headers: { cookie } })],
    ["the Headers of a Request", new Headers({ cookie })],
    ["Headers of another realm", { get: (name: string) => (name === "cookie" ? cookie : null) } as Headers],
    ["a record of headers", { host: "shop.example", cookie }],
    ["a request with a record of headers", { headers: { cookie } }],
    ["document.cookie", cookie],
    ["an event of API Gateway (REST)", { headers: { Cookie: cookie }, multiValueHeaders: { Cookie: [cookie] } }],
    ["an event of a load balancer with all values", { multiValueHeaders: { cookie: ["theme=dark", cookie] } }],
    ["an event of API Gateway (HTTP) or a function URL", { headers: { host: "x" }, cookies: cookie.split("; ") }],
    ["an event whose headers are null", { headers: null, multiValueHeaders: null, cookies: cookie.split("; ") }],
    ["a header in capitals", { headers: { COOKIE: cookie } }],
    ["a request whose cookies a parser has read", { headers: { cookie }, cookies: { affonso_referral: "ref_parsed" } }],
    ["a request with a header named headers", { headers: { headers: "x", cookie } }],
    ["headers, one of them named headers", { headers: "x", cookie } as Record<string, string>],
  ])("reads the cookie of %s", (_, source) => {
    expect(referralFrom(source)).toBe("ref_ada");
  });

  it.each<[string, RequestListener]>([
    ["Node", (request, response) => void response.end(referralFrom(request))],
    ["Express 5", expressApp(express)],
    ["Express 4", expressApp(express4 as unknown as typeof express)],
    ["Koa's context", koaApp((context) => context)],
    ["Koa's request", koaApp((context) => context.request)],
  ])("reads the cookie of a request that came over the wire: %s", async (_, listener) => {
    expect(await readBy(listener, cookie)).toBe("ref_ada");
  });

  it("reads the cookie of a request that came over the wire: Fastify", async () => {
    const app = fastify();
    app.get("/", async (request) => referralFrom(request) ?? "none");
    await app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = app.server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { cookie } });
    expect(await response.text()).toBe("ref_ada");
    await app.close();
  });

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["no text", ""],
    ["a number", 7],
    ["an empty object", {}],
    ["a list", [cookie]],
    ["a request without cookies", new Request("https://shop.example/")],
    ["a request with other cookies", { headers: { cookie: "theme=dark; session=1" } }],
    [
      "a request whose headers are nonsense",
      { headers: { cookie: 7 }, multiValueHeaders: "x", cookies: [null, Symbol("x")] },
    ],
    ["the cookie store of Next.js", { get: () => undefined }],
    ["a store that answers promises", { get: async () => cookie }],
  ])("finds none in %s", (_, source) => {
    expect(referralFrom(source as ReferralSource)).toBeUndefined();
  });

  it.each([
    ["percent signs decoded", "affonso_referral=ref%5Fada%20%26%20co", "ref_ada & co"],
    ["letters beyond ASCII", "affonso_referral=ren%C3%A9e", "renée"],
    ["a plus sign as it is", "affonso_referral=ref+ada", "ref+ada"],
    ["what is badly encoded as it is", "affonso_referral=50%", "50%"],
    ["further equals signs", "affonso_referral=cmVm==", "cmVm=="],
    ["quotes taken off", 'affonso_referral="ref_ada"', "ref_ada"],
    ["quotes inside", 'affonso_referral=a"b', 'a"b'],
    ["white space around it taken off", "affonso_referral=\t ref_ada \t;", "ref_ada"],
    ["encoded white space around it taken off", "affonso_referral=%20ref_ada%0D%0A", "ref_ada"],
    ["no white space between cookies", "a=1;affonso_referral=ref_ada;b=2", "ref_ada"],
    ["cookies without a name or a value", "=; ;;flag; affonso_referral=ref_ada", "ref_ada"],
    ["the first of several", "affonso_referral=ref_1; affonso_referral=ref_2", "ref_1"],
    ["the first that can be one", "affonso_referral=; affonso_referral=%0a; affonso_referral=ref_3", "ref_3"],
    ["names of every object", "__proto__=a; constructor=b; toString=c; affonso_referral=ref_ada", "ref_ada"],
    ["255 characters", `affonso_referral=${"x".repeat(255)}`, "x".repeat(255)],
  ])("takes %s", (_, header, referral) => {
    expect(referralFrom(header)).toBe(referral);
  });

  it.each([
    ["is empty", "affonso_referral="],
    ["is white space", "affonso_referral=%20%09"],
    ["is empty in quotes", 'affonso_referral=""'],
    ["is one quote", 'affonso_referral="'],
    ["has a line break", "affonso_referral=ref%0D%0ASet-Cookie:%20x"],
    ["has a NUL", "affonso_referral=ref%00ada"],
    ["has half a character", "affonso_referral=ref\ud800"],
    ["has 256 characters", `affonso_referral=${"x".repeat(256)}`],
    ["has no value", "affonso_referral"],
    ["has another case", "Affonso_Referral=ref_ada"],
    ["is another one's ending", "my_affonso_referral=ref_ada"],
    ["is another one's beginning", "affonso_referral_at=1760000000"],
    ["is in another one's value", "next=affonso_referral=ref_ada"],
  ])("finds none where the cookie %s", (_, header) => {
    expect(referralFrom(header)).toBeUndefined();
  });

  it("sets nothing on any prototype", () => {
    referralFrom("__proto__=polluted; affonso_referral=__proto__");
    expect(referralFrom("affonso_referral=__proto__")).toBe("__proto__");
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it.each([";", " ", "=", '"', "%", "affonso_referral=", "affonso_referral ", "; ", "%2"])(
    "comes to an end with a megabyte of %j",
    (text) => {
      const long = text.repeat(1_000_000 / text.length);
      expect(referralFrom(`${long};affonso_referral=${long}`)).toBeUndefined();
      expect(referralFrom({ headers: { cookie: long } })).toBeUndefined();
    },
  );

  it("reads what Express's own parser of cookies reads", () => {
    const require = createRequire(import.meta.url);
    const { parse } = createRequire(require.resolve("express"))("cookie") as {
      parse(header: string): Record<string, string | undefined>;
    };
    const text = fc.string({ unit: fc.constantFrom(..."ab%20=;\" \t,\\'é".split(""), "%41", "%C3%A9"), maxLength: 12 });
    const name = fc.oneof({ weight: 3, arbitrary: fc.constant("affonso_referral") }, text);
    const pair = fc.tuple(fc.constantFrom("", " ", "\t"), name, fc.constantFrom("=", " = ", ""), text);
    const header = fc.array(
      pair.map((parts) => parts.join("")),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(header, (pairs) => {
        const cookies = pairs.join(";");
        const each = cookies.split(";").map((pair) => asReferral(parse(pair)["affonso_referral"]));
        expect(referralFrom(cookies)).toBe(each.find((referral) => referral !== undefined));
      }),
      { numRuns: 2_000 },
    );
  });
});
