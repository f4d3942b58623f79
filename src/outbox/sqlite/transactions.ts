import type { RelayError } from "../../errors.js";
import type { Connection } from "./connection.js";
import { hadNoTransaction, isBusy, unavailable } from "./failure.js";
import { PATIENCE_MS, pause } from "./patience.js";

/** Reads and writes of one method, all of them or none. It may be called again for another try. */
export type Work<T> = (connection: Connection) => T;

/**
 * What a work throws that refuses, before it has written anything: it concerns nobody else in the transaction. Savepoints,
 * which could undo what was written as well, cost more than all the rest of a transaction.
 */
export class Refusal {
  readonly error: RelayError;

  constructor(error: RelayError) {
    this.error = error;
  }
}

interface Job {
  readonly work: Work<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly deadline: number;
  /** Others may have failed because of it, or it because of others. */
  readonly alone: boolean;
}

/** So that one transaction does not hold up the event loop for long. */
const MAX_GROUP = 500;

/** What is asked for in one turn of the event loop shares one transaction, and one flush to the disk. */
export class Transactions {
  readonly #connection: Connection;
  #queue: Job[] = [];
  #running: Promise<void> | undefined;
  #isOpen = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Resolves once the work is committed.
   *
   * @throws RelayError `outbox_unavailable` when it is not, or when nobody knows; or what the work refuses with.
   */
  run<T>(work: Work<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const job = { work, reject, deadline: performance.now() + PATIENCE_MS, alone: false };
      this.#queue.push({ ...job, resolve: (value) => resolve(value as T) });
      this.#running ??= this.#drain();
    });
  }

  /** Resolves once nothing is asked for any more, and leaves no transaction behind. */
  async drained(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    this.#tryRollback();
  }

  async #drain(): Promise<void> {
    await endOfTurn();
    while (this.#queue.length > 0) {
      if (this.#begin()) {
        // Nothing may come between the two: what is read on this connection meanwhile would not be committed.
        this.#commit(this.#take());
        await endOfTurn();
      } else if (this.#queue.length > 0) {
        await pause();
      }
    }
    this.#running = undefined;
  }

  /** Takes the write lock, or gives up those who waited for too long. */
  #begin(): boolean {
    try {
      this.#rollback();
      this.#connection.exec("BEGIN IMMEDIATE");
      this.#isOpen = true;
      return true;
    } catch (cause) {
      if (!isBusy(cause)) this.#abandon();
      const now = performance.now();
      const isOver = isBusy(cause) ? (job: Job) => job.deadline <= now : () => true;
      const over = this.#queue.filter(isOver);
      this.#queue = this.#queue.filter((job) => !isOver(job));
      for (const job of over) job.reject(unavailable(cause));
      return false;
    }
  }

  #take(): Job[] {
    const alone = this.#queue.findIndex((job) => job.alone);
    return this.#queue.splice(0, alone === 0 ? 1 : Math.min(MAX_GROUP, alone < 0 ? MAX_GROUP : alone));
  }

  #commit(jobs: readonly Job[]): void {
    const answers: (() => void)[] = [];
    try {
      for (const job of jobs) answers.push(this.#attempt(job));
    } catch (cause) {
      this.#tryRollback();
      // One of them took the transaction with it: each for itself, then.
      if (jobs.length > 1) this.#queue.unshift(...jobs.map((job) => ({ ...job, alone: true })));
      else for (const job of jobs) job.reject(unavailable(cause));
      return;
    }
    try {
      this.#connection.exec("COMMIT");
      this.#isOpen = false;
    } catch (cause) {
      this.#tryRollback();
      for (const job of jobs) job.reject(unavailable(cause));
      return;
    }
    for (const answer of answers) answer();
  }

  /** Whatever a job throws that is no refusal ends the transaction, with what it has written. */
  #attempt({ work, resolve, reject }: Job): () => void {
    try {
      const value = work(this.#connection);
      return () => resolve(value);
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
      return () => reject(cause.error);
    }
  }

  /** For a transaction of which nobody knows whether it began. */
  #abandon(): void {
    this.#isOpen = true;
    this.#tryRollback();
  }

  #tryRollback(): void {
    try {
      this.#rollback();
    } catch {
      // Tried again before the next transaction begins.
    }
  }

  #rollback(): void {
    if (!this.#isOpen) return;
    try {
      this.#connection.exec("ROLLBACK");
    } catch (cause) {
      // SQLite has done it by itself, or the commit went through after all.
      if (!hadNoTransaction(cause)) throw cause;
    }
    this.#isOpen = false;
  }
}

function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
