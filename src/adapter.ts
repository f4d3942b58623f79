import type { StandardSchemaV1 } from "@standard-schema/spec";
import {
  asMappingFailed,
  describeForeignIssues,
  describeType,
  invalidOption,
  RelayError,
  wrongAnswer,
} from "./errors.js";
import type { RelayRecordInput } from "./event.js";
import { utf8Bytes } from "./signing/encoding.js";

export type { StandardSchemaV1 };

/** Request headers as any framework has them. Names are matched whatever their case. */
export type WebhookHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

/** A webhook as it came over the wire. */
export interface WebhookRequest {
  /** The exact bytes of the body. Text is taken as UTF-8; an object that was parsed already can't be verified. */
  readonly body: Uint8Array | string;
  /** The headers as they came. */
  readonly headers: WebhookHeaders;
}

/** A webhook whose body may still have to be read. */
export interface IncomingRequest {
  /** As in {@link WebhookRequest}, or a function that reads the bytes; it is called once, when they are needed. */
  readonly body: WebhookRequest["body"] | (() => Promise<Uint8Array>);
  /** The headers as they came. */
  readonly headers: WebhookHeaders;
}

/** What the relay lends an adapter while it verifies a request. */
export interface VerifyContext {
  /** Milliseconds since 1970, by the relay's clock. */
  readonly nowMs: number;
}

/** What the relay lends an adapter while it normalizes a payload. */
export interface NormalizeContext {
  /** The adapter's name on this relay. */
  readonly source: string;
  /** A header of the request. Always undefined where `receiveVerified` was given none. */
  header(name: string): string | undefined;
}

/** What `normalize` answers: one record, several, or null for "nothing to send". */
export type NormalizeResult = RelayRecordInput | readonly RelayRecordInput[] | null;

/**
 * Our code for one provider. Verifying and normalizing are apart, so that a webhook which was verified elsewhere needs
 * no switch that turns verification off.
 *
 * @typeParam Name - The literal name, so that `receiveVerified` knows the sources of this relay.
 * @typeParam Payload - What `receiveVerified` takes for this source.
 */
export interface WebhookAdapter<Name extends string = string, Payload = unknown> {
  /** The source: last part of the webhook's path, and `source` on every event. */
  readonly name: Name;
  /**
   * Checks the signature over the raw bytes, then reads them.
   *
   * @throws RelayError `signature_invalid`, `malformed_payload` or `unsupported_webhook`.
   */
  verify(request: WebhookRequest, context: VerifyContext): Promise<unknown>;
  /**
   * Turns a verified payload into records.
   *
   * @throws RelayError `malformed_payload` when it is not the provider's shape.
   */
  normalize(payload: Payload, context: NormalizeContext): Promise<readonly RelayRecordInput[]>;
}

/** What {@link defineAdapter} is given. */
export interface AdapterDefinition<Name extends string, Schema extends StandardSchemaV1> {
  /** The source: letters, digits, `-` and `_`, since it stands in a path. */
  readonly name: Name;
  /** Throws `signature_invalid` unless the request is authentic. The body is read as JSON afterwards. */
  readonly verify: (request: WebhookRequest, context: VerifyContext) => void | Promise<void>;
  /** Any Standard Schema (zod, valibot, arktype). Its output types `normalize`. */
  readonly schema: Schema;
  /** Turns the payload into records; null or an empty list means there is nothing to send. */
  readonly normalize: (
    payload: StandardSchemaV1.InferOutput<Schema>,
    context: NormalizeContext,
  ) => NormalizeResult | Promise<NormalizeResult>;
}

/**
 * Makes an adapter for a provider: verify the bytes, read JSON, check the shape once, normalize. What `schema` or
 * `normalize` throws, other than a RelayError, is a `mapping_failed`: the provider keeps the webhook.
 *
 * @throws RelayError `invalid_options` when a part is missing or the name can't stand in a path.
 * @see https://standardschema.dev
 */
export function defineAdapter<const Name extends string, Schema extends StandardSchemaV1>(
  definition: AdapterDefinition<Name, Schema>,
): WebhookAdapter<Name, StandardSchemaV1.InferInput<Schema>> {
  const { name, verify, schema, normalize } = definition;
  if (typeof name !== "string" || !/^[\w-]{1,64}$/.test(name)) {
    throw invalidOption("name", 'a path segment of at most 64 letters, digits, "-" and "_"', name);
  }
  if (typeof verify !== "function") throw invalidOption("verify", "a function", verify);
  if (schema?.["~standard"]?.version !== 1) {
    throw invalidOption("schema", "a Standard Schema, such as zod's", schema);
  }
  if (typeof normalize !== "function") throw invalidOption("normalize", "a function", normalize);

  return Object.freeze({
    name,
    async verify(request: WebhookRequest, context: VerifyContext) {
      await verify(request, context);
      return parseJson(request, name);
    },
    async normalize(payload: unknown, context: NormalizeContext) {
      let result: NormalizeResult;
      try {
        result = await normalize(await parsePayload(schema, payload, name), context);
      } catch (cause) {
        throw asMappingFailed(cause, `normalize of ${name} or its schema`);
      }
      if (typeof result !== "object") {
        throw wrongAnswer(`normalize of ${name}`, result, "a record, a list, or null");
      }
      return [result ?? []].flat();
    },
  });
}

/**
 * A payload, or a part of one, in the shape that `schema` asks for.
 *
 * @param what - Where it stands, for the error message: the source or the provider's event type.
 * @throws RelayError `malformed_payload` that names the fields, never their values.
 */
export async function parsePayload<Schema extends StandardSchemaV1>(
  schema: Schema,
  payload: unknown,
  what: string,
): Promise<StandardSchemaV1.InferOutput<Schema>> {
  let result: StandardSchemaV1.Result<StandardSchemaV1.InferOutput<Schema>>;
  try {
    result = await schema["~standard"].validate(payload);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    // The stack overflows: of recursive schemas in depth, of zod where every item of a very long list is wrong.
    throw new RelayError("malformed_payload", `${what} webhook is too large for its schema`, { cause });
  }
  if (result.issues === undefined) return result.value;
  throw new RelayError(
    "malformed_payload",
    `${what} webhook has not the expected shape: ${describeForeignIssues(result.issues)}`,
  );
}

/** The value of a header; a header that came several times is joined by `", "`, as Node does. */
export function headerOf(headers: WebhookHeaders, name: string): string | undefined {
  // Not instanceof: there are other Headers than the global ones.
  if (isHeaders(headers)) return headers.get(name) ?? undefined;
  const wanted = name.toLowerCase();
  const value = headers[wanted] ?? Object.entries(headers).find(([key]) => key.toLowerCase() === wanted)?.[1];
  return typeof value === "string" || value === undefined ? value : value.join(", ");
}

function isHeaders(headers: WebhookHeaders): headers is Headers {
  return typeof headers.get === "function";
}

/**
 * The body's exact bytes.
 *
 * @throws RelayError `body_already_parsed` when it is neither bytes nor text.
 */
export function bodyBytes(request: WebhookRequest): Uint8Array {
  const body: unknown = request.body;
  if (typeof body === "string") return utf8Bytes(body);
  // Not instanceof: test runners and workers hand over bytes of another realm.
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  throw new RelayError(
    "body_already_parsed",
    `the body must be the raw bytes or text, got ${describeType(body)}: see express.raw(), request.text()`,
  );
}

/** A body this small costs nobody much, whatever it is made of: four thousand levels fit in, and no stack overflows. */
const MODEST_BODY_BYTES = 8_192;

/** No provider nests so deep: a megabyte of brackets alone takes 50 ms and more to parse, and then schemas overflow. */
const MAX_JSON_DEPTH = 64;

/** Twice as many as a body of 1 MiB has that says something; a list of a million zeros costs a schema all memory. */
const MAX_JSON_VALUES = 100_000;

/** Replacement characters and a swallowed BOM would make other bytes than those that were signed. */
const strictUtf8 = /* @__PURE__ */ new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function parseJson(request: WebhookRequest, source: string): unknown {
  const bytes = bodyBytes(request);
  try {
    const json = strictUtf8.decode(bytes);
    if (bytes.length <= MODEST_BODY_BYTES || isModest(json)) return JSON.parse(json);
  } catch {
    // The cause is left out: its message quotes the body.
    throw new RelayError("malformed_payload", `${source} sent a body that is not JSON in UTF-8`);
  }
  throw new RelayError(
    "malformed_payload",
    `${source} sent JSON of more than ${MAX_JSON_VALUES} values or ${MAX_JSON_DEPTH} levels`,
  );
}

/** Whether a parser may have it. What is no JSON is left for the parser to refuse. */
function isModest(json: string): boolean {
  let depth = 0;
  let values = 1;
  let isText = false;
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '"') isText = !isText;
    else if (isText) {
      if (character === "\\") at++;
    } else if (character === ",") {
      values++;
    } else if (character === "[" || character === "{") {
      values++;
      depth++;
      if (depth > MAX_JSON_DEPTH) return false;
    } else if (character === "]" || character === "}") {
      depth--;
    }
  }
  return values <= MAX_JSON_VALUES;
}
