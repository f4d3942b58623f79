import { createHmac } from "node:crypto";
import { expect } from "vitest";
import type { WebhookVerifier } from "../../../adapters/custom/index.js";
import type { WebhookHeaders } from "../../../src/adapter.js";
import { isRelayError, type RelayError } from "../../../src/errors.js";

export const NOW_SECONDS = 1_767_225_600;
export const NOW_MS = NOW_SECONDS * 1000;

/** An HMAC made by Node's own crypto, so that no code of ours signs what our code verifies. */
export function nodeHmac(
  hash: "sha256" | "sha512",
  key: string | Uint8Array,
  content: string | Uint8Array,
  encoding: "hex" | "base64" = "hex",
): string {
  return createHmac(hash, key).update(content).digest(encoding);
}

/** Runs a verifier at a fixed time. */
export async function check(
  verifier: WebhookVerifier,
  headers: WebhookHeaders,
  body: string | Uint8Array = "",
  nowMs = NOW_MS,
): Promise<"accepted"> {
  await verifier.verify({ body, headers }, { nowMs });
  return "accepted";
}

/** The RelayError that something fails with; fails the test when it does not fail, or fails otherwise. */
export async function failureOf(attempt: () => unknown): Promise<RelayError> {
  try {
    await attempt();
  } catch (error) {
    if (isRelayError(error)) return error;
    throw error;
  }
  return expect.fail("expected a RelayError, and nothing was thrown");
}

/** The message of a refused signature. */
export async function refusalOf(attempt: () => unknown): Promise<string> {
  const error = await failureOf(attempt);
  expect(error.code).toBe("signature_invalid");
  expect(error.status).toBe(401);
  return error.message;
}

/** The message of refused options. */
export async function optionErrorOf(attempt: () => unknown): Promise<string> {
  const error = await failureOf(attempt);
  expect(error.code).toBe("invalid_options");
  return error.message;
}
