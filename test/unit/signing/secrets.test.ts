import { describe, expect, it } from "vitest";
import { isRelayError } from "../../../src/errors.js";
import { secretList } from "../../../src/signing/secrets.js";

const CANARY = "CANARY-s3cret";

function refusalOf(value: unknown, option = "webhookSecret"): string {
  try {
    secretList(option, value, "the endpoint's signing secret");
  } catch (error) {
    if (!isRelayError(error)) throw error;
    expect(error.code).toBe("invalid_options");
    expect(error.message).not.toContain(CANARY);
    return error.message;
  }
  return expect.fail("the secret was taken");
}

describe("a list of secrets", () => {
  it("is made of one secret or of several, in their order", () => {
    expect(secretList("webhookSecret", CANARY, "a secret")).toEqual([CANARY]);
    expect(secretList("webhookSecret", ["new", "old"], "a secret")).toEqual(["new", "old"]);
  });

  it("is another list than the caller's", () => {
    const given = ["new", "old"];
    const taken = secretList("webhookSecret", given, "a secret");
    given.length = 0;
    expect(taken).toEqual(["new", "old"]);
  });

  it("keeps a secret byte for byte, with white space inside and any letters", () => {
    expect(secretList("webhookSecret", "a b\u00e9日", "a secret")).toEqual(["a b\u00e9日"]);
  });

  it.each(['"', 'a"b"', '"a"b', "'a\"", "a''"])("keeps a secret that has quotes in it: %s", (secret) => {
    expect(secretList("webhookSecret", secret, "a secret")).toEqual([secret]);
  });

  it.each([
    [undefined, "got undefined"],
    [null, "got null"],
    ["", "got an empty string"],
    [42, "got a number"],
    [{ secret: CANARY }, "got an object"],
    [[], "got an empty array"],
    [[CANARY, ""], "got an empty string"],
    [[CANARY, undefined], "got undefined"],
    [[[CANARY]], "got an array"],
  ])("says what is expected and what kind of thing came (%#)", (value, words) => {
    expect(refusalOf(value)).toMatch(/^invalid_options: webhookSecret(\[\d\])? must be the endpoint's signing secret/);
    expect(refusalOf(value)).toContain(words);
  });

  it("says which of a list it is: after the option's name, before whose it is", () => {
    const list = ["right", ""];
    expect(refusalOf(list, "hmacSha256 secret")).toContain(" hmacSha256 secret[1] must be");
    expect(refusalOf(list, "webhookSecret of stripe()")).toContain(" webhookSecret[1] of stripe() must be");
  });

  it.each([[` ${CANARY}`], [`${CANARY}\n`], [`\t${CANARY}`], [`\ufeff${CANARY}`], [["right", `${CANARY} `]], [" "]])(
    "refuses white space at either end, which comes from pasting (%#)",
    (value) => {
      expect(refusalOf(value)).toContain("begins or ends with white space or quotes; paste it without");
    },
  );
});
