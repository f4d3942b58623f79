import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSandbox, type Sandbox } from "../../../../src/sandbox/index.js";
import { bundle } from "../../../helpers/bundle.js";
import { Child, killAll } from "./child.js";
import { REFERRAL, SIGNING_SECRET } from "./shop.js";

/** Beyond any lease: what the process before held is free again. */
const LEASE_OVER_MS = 61_000;

/** A sandbox in this process, and relays in processes of their own, one file between them. */
export class CrashingRelay {
  readonly path: string;
  readonly sandbox: Sandbox;
  readonly #folder: string;
  readonly #file: string;
  readonly #remove: () => void;
  readonly #baseUrl: string;
  readonly #clock: { aheadMs: number };

  static async start(): Promise<CrashingRelay> {
    const { file, remove } = await bundle(new URL("server.ts", import.meta.url));
    const clock = { aheadMs: 0 };
    const sandbox = createSandbox({
      signing: { secret: SIGNING_SECRET, required: true },
      referrals: [REFERRAL],
      rateLimit: false,
      clock: () => Date.now() + clock.aheadMs,
    });
    const { baseUrl } = await sandbox.start();
    return new CrashingRelay({ file, remove, sandbox, baseUrl, clock });
  }

  private constructor(parts: {
    file: string;
    remove: () => void;
    sandbox: Sandbox;
    baseUrl: string;
    clock: { aheadMs: number };
  }) {
    this.#folder = mkdtempSync(join(tmpdir(), "affonso-relay-proof-"));
    this.path = join(this.#folder, "outbox.db");
    this.#file = parts.file;
    this.#remove = parts.remove;
    this.sandbox = parts.sandbox;
    this.#baseUrl = parts.baseUrl;
    this.#clock = parts.clock;
  }

  /** A new process on the same file, now. */
  spawn(): Child {
    return new Child(this.#file, {
      path: this.path,
      baseUrl: this.#baseUrl,
      apiKey: this.sandbox.apiKey,
      aheadMs: this.#clock.aheadMs,
    });
  }

  /** From now on it is a minute later, for new processes and for the endpoint: leases of the dead are over. */
  aMinuteLater(): void {
    this.#clock.aheadMs += LEASE_OVER_MS;
  }

  async stop(): Promise<void> {
    await killAll();
    await this.sandbox.stop();
    rmSync(this.#folder, { recursive: true, force: true });
    this.#remove();
  }
}
