import { defineAdapter } from "../../../../src/adapter.js";
import type { Outbox } from "../../../../src/outbox/outbox.js";
import { sqliteOutbox } from "../../../../src/outbox/sqlite.js";
import { createRelay } from "../../../../src/relay-node.js";

/** What the process is told when it starts. */
export interface DeliveringConfig {
  readonly path: string;
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly rateLimit: { readonly perMinute: number; readonly perSecond: number };
}

/** The header that says when a request was admitted, and by which limit per minute. */
export const ADMITTED_HEADER = "x-proof-admitted";

/** One of several processes that deliver what one file holds. It ends when it is told anything, or its parent is gone. */
async function deliver({ path, rateLimit, ...endpoint }: DeliveringConfig): Promise<void> {
  const admitted = new Map<string, string>();
  const watch = { readMs: 0 };
  const relay = createRelay({
    ...endpoint,
    adapters: [defineAdapter({ name: "none", verify: () => undefined, schema, normalize: () => null })],
    outbox: noting(sqliteOutbox({ path }), admitted, watch),
    clock: () => {
      watch.readMs = Date.now();
      return watch.readMs;
    },
    rateLimit,
    fetch: (input, init) => {
      const id = String(JSON.parse(new TextDecoder().decode(init?.body as Uint8Array)).external_event_id);
      return fetch(input, { ...init, headers: { ...init?.headers, [ADMITTED_HEADER]: admitted.get(id) ?? "" } });
    },
  });
  const end = async () => {
    await relay.stop();
    process.exit(0);
  };
  process.once("message", end);
  process.once("disconnect", end);
  await relay.start();
}

const schema = { "~standard": { version: 1, vendor: "proof", validate: (value: unknown) => ({ value }) } } as const;

/** Notes the moment for which the store admitted an entry: what comes later is the machine's doing. */
function noting(outbox: Outbox, admitted: Map<string, string>, watch: { readonly readMs: number }): Outbox {
  return new Proxy(outbox, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (name !== "claim") return value.bind(target);
      return async (request: Parameters<Outbox["claim"]>[0]) => {
        let limitPerMinute: number | undefined;
        let admittedAtMs = 0;
        const claim = await target.claim({
          ...request,
          admit: (lane, available) => {
            limitPerMinute = lane.limitPerMinute;
            const answer = request.admit(lane, available);
            // The time that it was decided by is the last one that was read.
            admittedAtMs = watch.readMs;
            return answer;
          },
        });
        for (const entry of claim.entries) {
          admitted.set(entry.externalEventId, `${admittedAtMs} ${limitPerMinute ?? ""}`);
        }
        return claim;
      };
    },
  });
}

const config = process.env["PROOF_DELIVERING"];
if (config !== undefined) await deliver(JSON.parse(config));
