import type { WebhookRequest } from "../../src/adapter.js";
import { assertKnownKeys, invalidOption, RelayError } from "../../src/errors.js";
import { fromBase64, utf8Bytes } from "../../src/signing/encoding.js";
import { constantTimeEqual } from "../../src/signing/hmac.js";
import type { Secrets } from "../../src/signing/secrets.js";
import { requiredHeader } from "../../src/signing/signature-header.js";
import { checkHeaderName, checkList } from "./options.js";
import type { WebhookVerifier } from "./verifier.js";

/** What {@link basicAuth} is given. */
export interface BasicAuthOptions {
  /** The user name, without a colon. */
  readonly username: string;
  /** The password, or several of which any is right (rotation). */
  readonly password: Secrets;
}

/** What {@link bearer} is given. */
export interface BearerOptions {
  /** The token without the word `Bearer`, or several of which any is right (rotation). */
  readonly token: Secrets;
  /** Header with `Bearer <token>`. @default "authorization" */
  readonly header?: string | undefined;
}

/** What {@link staticHeader} is given. */
export interface StaticHeaderOptions {
  /** Header with the secret value. */
  readonly header: string;
  /** The header's whole value, or several of which any is right (rotation). */
  readonly value: Secrets;
}

/**
 * Verifies HTTP Basic credentials (Chargebee).
 *
 * Credentials prove who calls and not what is sent: prefer a signature where the provider offers one.
 *
 * @throws RelayError `invalid_options`; the verifier itself throws `signature_invalid`.
 * @see https://www.rfc-editor.org/rfc/rfc7617
 */
export function basicAuth(options: BasicAuthOptions): WebhookVerifier {
  assertKnownKeys("basicAuth", options, ["username", "password"]);
  const { username } = options;
  if (typeof username !== "string" || !/^[^:\p{Cc}]*$/u.test(username)) {
    throw invalidOption("basicAuth username", "text without colons and control characters", username);
  }
  const passwords = checkList(
    "basicAuth password",
    options.password,
    "text that is not empty, without control characters",
    (password) => /^\P{Cc}+$/u.test(password),
  );
  const isExpected = createSecretComparison(passwords.map((password) => `${username}:${password}`));

  return Object.freeze({
    async verify(request: WebhookRequest) {
      const match = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(requiredHeader(request.headers, "authorization"));
      const credentials = match?.[1] === undefined ? undefined : fromBase64(match[1]);
      if (credentials === undefined) {
        throw new RelayError("signature_invalid", "header authorization does not carry Basic credentials in base64");
      }
      if (await isExpected(credentials)) return;
      throw new RelayError(
        "signature_invalid",
        "header authorization carries another user name or password than basicAuth was given",
      );
    },
  });
}

/**
 * Verifies a bearer token (Auth0 event streams).
 *
 * A token proves who calls and not what is sent: prefer a signature where the provider offers one.
 *
 * @throws RelayError `invalid_options`; the verifier itself throws `signature_invalid`.
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-2.1
 */
export function bearer(options: BearerOptions): WebhookVerifier {
  assertKnownKeys("bearer", options, ["token", "header"]);
  const header = checkHeaderName("bearer header", options.header ?? "authorization");
  const tokens = checkList(
    "bearer token",
    options.token,
    'printable ASCII without blanks, and without the word "Bearer"',
    (token) => /^[\x21-\x7e]+$/.test(token),
  );
  const isExpected = createSecretComparison(tokens);

  return Object.freeze({
    async verify(request: WebhookRequest) {
      const token = /^Bearer +([\x21-\x7e]+)$/i.exec(requiredHeader(request.headers, header))?.[1];
      if (token === undefined) {
        throw new RelayError("signature_invalid", `header ${header} does not carry a bearer token`);
      }
      if (await isExpected(utf8Bytes(token))) return;
      throw new RelayError("signature_invalid", `header ${header} carries another token than bearer was given`);
    },
  });
}

/**
 * Verifies a header with a fixed secret value, whatever its form: RevenueCat sends the `Authorization` header exactly
 * as it was typed into its dashboard.
 *
 * A fixed value proves who calls and not what is sent: prefer a signature where the provider offers one.
 *
 * @throws RelayError `invalid_options`; the verifier itself throws `signature_invalid`.
 * @see https://www.revenuecat.com/docs/integrations/webhooks
 */
export function staticHeader(options: StaticHeaderOptions): WebhookVerifier {
  assertKnownKeys("staticHeader", options, ["header", "value"]);
  const header = checkHeaderName("staticHeader header", options.header);
  const values = checkList(
    "staticHeader value",
    options.value,
    "printable ASCII that is not empty, with no blanks before or after it",
    (value) => /^[\x20-\x7e]+$/.test(value) && value.trim() === value,
  );
  const isExpected = createSecretComparison(values);

  return Object.freeze({
    async verify(request: WebhookRequest) {
      if (await isExpected(utf8Bytes(requiredHeader(request.headers, header)))) return;
      throw new RelayError("signature_invalid", `header ${header} has another value than staticHeader was given`);
    },
  });
}

/** Compares digests instead of texts: equal lengths, so that the time says nothing about the secret's length either. */
function createSecretComparison(secrets: readonly string[]): (received: Uint8Array<ArrayBuffer>) => Promise<boolean> {
  // The digests and not their promise: on Workers, a promise of a request that was cancelled never ends.
  let expected: Uint8Array[] | undefined;
  return async (received) => {
    expected ??= await Promise.all(secrets.map((secret) => sha256(utf8Bytes(secret))));
    const digest = await sha256(received);
    let matches = false;
    for (const candidate of expected) {
      if (constantTimeEqual(candidate, digest)) matches = true;
    }
    return matches;
  };
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
