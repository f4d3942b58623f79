import { describe, expect, it } from "vitest";
import { paddle } from "../../../adapters/paddle/index.js";
import { stripe } from "../../../adapters/stripe/index.js";

describe("a webhook secret", () => {
  it.each([
    [
      "is not there",
      () => stripe({ webhookSecret: undefined as never }),
      /got undefined: is its environment variable set\?/,
    ],
    ["stands in quotes", () => stripe({ webhookSecret: '"whsec_abc"' }), /begins or ends with white space or quotes/],
    ["is Paddle's", () => stripe({ webhookSecret: "pdl_ntfset_01abc" }), /and this is a key of Paddle's/],
    ["is Stripe's", () => paddle({ webhookSecret: "whsec_abc" }), /and this is a secret of Stripe's/],
  ])("is refused where it %s", (_, make, message) => {
    expect(make).toThrow(message);
  });
});
