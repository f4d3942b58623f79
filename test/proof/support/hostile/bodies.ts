import { isFull } from "../network/figures.js";
import type { HostileSource } from "./server.js";

/** A body that is signed as it should be, and is otherwise what a sender would do to hurt. */
export interface HostileBody {
  readonly what: string;
  readonly source: HostileSource;
  readonly body: Buffer;
  readonly status: 200 | 400 | 503;
  /** What the endpoint is sent, to the field; null where it is sent nothing. */
  readonly sent: object | null;
}

const CREATED = 1_772_442_933;
const AT = new Date(CREATED * 1000).toISOString();

/** About as much as is taken: 1 MiB, with room for what stands around it. */
const MOST = 1024 * 1024 - 2_048;

interface Json {
  /** Stands in the envelope, in the object, and in its metadata: text, since not all of it is what JSON.stringify writes. */
  readonly top?: string;
  readonly inner?: string;
  readonly metadata?: string;
  readonly amount?: string;
  readonly list?: string;
}

const REFERRED = '"affonso_referral":"ref_ada"';

function invoice(id: string, { top = "", inner = "", metadata = REFERRED, amount = "2900", list = "" }: Json): string {
  return (
    `{${top}"id":"evt_${id}","object":"event","type":"invoice.paid","created":${CREATED},"livemode":true,` +
    `"data":{"object":{${inner}"id":"in_${id}","object":"invoice","amount_paid":${amount},"total":${amount},` +
    `"total_excluding_tax":${amount},"currency":"usd","customer":"cus_1","metadata":{${metadata}},"lines":{"data":[${list}]}}}}`
  );
}

function transaction(
  id: string,
  { top = "", inner = "", metadata = REFERRED, amount = '"2900"', list = "" }: Json,
): string {
  return (
    `{${top}"event_id":"evt_${id}","event_type":"transaction.completed","occurred_at":"${AT}","data":{${inner}"id":"txn_${id}",` +
    `"customer_id":"cus_1","currency_code":"USD","custom_data":{${metadata}},"items":[${list}],` +
    `"details":{"totals":{"tax":"0","total":${amount},"grand_total":${amount}},"line_items":[]}}}`
  );
}

function order(id: string, { top = "", metadata = REFERRED, amount = '"29"' }: Json): string {
  return `{${top}"id":"evt_${id}","total":${amount},"metadata":{${metadata}}}`;
}

function saleOf(source: HostileSource, id: string): object {
  const shared = {
    event_type: "conversion",
    external_event_id: `evt_${id}`,
    sale_amount: 29,
    sale_amount_currency: "USD",
  };
  const provided = { ...shared, referral_id: "ref_ada", customer_id: "cus_1", occurred_at: AT, is_subscription: false };
  switch (source) {
    case "stripe":
      return { ...provided, event_name: "invoice_paid", metadata: { source, invoice: `in_${id}` } };
    case "paddle":
      return { ...provided, event_name: "transaction_completed", metadata: { source, transaction: `txn_${id}` } };
    case "billing":
      return { ...shared, event_name: "order_paid", referral_id: "ref_ada", metadata: { affonso_referral: "ref_ada" } };
  }
}

const WRITERS = { stripe: invoice, paddle: transaction, billing: order };
const SOURCES = ["stripe", "paddle", "billing"] as const;

const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);
const members = (count: number, key: (at: number) => string | number) =>
  Array.from({ length: count }, (_, at) => `"${key(at)}":${at % 10}`).join(",");
const filled = (text: string, most = MOST) => text.repeat(Math.floor(most / text.length));

/** Values that a reader has no use for and must not fall over. */
const ODD_VALUES: readonly (readonly [what: string, json: string])[] = [
  ["a number beyond doubles", "1e400"],
  ["a number of a million digits", filled("9")],
  ["minus zero", "-0"],
  ["a number finer than doubles", "1e-400"],
  ["lone surrogates", '"\\ud800 \\udfff \\udc00\\ud800"'],
  ["a million lone surrogates", `"${filled("\\ud800")}"`],
  ["NUL and other controls", '"\\u0000\\u0001\\u001f\\u007f\\u2028"'],
  ["a string as long as the body", `"${filled("x")}"`],
  ["64 levels of lists less those around it", nested("[", "]", 60)],
  ["75,000 keys", `{${members(75_000, (at) => `k${at}`)}}`],
  ["75,000 whole numbers as keys", `{${members(75_000, (at) => at * 1_024)}}`],
  ["one key 90,000 times", `{${filled('"a":1,', 540_000)}"a":1}`],
  ["a key as long as the body", `{"${filled("k")}":1}`],
  ["an empty key", '{"":{"":[]}}'],
  ["45,000 empty lists", `[${filled("[],", 135_000)}[]]`],
  ["a million blanks", `[${" ".repeat(MOST)}]`],
  [
    "keys of prototypes",
    '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"prototype":{"polluted":1}}',
  ],
];

/** Signed bodies that must do no harm, each with what becomes of it; ids begin with `run`. */
export function hostileBodies(run: string): HostileBody[] {
  let count = 0;
  const nextId = () => `${run}_${++count}`;
  const bodies: HostileBody[] = [];
  const add = (source: HostileSource, what: string, json: Json, status: 200 | 400 | 503, more: object | null = {}) => {
    const id = nextId();
    const sent = status === 200 && more !== null ? { ...saleOf(source, id), ...more } : null;
    bodies.push({ what: `${source}: ${what}`, source, body: Buffer.from(WRITERS[source](id, json)), status, sent });
  };
  const raw = (source: HostileSource, what: string, body: string | Uint8Array) =>
    bodies.push({ what: `${source}: ${what}`, source, body: Buffer.from(body), status: 400, sent: null });

  for (const source of SOURCES) {
    // Where nobody looks, anything may stand.
    for (const [what, json] of ODD_VALUES) add(source, what, { top: `"unknown":${json},` }, 200);

    add(source, "keys of prototypes around the sale", { top: POLLUTION, inner: POLLUTION }, 200);
    add(source, "half a million empty lists", { top: `"unknown":[${filled("[],")}[]],` }, 400);
    add(
      source,
      "an amount that is said twice: the last one counts",
      { top: '"id":"evt_other","event_id":"evt_other",' },
      200,
    );
    for (const amount of ["1e400", '"1e400"', "null", "{}", "[2900]", "29.5e-9", '"NaN"', '""', '"٢٩"', "true"])
      add(source, `an amount of ${amount}`, { amount }, 400);

    for (const [what, open, close] of [
      ["lists", "[", "]"],
      ["objects", '{"a":', "}"],
    ] as const) {
      const depth = 100_000;
      add(source, `${depth} levels of ${what}`, { top: `"tree":${open.repeat(depth)}1${close.repeat(depth)},` }, 400);
      raw(source, `${what} that are never closed`, open.repeat(Math.floor(MOST / open.length)));
    }
    const right = WRITERS[source](nextId(), {});
    const bytes = Buffer.from(right);
    raw(source, "a BOM", `\ufeff${right}`);
    raw(source, "UTF-16", Buffer.from(`\ufeff${right}`, "utf16le"));
    for (const wrong of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
      const at = right.indexOf("ref_ada");
      const body = [bytes.subarray(0, at), Buffer.from(wrong), bytes.subarray(at)];
      raw(source, `${Buffer.from(wrong).toString("hex")}, which is no UTF-8`, Buffer.concat(body));
    }
    for (const text of NOT_JSON) raw(source, `not JSON: ${JSON.stringify(text).slice(0, 40)}`, text);
    for (const text of [
      `${right}x`,
      `${right}${right}`,
      `[${right}]`,
      right.slice(0, -1),
      `${right}\0`,
      `(${right})`,
    ]) {
      raw(source, `a sale and not: ${text.slice(-12)}`, text);
    }
    raw(source, "nothing but blanks", " ".repeat(MOST));
    raw(source, "nothing but quotes", '"'.repeat(MOST));
    raw(source, "nothing but backslashes", `"${"\\".repeat(MOST)}`);
  }

  for (const source of ["stripe", "paddle"] as const) {
    const unnamed = { referral_id: undefined };
    const evil = '"affonso_referral":"ref_evil"';
    add(source, "a referral on a prototype", { metadata: `"__proto__":{${evil}}` }, 200, unnamed);
    add(source, "a referral of the constructor", { metadata: `"constructor":{"prototype":{${evil}}}` }, 200, unnamed);
    add(source, "a referral with a NUL", { metadata: '"affonso_referral":"ref_ada\\u0000"' }, 200, unnamed);
    add(source, "a referral with a lone surrogate", { metadata: '"affonso_referral":"ref\\ud800"' }, 200, unnamed);
    add(source, "a referral of a megabyte", { metadata: `"affonso_referral":"${filled("r")}"` }, 200, unnamed);
    add(
      source,
      "a referral after a megabyte of blanks",
      { metadata: `"affonso_referral":"${" ".repeat(MOST)}ref_ada"` },
      200,
    );
    add(source, "a referral that is a list", { metadata: '"affonso_referral":["ref_ada"]' }, 200, unnamed);
    add(source, "metadata with 75,000 keys", { metadata: `${members(75_000, (at) => `k${at}`)},${REFERRED}` }, 200);
    add(source, "half a million items that are none", { list: `${filled("0,")}0` }, 400);
    add(source, "90,000 items that are none", { list: `${filled("0,", 180_000)}0` }, 400);
    add(source, "8,000 items that are wrong in every part", { list: `${filled(`${WRONG_ITEM},`)}${WRONG_ITEM}` }, 400);
  }
  const polluting = '"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"kept":"yes"';
  const kept = { metadata: { constructor: { prototype: { polluted: 1 } }, kept: "yes" } };
  add("billing", "metadata with keys of prototypes", { metadata: polluting }, 200, kept);
  add("billing", "an amount with zeros without end", { amount: `"29.${filled("0", isFull ? MOST : 20_000)}1"` }, 400);
  add("billing", "an amount with a million digits", { amount: `"${filled("9")}"` }, 400);
  return bodies;
}

const POLLUTION =
  '"__proto__":{"polluted":1,"livemode":false,"subscription":"sub_evil","subscription_id":"sub_evil","billing_reason":"evil",' +
  '"referral":"ref_evil","metadata":{"affonso_referral":"ref_evil"}},"constructor":{"prototype":{"polluted":1}},"prototype":{"polluted":1},';

const WRONG_ITEM =
  '{"amount":"x","type":1,"proration":1,"subscription":1,"period":1,"parent":1,"pricing":1,"price":1,"plan":1,"metadata":1}';

/** After Nicolas Seriot's "Parsing JSON is a minefield": https://github.com/nst/JSONTestSuite */
const NOT_JSON: readonly string[] = [
  ...[
    "",
    " ",
    "\0",
    "x",
    "nul",
    "True",
    "undefined",
    "NaN",
    "Infinity",
    "-",
    "+1",
    "01",
    "1.",
    ".5",
    "0x1",
    "1e",
    "2.e3",
  ],
  ...["[", "]", "[1,]", "[,1]", "[1 2]", "[1}", '["a', "['a']", '["\\x"]', '["\\u12"]', '["\n"]', "[1]//", "[1]/**/"],
  ...[
    "{",
    "}",
    "{,}",
    "{a:1}",
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{"a":1 "b":2}',
    "{1:1}",
    '{"a":1}}',
    "{null:1}",
    '{"a":1;}',
  ],
  // JSON, and no webhook.
  ...["null", "true", "7", '"text"', "[]", "{}", "[[]]", '{"id":null}', '{"id":{}}', '{"__proto__":{"id":"evt"}}'],
];
