import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { custom, unsafeNoVerification } from "../../adapters/custom/index.js";
import { paddle } from "../../adapters/paddle/index.js";
import { stripe } from "../../adapters/stripe/index.js";
import { isRelayError } from "../../src/errors.js";
import type { Refund, RelayEvent } from "../../src/event.js";
import { fromMajorUnits, type Money } from "../../src/money.js";
import { toWireRefund } from "../../src/outbox/refund.js";
import { createRelay } from "../../src/relay-node.js";
import { recordingLogger } from "../helpers/relay.js";

// Of each currency and each way in; the full proof makes some four million sales and one million refunds of them.
const RUNS = Number(process.env["PROOF_RUNS"] ?? (process.env["PROOF"] === "full" ? 4_000 : 10));

// ISO 4217 list one, 2026: https://www.iso.org/iso-4217-currency-codes.html
const ISO = {
  0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
  2:
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP " +
    "COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR " +
    "JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN " +
    "NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL " +
    "THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG",
  3: "BHD IQD JOD KWD LYD OMR TND",
  4: "CLF UYW",
} as const;
const CURRENCIES = Object.entries(ISO).flatMap(([decimals, codes]) =>
  codes.split(" ").map((currency) => ({ currency, decimals: Number(decimals) })),
);

// https://docs.stripe.com/currencies: ISK and UGX come times 100, MGA as it is, HUF and TWD with cents.
const STRIPE_ZERO = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(" ");
const STRIPE_THREE = "BHD JOD KWD OMR TND".split(" ");
const stripeDecimals = (currency: string) =>
  STRIPE_ZERO.includes(currency) ? 0 : STRIPE_THREE.includes(currency) ? 3 : 2;

// https://developer.paddle.com/concepts/sell/supported-currencies
const PADDLE = "ARS AUD BRL CAD CHF CLP CNY COP CZK DKK EUR GBP HKD HUF ILS INR JPY KRW MXN NOK NZD PEN PLN SEK SGD THB"
  .concat(" TRY TWD UAH USD VND ZAR")
  .split(" ");
const paddleDecimals = (currency: string) => (["CLP", "JPY", "KRW", "VND"].includes(currency) ? 0 : 2);

const FIFTEEN_DIGITS = 999_999_999_999_999n;
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** A decimal by integer arithmetic alone, as JSON writes a number: without an exponent, without zeros at its end. */
function decimalText(minorUnits: bigint, decimals: number): string {
  const scale = 10n ** BigInt(decimals);
  const fraction = (minorUnits % scale).toString().padStart(decimals, "0").replace(/0+$/, "");
  return `${minorUnits / scale}${decimals === 0 || fraction === "" ? "" : `.${fraction}`}`;
}

const smallAmount = fc.bigInt({ min: 1n, max: 1_000_000n });
/** What people pay, what a number just carries, and what it does not. */
const anyAmount = fc.oneof(
  { weight: 4, arbitrary: smallAmount },
  { weight: 4, arbitrary: fc.bigInt({ min: 1n, max: FIFTEEN_DIGITS }) },
  fc.bigInt({ min: FIFTEEN_DIGITS - 2n, max: MAX_SAFE + 4n }),
  fc.bigInt({ min: MAX_SAFE, max: 10n ** 30n }),
);

const counts = { sent: 0, refused: 0, nothing: 0, shares: 0 };
let body = "";
const identity = { customerId: "cus_1" };
const relay = createRelay({
  apiKey: "sk_live_money",
  logger: recordingLogger().logger,
  fetch: async (_, init) => {
    body = new TextDecoder().decode(init?.body as Uint8Array);
    return new Response('{"success":true,"data":{"id":"conv_1"}}', { status: 201 });
  },
  adapters: [
    stripe({ webhookSecret: "whsec_money" }),
    stripe({ name: "stripe_gross", webhookSecret: "whsec_money", amount: "gross" }),
    paddle({ webhookSecret: "pdl_ntfset_money" }),
    paddle({ name: "paddle_earnings", webhookSecret: "pdl_ntfset_money", amount: "earnings" }),
    custom({
      name: "cents",
      verify: unsafeNoVerification(),
      schema: z.object({ minorUnits: z.number(), currency: z.string() }),
      normalize: (sale) => ({ name: "sale", type: "conversion", externalEventId: "evt_1", identity, sale }),
    }),
    custom({
      name: "decimals",
      verify: unsafeNoVerification(),
      schema: z.object({ amount: z.union([z.string(), z.number()]), currency: z.string() }),
      normalize: ({ amount, currency }) => {
        const sale = fromMajorUnits(amount, currency);
        return { name: "sale", type: "conversion", externalEventId: "evt_1", identity, sale };
      },
    }),
  ],
});

/** The text of `sale_amount` in what was sent for a payload; "refused" or "nothing" where nothing was. */
async function sentFor(
  source: (typeof relay.sources)[number],
  json: string,
): Promise<{ amount: string; currency?: string }> {
  body = "";
  try {
    await relay.receiveVerified(source, JSON.parse(json));
  } catch (error) {
    // Nothing of a refused sale has left, and the provider is told that it keeps the webhook.
    if (!isRelayError(error) || body !== "") throw error;
    expect(["malformed_payload", "invalid_event"]).toContain(error.code);
    counts.refused += 1;
    return { amount: "refused" };
  }
  if (body === "") {
    counts.nothing += 1;
    return { amount: "nothing" };
  }
  counts.sent += 1;
  // From the text, since a parser would hide how the number is spelled.
  const [, amount = "", currency = ""] = /"sale_amount":([^,}]*),"sale_amount_currency":"([^"]*)"/.exec(body) ?? [];
  return { amount, currency };
}

/** Exact, or refused; and refused only where a number has not got the digits. */
function expectExact(
  sent: { amount: string; currency?: string },
  minorUnits: bigint,
  { currency, decimals }: { currency: string; decimals: number },
): void {
  if (minorUnits <= 0n) {
    expect(sent.amount).toBe("nothing");
    return;
  }
  const exact = decimalText(minorUnits, decimals);
  const carries = minorUnits <= MAX_SAFE && (decimals === 0 || String(Number(exact)) === exact);
  if (minorUnits <= FIFTEEN_DIGITS) expect(carries).toBe(true);
  expect(sent).toEqual(carries ? { amount: exact, currency } : { amount: "refused" });
}

/** Of what is without tax, the share that was paid, to half a cent. */
function expectShare(
  sent: { amount: string; currency?: string },
  { net, paid, total }: { net: bigint; paid: bigint; total: bigint },
  currency: { currency: string; decimals: number },
): void {
  if (sent.amount === "nothing") {
    expect(2n * paid * net <= total).toBe(true);
    return;
  }
  const share = BigInt(sent.amount.replace(".", "") + "0".repeat(missingZeros(sent.amount, currency.decimals)));
  expectExact(sent, share, currency);
  // Twice the distance to the exact share, in units of 1/total: at most one half, and the half goes down.
  const twice = 2n * (share * total - paid * net);
  expect(twice >= -total && twice < total).toBe(true);
}

function stripeInvoice(fields: Record<string, unknown>, currency: string): string {
  const object = {
    ...{ id: "in_1", object: "invoice", customer: "cus_1", lines: { data: [] }, currency: currency.toLowerCase() },
    ...fields,
  };
  return eventText({
    id: "evt_1",
    object: "event",
    type: "invoice.paid",
    created: 1,
    livemode: true,
    data: { object },
  });
}

function paddleTransaction(totals: Record<string, unknown>, currency: string): string {
  const data = {
    ...{ id: "txn_1", status: "completed", origin: "api", customer_id: "ctm_1", currency_code: currency },
    ...{ items: [], details: { totals: { currency_code: currency, ...totals }, line_items: [] } },
  };
  const event = { event_id: "evt_1", event_type: "transaction.completed", occurred_at: "2026-03-02T09:15:33Z", data };
  return JSON.stringify(event, (_, value) => (typeof value === "bigint" ? String(value) : value));
}

/** JSON with each bigint as the integer that a sender would write, however large. */
function eventText(event: unknown): string {
  const text = JSON.stringify(event, (_, value) => (typeof value === "bigint" ? `bigint:${value}` : value));
  return text.replace(/"bigint:(-?\d+)"/g, "$1");
}

/** A property for each currency. */
async function holdsFor<T>(
  currencies: readonly { currency: string; decimals: number }[],
  arbitrary: fc.Arbitrary<T>,
  check: (value: T, currency: { currency: string; decimals: number }) => Promise<void>,
): Promise<void> {
  for (const currency of currencies) {
    await fc.assert(
      fc.asyncProperty(arbitrary, (value) => check(value, currency)),
      { numRuns: RUNS },
    );
  }
}

afterAll(() => console.log(JSON.stringify({ proof: "money", runs: RUNS, ...counts })));

describe("what is sent of a sale is the exact decimal, or nothing", { timeout: 3_600_000 }, () => {
  const ofStripe = CURRENCIES.map(({ currency }) => ({ currency, decimals: stripeDecimals(currency) }));
  const ofPaddle = PADDLE.map((currency) => ({ currency, decimals: paddleDecimals(currency) }));

  it("of Stripe's integers, in every currency", async () => {
    await holdsFor(ofStripe, anyAmount, async (paid, currency) => {
      const json = stripeInvoice({ amount_paid: paid, total: paid }, currency.currency);
      expectExact(await sentFor("stripe_gross", json), paid, currency);
    });
  });

  it("of Stripe's invoices without their taxes, wherever these stand", async () => {
    const invoice = fc.record({
      total: fc.oneof(smallAmount, fc.bigInt({ min: 1n, max: MAX_SAFE })),
      parts: fc.array(fc.bigInt({ min: -50n, max: 900n }), { maxLength: 4 }),
      field: fc.constantFrom("total_excluding_tax", "total_taxes", "tax", "total_tax_amounts"),
    });
    await holdsFor(ofStripe, invoice, async ({ total, parts, field }, currency) => {
      const taxes = parts.map((part) => (total * part) / 1_000n);
      const tax = taxes.reduce((sum, one) => sum + one, 0n);
      const net = total - tax;
      fc.pre(tax <= MAX_SAFE && net <= MAX_SAFE);
      const list = taxes.map((amount) => ({ amount }));
      const values = { total_excluding_tax: net, total_taxes: list, tax, total_tax_amounts: list };
      const json = stripeInvoice({ amount_paid: total, total, [field]: values[field] }, currency.currency);
      expectExact(await sentFor("stripe", json), net, currency);
    });
  });

  it("of Stripe's invoices of which another part was paid than the total, its share of what is without tax", async () => {
    const invoice = fc
      .record({
        total: fc.oneof(smallAmount, fc.bigInt({ min: 1n, max: FIFTEEN_DIGITS })),
        taxPermille: fc.bigInt({ min: 0n, max: 400n }),
        paidPermille: fc.oneof(fc.bigInt({ min: 1n, max: 999n }), fc.bigInt({ min: 1_001n, max: 2_000n })),
      })
      .map(({ total, taxPermille, paidPermille }) => {
        return { total, net: total - (total * taxPermille) / 1_000n, paid: (total * paidPermille) / 1_000n };
      });
    await holdsFor(ofStripe, invoice, async ({ total, net, paid }, currency) => {
      const fields = { amount_paid: paid, total, total_excluding_tax: net };
      const sent = await sentFor("stripe", stripeInvoice(fields, currency.currency));
      if (paid >= total) return expectExact(sent, net, currency);
      expectShare(sent, { net, paid, total }, currency);
    });
  });

  it("of Paddle's texts, in every currency: what was earned", async () => {
    await holdsFor(ofPaddle, anyAmount, async (earnings, currency) => {
      const totals = { tax: "0", total: "1", grand_total: "1", earnings };
      expectExact(await sentFor("paddle_earnings", paddleTransaction(totals, currency.currency)), earnings, currency);
    });
  });

  it("of Paddle's transactions without their taxes, a credit's share of them to half a cent", async () => {
    const transaction = fc
      .record({
        total: fc.oneof(smallAmount, fc.bigInt({ min: 1n, max: FIFTEEN_DIGITS })),
        taxPermille: fc.bigInt({ min: 0n, max: 400n }),
        creditPermille: fc.oneof(fc.constant(0n), fc.bigInt({ min: 1n, max: 1_100n })),
      })
      .map(({ total, taxPermille, creditPermille }) => {
        const credit = (total * creditPermille) / 1_000n > total ? total : (total * creditPermille) / 1_000n;
        return { total, tax: (total * taxPermille) / 1_000n, credit, grandTotal: total - credit };
      });
    await holdsFor(ofPaddle, transaction, async ({ total, tax, credit, grandTotal }, currency) => {
      const totals = { total, tax, credit, grand_total: grandTotal };
      const sent = await sentFor("paddle", paddleTransaction(totals, currency.currency));
      expectShare(sent, { net: total - tax, paid: grandTotal, total }, currency);
    });
  });

  it("of your own integers, in every currency", async () => {
    await holdsFor(CURRENCIES, anyAmount, async (minorUnits, currency) => {
      const json = eventText({ minorUnits, currency: currency.currency });
      expectExact(await sentFor("cents", json), minorUnits, currency);
    });
  });

  it("of your own decimal texts, in every currency", async () => {
    const amounts = fc.tuple(anyAmount, fc.nat({ max: 3 }));
    await holdsFor(CURRENCIES, amounts, async ([minorUnits, zeros], currency) => {
      const text = decimalText(minorUnits, currency.decimals);
      const amount = text + (text.includes(".") ? "0".repeat(zeros) : "");
      expectExact(
        await sentFor("decimals", JSON.stringify({ amount, currency: currency.currency })),
        minorUnits,
        currency,
      );
    });
  });

  it("of your own decimal numbers, which a parser has had in hands before", async () => {
    await holdsFor(CURRENCIES, anyAmount, async (minorUnits, { currency, decimals }) => {
      const exact = decimalText(minorUnits, decimals);
      const { amount } = await sentFor("decimals", `{"amount":${exact},"currency":"${currency}"}`);
      expect([exact, amount]).toEqual([exact, minorUnits <= FIFTEEN_DIGITS ? exact : "refused"]);
    });
  });

  it("refuses what is no whole number of minor units", async () => {
    const fraction = fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .filter((number) => !Number.isSafeInteger(number));
    await holdsFor(CURRENCIES, fraction, async (minorUnits, { currency }) => {
      expect(await sentFor("cents", JSON.stringify({ minorUnits, currency }))).toEqual({ amount: "refused" });
    });
  });
});

describe("what is sent of a refund", { timeout: 3_600_000 }, () => {
  const sale = (minorUnits: bigint, { currency, decimals }: Omit<Money, "minorUnits">): Money => {
    return { minorUnits: Number(minorUnits), currency, decimals };
  };
  const refundOf = (amount: Money): Refund => ({
    ...{ kind: "refund", source: "stripe", externalEventId: "re_1", businessKey: "refund:re_1", references: {} },
    amount,
  });
  const shareOf = (amount: Money, sold: RelayEvent["sale"], paid?: Money) =>
    /"amount":([^,}]*)/.exec(JSON.stringify(toWireRefund(refundOf(amount), sold, paid)))?.[1];
  const amount = fc.bigInt({ min: 1n, max: FIFTEEN_DIGITS });

  it("is its share of the sale, never more, less by no more than the smallest unit", async () => {
    const amounts = fc.tuple(
      fc.oneof(smallAmount, amount),
      fc.oneof(smallAmount, amount),
      fc.oneof(smallAmount, amount),
    );
    await holdsFor(CURRENCIES, amounts, async ([sold, paid, given], currency) => {
      counts.shares += 1;
      const sent = shareOf(sale(given, currency), sale(sold, currency), sale(paid, currency));
      const share = (given * sold) / paid;
      expect(sent).toBe(given < paid ? decimalText(share === 0n ? 1n : share, currency.decimals) : undefined);
    });
  });

  it("is the same however many decimals the refund is written with", async () => {
    const amounts = fc.tuple(fc.bigInt({ min: 2n, max: 10n ** 11n }), fc.bigInt({ min: 1n, max: 999n }));
    await holdsFor(CURRENCIES, amounts, async ([sold, permille], currency) => {
      const given = (sold * permille) / 1_000n;
      fc.pre(given > 0n);
      const finer = { currency: currency.currency, decimals: 4 };
      const written = sale(given * 10n ** BigInt(4 - currency.decimals), finer);
      expect(shareOf(written, sale(sold, currency))).toBe(decimalText(given, currency.decimals));
    });
  });
});

function missingZeros(text: string, decimals: number): number {
  return decimals - (text.split(".")[1] ?? "").length;
}
