import fc from "fast-check";
import { expect } from "vitest";
import type { Claim, ClaimedEntry, Outbox, Settlement } from "../../../src/outbox/outbox.js";
import { DAY, link, MINUTE, NOW, refund, sale } from "./entries.js";

const small = fc.integer({ min: 0, max: 5 });
const reference = fc.constantFrom("customer:cus_1", "customer:cus_2", "invoice:in_1", "payment:pi_1", "payment:pi_2");
const references = fc.uniqueArray(reference, { maxLength: 3 });
const settlement: fc.Arbitrary<Settlement> = fc.record(
  {
    state: fc.constantFrom("pending", "delivered", "unmatched", "dead"),
    dueAtMs: fc.constantFrom(NOW, NOW + MINUTE, NOW + DAY, NOW + 30 * DAY),
    held: fc.boolean(),
    countsAttempt: fc.boolean(),
    conversionId: fc.constantFrom("conv_1", null),
    error: fc.constantFrom({ reason: "timeout" }, { reason: "rejected", field: "sale_amount" }, null),
    wake: references,
  },
  { requiredKeys: ["state"] },
);

/** What may be asked of an outbox, in any order. */
const command = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("put" as const), id: small, key: small, amount: small, references }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("refund" as const), id: small, references }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("link" as const), references, referral: fc.option(small) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("claim" as const), max: small, admitted: small }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("settle" as const), which: fc.nat(20), settlement }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("release" as const), which: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1, MINUTE, DAY, -DAY) }) },
  { weight: 1, arbitrary: fc.constant({ do: "wakeRetries" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom("replay" as const, "discard" as const),
      reason: fc.option(fc.constant("rejected")),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("prune" as const), olderThanMs: fc.constantFrom(0, DAY) }) },
);

type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

export const commands: fc.Arbitrary<Command[]> = fc.array(command, { minLength: 5, maxLength: 60, size: "max" });

/** Does the same to several outboxes, and expects the same answers of them; and of each that it counts what it lists. */
export async function runCommands(outboxes: readonly Outbox[], list: readonly Command[]): Promise<void> {
  let nowMs = NOW;
  const claimed: ClaimedEntry[] = [];
  for (const [at, command] of list.entries()) {
    if (command.do === "wait") nowMs += command.ms;
    const answers: unknown[] = [];
    for (const outbox of outboxes) answers.push(await perform(outbox, command, nowMs, claimed));
    for (const answer of answers) expect(answer, `command ${at}`).toEqual(answers[0]);
    if (command.do === "claim") claimed.push(...(answers[0] as Claim).entries);

    const states = [];
    for (const outbox of outboxes) states.push(await stateOf(outbox));
    for (const state of states) expect(state, `after command ${at}`).toEqual(states[0]);
  }
}

function perform(outbox: Outbox, command: Command, nowMs: number, claimed: readonly ClaimedEntry[]): unknown {
  switch (command.do) {
    case "put": {
      const { id, key, amount, references } = command;
      const businessKey = key === 0 ? null : `in_${key}`;
      const overrides = { businessKey, fingerprint: `${amount % 2}`, references, awaitsReferral: amount < 3 };
      return outbox.put({ entries: [sale(id, overrides)], links: [] }, nowMs);
    }
    case "refund":
      return outbox.put({ entries: [refund(command.id, { references: command.references })], links: [] }, nowMs);
    case "link": {
      const referral = command.referral === null ? null : `ref_${command.referral}`;
      return outbox.put({ entries: [], links: [link(command.references, referral)] }, nowMs);
    }
    case "claim": {
      const { max, admitted } = command;
      const admit = (lane: object, available: number) => ({
        count: Math.min(available, admitted),
        lane: { ...lane, failures: available },
      });
      return outbox.claim({ nowMs, leaseMs: MINUTE, max, maxStarts: 2, admit });
    }
    case "settle": {
      const entry = claimed[command.which % Math.max(claimed.length, 1)];
      if (entry === undefined) return undefined;
      return outbox.settle(entry, command.settlement, nowMs, (lane) => ({ ...lane, rejections: command.which }));
    }
    case "release": {
      const entry = claimed[command.which % Math.max(claimed.length, 1)];
      return outbox.release(entry === undefined ? [] : [entry], nowMs);
    }
    case "wait":
      return undefined;
    case "wakeRetries":
      return outbox.wakeRetries(nowMs);
    case "replay":
    case "discard":
      return outbox[command.do](command.reason === null ? {} : { reason: command.reason }, nowMs);
    case "prune":
      return outbox.prune(command.olderThanMs, nowMs);
  }
}

async function stateOf(outbox: Outbox): Promise<unknown> {
  const entries = await outbox.list({}, { limit: 1_000 });
  const stats = await outbox.stats();
  const counts = { pending: 0, delivered: 0, unmatched: 0, dead: 0, discarded: 0 };
  for (const { state } of entries) counts[state]++;
  expect(stats.counts).toEqual(counts);
  const pending = entries.filter(({ state }) => state === "pending").map(({ createdAtMs }) => createdAtMs);
  expect(stats.oldestPendingAtMs).toBe(pending.length === 0 ? null : Math.min(...pending));
  const all = ["customer:cus_1", "customer:cus_2", "invoice:in_1", "payment:pi_1", "payment:pi_2"];
  const found = [];
  for (const reference of all) found.push(await outbox.findEvent("stripe", { references: [reference] }));
  for (let key = 1; key <= 5; key++) found.push(await outbox.findEvent("stripe", { businessKey: `in_${key}` }));
  const referrals = await outbox.referralsOf("stripe", all);
  const related = [
    await outbox.relatedTo("stripe", ["invoice:in_1"]),
    await outbox.relatedTo("stripe", ["payment:pi_1"]),
  ];
  return { entries, stats, found, referrals, related };
}
