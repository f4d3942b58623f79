import { describe, expect, it } from "vitest";
import { basicAuth, bearer, staticHeader, unsafeNoVerification } from "../../../adapters/custom/index.js";
import { check, optionErrorOf, refusalOf } from "./support.js";

const authorization = (value: string) => ({ authorization: value });
const basic = (credentials: string, scheme = "Basic") =>
  authorization(`${scheme} ${Buffer.from(credentials).toString("base64")}`);

describe("basicAuth", () => {
  const verifier = basicAuth({ username: "chargebee", password: "s3cret:with:colons" });

  it("accepts the right user name and password, whatever the scheme's case", async () => {
    expect(await check(verifier, basic("chargebee:s3cret:with:colons"))).toBe("accepted");
    expect(await check(verifier, basic("chargebee:s3cret:with:colons", "bAsIc"))).toBe("accepted");
    expect(await check(verifier, new Headers(basic("chargebee:s3cret:with:colons")))).toBe("accepted");
  });

  it("accepts the example of RFC 7617, and text beyond ASCII as UTF-8", async () => {
    const aladdin = basicAuth({ username: "Aladdin", password: "open sesame" });
    expect(await check(aladdin, authorization("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="))).toBe("accepted");
    const pounds = basicAuth({ username: "test", password: "123£" });
    expect(await check(pounds, authorization("Basic dGVzdDoxMjPCow=="))).toBe("accepted");
  });

  it("refuses any other user name or password, shorter and longer ones too", async () => {
    for (const wrong of [
      "chargebee:wrong",
      "chargebee:",
      "chargebee",
      ":s3cret:with:colons",
      "Chargebee:s3cret:with:colons",
      "chargebee:s3cret:with:colon",
      "chargebee:s3cret:with:colonss",
      "chargebee:s3cret:with:colons\0",
    ]) {
      expect(await refusalOf(() => check(verifier, basic(wrong)))).toMatch(/another user name or password/);
    }
  });

  it("refuses other schemes, malformed base64 and a missing header", async () => {
    const encoded = Buffer.from("chargebee:s3cret:with:colons").toString("base64");
    for (const wrong of [
      `Bearer ${encoded}`,
      encoded,
      "Basic",
      "Basic ",
      "Basic !!!!",
      "Basic a",
      `Basic${encoded}`,
      `Basic ${encoded}, Basic ${encoded}`,
      `Basic ${encoded} extra`,
    ]) {
      expect(await refusalOf(() => check(verifier, authorization(wrong)))).toMatch(/does not carry Basic credentials/);
    }
    expect(await refusalOf(() => check(verifier, {}))).toMatch(/header authorization is missing/);
    expect(await refusalOf(() => check(verifier, authorization(`Basic ${"A".repeat(4096)}`)))).toMatch(
      /longer than 4096/,
    );
  });

  it("accepts any of several passwords during a rotation", async () => {
    const rotating = basicAuth({ username: "hook", password: ["old", "new"] });
    expect(await check(rotating, basic("hook:old"))).toBe("accepted");
    expect(await check(rotating, basic("hook:new"))).toBe("accepted");
    await refusalOf(() => check(rotating, basic("hook:older")));
  });

  it("refuses options by name", async () => {
    for (const [options, message] of [
      [{ username: "a:b", password: "x" }, /basicAuth username must be text without colons/],
      [{ password: "x" }, /basicAuth username must be.*got undefined/],
      [{ username: "a", password: "" }, /basicAuth password must be text that is not empty/],
      [{ username: "a", password: [] }, /basicAuth password must be.*got an empty array/],
      [{ username: "a", password: "x\n" }, /basicAuth password must be/],
      [{ user: "a", password: "x" }, /basicAuth has no option user; it has username, password/],
    ] as const) {
      expect(await optionErrorOf(() => Reflect.apply(basicAuth, undefined, [options]))).toMatch(message);
    }
  });
});

describe("bearer", () => {
  const verifier = bearer({ token: "tok_correct.horse-battery" });

  it("accepts the token, whatever the scheme's case", async () => {
    expect(await check(verifier, authorization("Bearer tok_correct.horse-battery"))).toBe("accepted");
    expect(await check(verifier, authorization("bearer tok_correct.horse-battery"))).toBe("accepted");
  });

  it("refuses another token, another scheme, no scheme and a missing header", async () => {
    for (const wrong of ["tok_correct.horse-batter", "tok_correct.horse-battery1", "TOK_CORRECT.HORSE-BATTERY", "x"]) {
      expect(await refusalOf(() => check(verifier, authorization(`Bearer ${wrong}`)))).toMatch(
        /header authorization carries another token/,
      );
    }
    for (const wrong of [
      "tok_correct.horse-battery",
      "Basic tok_correct.horse-battery",
      "Bearer",
      "Bearertok_correct.horse-battery",
      "Bearer tok_correct.horse-battery, Bearer tok_correct.horse-battery",
    ]) {
      expect(await refusalOf(() => check(verifier, authorization(wrong)))).toMatch(/does not carry a bearer token/);
    }
    expect(await refusalOf(() => check(verifier, {}))).toMatch(/header authorization is missing/);
  });

  it("accepts any of several tokens, in a header of one's choice", async () => {
    const rotating = bearer({ token: ["old", "new"], header: "x-hook-auth" });
    expect(await check(rotating, { "X-Hook-Auth": "Bearer old" })).toBe("accepted");
    expect(await check(rotating, { "X-Hook-Auth": "Bearer new" })).toBe("accepted");
    expect(await refusalOf(() => check(rotating, authorization("Bearer new")))).toMatch(
      /header x-hook-auth is missing/,
    );
  });

  it("refuses options by name, a token with the word Bearer before it among them", async () => {
    for (const [options, message] of [
      [{ token: "Bearer abc" }, /bearer token must be.*without the word "Bearer"/],
      [{ token: "" }, /bearer token must be/],
      [{ token: [] }, /bearer token must be.*got an empty array/],
      [{ token: ["a", " b"] }, /bearer token\[1\] must be/],
      [{ token: "a", header: "x y" }, /bearer header must be/],
      [{ tokens: ["a"] }, /bearer has no option tokens; it has token, header/],
    ] as const) {
      expect(await optionErrorOf(() => Reflect.apply(bearer, undefined, [options]))).toMatch(message);
    }
  });
});

describe("staticHeader", () => {
  it("accepts RevenueCat's Authorization value exactly as it was typed, and nothing else", async () => {
    const verifier = staticHeader({ header: "Authorization", value: "revenuecat secret 1" });
    expect(await check(verifier, authorization("revenuecat secret 1"))).toBe("accepted");
    for (const wrong of [
      "revenuecat secret",
      "revenuecat secret 12",
      "Bearer revenuecat secret 1",
      "REVENUECAT SECRET 1",
    ]) {
      expect(await refusalOf(() => check(verifier, authorization(wrong)))).toMatch(
        /header Authorization has another value/,
      );
    }
    const twice = "revenuecat secret 1, revenuecat secret 1";
    await refusalOf(() => check(verifier, authorization(twice)));
    expect(await refusalOf(() => check(verifier, {}))).toMatch(/header Authorization is missing/);
  });

  it("accepts any of several values", async () => {
    const verifier = staticHeader({ header: "x-hook-secret", value: ["old", "new"] });
    expect(await check(verifier, { "x-hook-secret": "old" })).toBe("accepted");
    expect(await check(verifier, { "x-hook-secret": "new" })).toBe("accepted");
  });

  it("refuses options by name", async () => {
    for (const [options, message] of [
      [{ header: "x", value: "" }, /staticHeader value must be/],
      [{ header: "x", value: "abc " }, /staticHeader value must be.*no blanks/],
      [{ header: "x", value: "ab\ncd" }, /staticHeader value must be/],
      [{ value: "abc" }, /staticHeader header must be/],
      [{ header: "x", secret: "abc" }, /staticHeader has no option secret; it has header, value/],
    ] as const) {
      expect(await optionErrorOf(() => Reflect.apply(staticHeader, undefined, [options]))).toMatch(message);
    }
  });
});

describe("credentials in errors", () => {
  it("are never shown, neither the sent ones nor the right ones", async () => {
    const cases = [
      [basicAuth({ username: "canary-user", password: "canary-right" }), basic("canary-user:canary-sent")],
      [bearer({ token: "canary-right" }), authorization("Bearer canary-sent")],
      [staticHeader({ header: "authorization", value: "canary-right" }), authorization("canary-sent")],
    ] as const;
    for (const [verifier, headers] of cases) {
      expect(await refusalOf(() => check(verifier, headers))).not.toContain("canary");
    }
    expect(await optionErrorOf(() => bearer({ token: "canary right" }))).not.toContain("canary");
  });
});

describe("unsafeNoVerification", () => {
  it("accepts everything", async () => {
    expect(await check(unsafeNoVerification(), {}, "anything")).toBe("accepted");
  });
});
