import { RelayError } from "../../../../src/errors.js";
import type { Outbox } from "../../../../src/outbox/outbox.js";

/** Which call fails, and when: before it did anything, or after it committed. */
export interface StoreFault {
  readonly call: number;
  readonly when: "before" | "after";
  /** What the kit's stores throw, or what a driver throws. */
  readonly error: "relay" | "driver";
}

export interface FaultyOutbox {
  readonly outbox: Outbox;
  /** How many calls were made so far. */
  calls(): number;
  /** The method that failed; undefined while none did. */
  failed(): string | undefined;
}

/** An outbox one call of which fails. */
export function faultyOutbox(inner: Outbox, fault: StoreFault | undefined): FaultyOutbox {
  let calls = 0;
  let failed: string | undefined;
  const outbox = new Proxy(inner, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return (...args: unknown[]) => {
        calls += 1;
        if (calls !== fault?.call) return Reflect.apply(method, target, args);
        failed = String(name);
        if (fault.when === "before" && name === "now") throw errorOf(fault);
        if (fault.when === "before") return Promise.reject(errorOf(fault));
        return Promise.resolve(Reflect.apply(method, target, args)).then(() => {
          throw errorOf(fault);
        });
      };
    },
  });
  return { outbox, calls: () => calls, failed: () => failed };
}

function errorOf({ error }: StoreFault): Error {
  if (error === "relay") return new RelayError("outbox_unavailable", "the database is locked");
  return Object.assign(new Error("disk I/O error"), { code: "SQLITE_IOERR" });
}
