// Compiled by tsc and never run: the types of events, which are written by hand, say what their schemas check.
import type * as z from "zod/mini";
import type {
  LinkInput,
  RefundInput,
  RelayEvent,
  RelayEventInput,
  RelayRecord,
  RelayRecordInput,
} from "../../src/event.js";
import type { SCHEMAS } from "../../src/event-schema.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** The same fields, each as optional and of the same values; only `readonly` is left aside. */
type Same<A, B> = [A, B] extends [B, A] ? Equal<keyof A, keyof B> : false;
function expectTrue<_T extends true>(): void {}

type Schemas = typeof SCHEMAS;
type Output<Kind extends keyof Schemas> = z.output<Schemas[Kind]>;
type Input<Kind extends keyof Schemas> = Omit<z.input<Schemas[Kind]>, "source">;
type Of<Kind> = Extract<RelayRecord, { kind: Kind }>;

expectTrue<Same<Output<"event">, Of<"event">>>();
expectTrue<Same<Output<"event">["identity"], RelayEvent["identity"]>>();
expectTrue<Same<Output<"event">["references"], RelayEvent["references"]>>();
expectTrue<Same<NonNullable<Output<"event">["sale"]>, NonNullable<RelayEvent["sale"]>>>();
expectTrue<Same<Output<"refund">, Of<"refund">>>();
expectTrue<Same<Output<"link">, Of<"link">>>();
expectTrue<Same<Output<"skip">, Of<"skip">>>();

expectTrue<Same<Input<"event">, RelayEventInput>>();
expectTrue<Same<Input<"event">["identity"], RelayEventInput["identity"]>>();
expectTrue<Same<NonNullable<Input<"event">["references"]>, NonNullable<RelayEventInput["references"]>>>();
expectTrue<Same<Input<"refund">, RefundInput>>();
expectTrue<Same<Input<"link">, LinkInput>>();
expectTrue<Same<Input<"skip">, Extract<RelayRecordInput, { kind: "skip" }>>>();

// @ts-expect-error a field more, or less, would be seen
expectTrue<Same<Output<"link">, Of<"link"> & { note: string }>>();
