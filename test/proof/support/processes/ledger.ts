import type { Sandbox } from "../../../../src/sandbox/index.js";
import { saleOf } from "./shop.js";

/** Sales that were acknowledged against sales that count, whatever the ids under which they were told. */
export function compare(sandbox: Sandbox, acknowledged: Iterable<string>): { lost: string[]; double: string[] } {
  const counted = new Map<string, number>();
  for (const { external_event_id } of sandbox.conversions) {
    const sale = saleOf(external_event_id);
    counted.set(sale, (counted.get(sale) ?? 0) + 1);
  }
  const sales = new Set([...acknowledged].map(saleOf));
  return {
    lost: [...sales].filter((sale) => !counted.has(sale)),
    double: [...counted].filter(([, times]) => times > 1).map(([sale]) => sale),
  };
}
