import { createHmac } from "node:crypto";
import * as z from "zod/mini";
import {
  basicAuth,
  bearer,
  custom,
  hmacSha256,
  hmacSha512,
  standardWebhooks,
  staticHeader,
  type WebhookVerifier,
} from "../../../../adapters/custom/index.js";
import { paddle } from "../../../../adapters/paddle/index.js";
import { stripe } from "../../../../adapters/stripe/index.js";
import type { WebhookAdapter } from "../../../../src/adapter.js";

type Headers = Readonly<Record<string, string>>;

/** One way to verify, and webhooks as its sender would sign them. */
export interface VerifierUnderTest {
  readonly name: string;
  readonly adapter: WebhookAdapter;
  /** The headers that make a body authentic; the first one carries the signature. */
  sign(body: string, by?: Forger): Headers;
  /** Whether what is sent is covered, and not only who sends it. */
  readonly coversBody: boolean;
  /** A signature's one proper spelling: two values that have it in common say the same. */
  spelling(value: string): string;
  /** Values of the signature header that a forger who knows the documentation would try. */
  forge(body: string): readonly string[];
}

/** What a forger has in place of what the sender has. */
export interface Forger {
  readonly secret?: string | undefined;
  readonly atSeconds?: number | undefined;
}

/** The time of all signatures and of the clock that judges them. */
export const NOW_SECONDS = 1_772_442_933;

const SECRET = "hostile-signatures-secret";
const WHSEC = "whsec_aG9zdGlsZS1zaWduYXR1cmVzLW9mLWEta2V5LTMyYg==";
const PASSWORD = "hostile signatures: Zoë";

const digest = (hash: "sha1" | "sha256" | "sha512", key: string | Buffer, content: string) =>
  createHmac(hash, key).update(content).digest();
const lowerHex = (value: string) => value.replace(/[0-9a-f]{64,128}/gi, (digits) => digits.toLowerCase());
const asIs = (value: string) => value;

/** Any payload is taken, so that what is refused was refused by the verifier. */
function ownAdapter(verify: WebhookVerifier): WebhookAdapter {
  return custom({ name: "own", verify, schema: z.unknown(), normalize: () => null });
}

function timestamped(
  name: "stripe" | "paddle",
  adapter: WebhookAdapter,
  secret: string,
  write: (seconds: number | string, signature: string, scheme: string) => string,
): VerifierUnderTest {
  const [scheme, joint] = name === "stripe" ? ["v1", "."] : ["h1", ":"];
  const signature = (body: string, key: string, at: number | string, by = joint) =>
    digest("sha256", key, `${at}${by}${body}`).toString("hex");
  return {
    name,
    adapter,
    coversBody: true,
    spelling: lowerHex,
    sign: (body, { secret: key = secret, atSeconds = NOW_SECONDS } = {}) => ({
      [`${name}-signature`]: write(atSeconds, signature(body, key, atSeconds), scheme),
    }),
    forge(body) {
      const right = signature(body, secret, NOW_SECONDS);
      return [
        ...["v0", "v2", "h2", "V1", "H1", "v1a", " ", "", "sha256", "__proto__", `${scheme}[]`].map((other) =>
          write(NOW_SECONDS, right, other),
        ),
        ...["", "abc", "-1", "1e9", "0x69a5", `${NOW_SECONDS}.0`, `+${NOW_SECONDS}`, "NaN", "Infinity"].map((at) =>
          write(at, signature(body, secret, at), scheme),
        ),
        ...[-301, 301, 315_360_000].map((away) =>
          write(NOW_SECONDS + away, signature(body, secret, NOW_SECONDS + away), scheme),
        ),
        write(NOW_SECONDS, signature(body, secret, NOW_SECONDS, joint === "." ? ":" : "."), scheme),
        write(NOW_SECONDS, digest("sha256", secret, body).toString("hex"), scheme),
        write(NOW_SECONDS, digest("sha1", secret, `${NOW_SECONDS}${joint}${body}`).toString("hex"), scheme),
        write(NOW_SECONDS, digest("sha512", secret, `${NOW_SECONDS}${joint}${body}`).toString("hex"), scheme),
        write(NOW_SECONDS, digest("sha256", secret, `${NOW_SECONDS}${joint}${body}`).toString("base64"), scheme),
        write(NOW_SECONDS + 1, right, scheme),
        `${scheme}=${right}`,
        right,
      ];
    },
  };
}

function hmacOf(hash: "sha256" | "sha512", encoding: "hex" | "base64", withTimestamp = false): VerifierUnderTest {
  const make = hash === "sha256" ? hmacSha256 : hmacSha512;
  const prefix = encoding === "hex" ? `${hash}=` : "";
  const covered = (body: string, at: number) => (withTimestamp ? `${at}.${body}` : body);
  const write = (of: "sha1" | "sha256" | "sha512", key: string, content: string, how = encoding) =>
    prefix + digest(of, key, content).toString(how);
  return {
    name: `${hash} in ${encoding}${withTimestamp ? " with a timestamp" : ""}`,
    adapter: ownAdapter(
      make({
        ...{ header: "x-signature", secret: SECRET, encoding, prefix },
        timestamp: withTimestamp ? { header: "x-timestamp" } : undefined,
      }),
    ),
    coversBody: true,
    spelling: encoding === "hex" ? lowerHex : asIs,
    sign: (body, { secret = SECRET, atSeconds = NOW_SECONDS } = {}) => ({
      "x-signature": write(hash, secret, covered(body, atSeconds)),
      ...(withTimestamp && { "x-timestamp": String(atSeconds) }),
    }),
    forge(body) {
      const content = covered(body, NOW_SECONDS);
      const right = write(hash, SECRET, content);
      return [
        write("sha1", SECRET, content),
        write(hash === "sha256" ? "sha512" : "sha256", SECRET, content),
        write(hash, SECRET, content, encoding === "hex" ? "base64" : "hex"),
        write(hash, SECRET, withTimestamp ? body : `${NOW_SECONDS}.${body}`),
        write(hash, " ", content),
        `sha1=${right}`,
        `md5=${right.slice(prefix.length)}`,
        prefix.toUpperCase() + (encoding === "hex" ? right.slice(prefix.length) : right.toLowerCase()),
        `${right}==`,
        `${right},`,
        `,${right}`,
        prefix,
      ];
    },
  };
}

function standard(family: "webhook" | "svix"): VerifierUnderTest {
  const key = Buffer.from(WHSEC.slice("whsec_".length), "base64");
  const id = `msg_${family}`;
  const write = (of: "sha1" | "sha256" | "sha512", by: string | Buffer, content: string) =>
    digest(of, by, content).toString("base64");
  return {
    name: `Standard Webhooks by ${family}-signature`,
    adapter: ownAdapter(standardWebhooks({ secret: WHSEC })),
    coversBody: true,
    spelling: asIs,
    sign: (body, { secret, atSeconds = NOW_SECONDS } = {}) => ({
      [`${family}-signature`]: `v1,${write("sha256", secret ?? key, `${id}.${atSeconds}.${body}`)}`,
      [`${family}-id`]: id,
      [`${family}-timestamp`]: String(atSeconds),
    }),
    forge(body) {
      const content = `${id}.${NOW_SECONDS}.${body}`;
      const right = write("sha256", key, content);
      return [
        ...["v1a", "v0", "v2", "V1", "", "v1=", "__proto__"].map((scheme) => `${scheme},${right}`),
        right,
        "v1",
        "v1,",
        `v1,,${right}`,
        `v1 ${right}`,
        `v1,${write("sha256", WHSEC, content)}`,
        `v1,${write("sha1", key, content)}`,
        `v1,${write("sha512", key, content)}`,
        `v1,${write("sha256", key, body)}`,
        `v1,${write("sha256", key, `${id}.${body}`)}`,
        `v1,${right.replace(/=+$/, "")}`,
        `v1,${right.replaceAll("+", "-").replaceAll("/", "_")}=`,
        `v1,${Buffer.from(right, "base64").toString("hex")}`,
      ];
    },
  };
}

const credentials = (name: string, header: string, right: string, verify: WebhookVerifier) => ({
  name,
  adapter: ownAdapter(verify),
  coversBody: false,
  sign: (_body: string, { secret }: Forger = {}) => ({ [header]: secret ?? right }),
});
const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

/** Every verifier that the kit has. */
export const VERIFIERS: readonly VerifierUnderTest[] = [
  timestamped(
    "stripe",
    stripe({ webhookSecret: `whsec_${SECRET}` }),
    `whsec_${SECRET}`,
    (at, signature, scheme) => `t=${at},${scheme}=${signature}`,
  ),
  timestamped(
    "paddle",
    paddle({ webhookSecret: `pdl_ntfset_${SECRET}` }),
    `pdl_ntfset_${SECRET}`,
    (at, signature, scheme) => `ts=${at};${scheme}=${signature}`,
  ),
  hmacOf("sha256", "hex"),
  hmacOf("sha256", "base64"),
  hmacOf("sha512", "hex"),
  hmacOf("sha512", "base64"),
  hmacOf("sha256", "hex", true),
  hmacOf("sha512", "base64", true),
  standard("webhook"),
  standard("svix"),
  {
    ...credentials(
      "basicAuth",
      "authorization",
      basic(`relay:${PASSWORD}`),
      basicAuth({ username: "relay", password: PASSWORD }),
    ),
    // One text has several spellings in base64, and a scheme's name any case: https://www.rfc-editor.org/rfc/rfc9110#section-11.1
    spelling: (value) =>
      value.replace(/^basic +([A-Za-z0-9+/]+={0,2})$/i, (_, text) => basic(Buffer.from(text, "base64").toString())),
    forge: () => [
      ...[PASSWORD, `:${PASSWORD}`, "relay:", "relay", `relay::${PASSWORD}`, `relay:${PASSWORD}\0`, ":"].map(basic),
      ...[`RELAY:${PASSWORD}`, `relay:${PASSWORD.toUpperCase()}`, `relay:${PASSWORD.normalize("NFD")}`].map(basic),
      `Basic relay:${PASSWORD}`,
      basic(`relay:${PASSWORD}`).replace("Basic", "Bearer"),
      basic(`relay:${PASSWORD}`).slice("Basic ".length),
      "Basic ====",
    ],
  },
  {
    ...credentials("bearer", "authorization", `Bearer ${SECRET}`, bearer({ token: SECRET })),
    spelling: (value) => value.replace(/^bearer +/i, "Bearer "),
    forge: () => [
      ...["", "Basic ", "Token ", "Bearer", "Bearer\t", "Bearer: ", "Bearer Bearer "].map((word) => word + SECRET),
      ...[`${SECRET}=`, SECRET.toUpperCase(), `${SECRET} ${SECRET}`, `"${SECRET}"`].map((token) => `Bearer ${token}`),
    ],
  },
  {
    ...credentials("staticHeader", "x-key", SECRET, staticHeader({ header: "x-key", value: SECRET })),
    spelling: asIs,
    forge: () => [SECRET.toUpperCase(), ` ${SECRET}`, `${SECRET} `, `"${SECRET}"`, `Bearer ${SECRET}`, "*", "null"],
  },
];
