import { invalidOption, NAME } from "./errors.js";

/** Takes one line at a time: fields first, then the message. pino fits as it is. */
export interface Logger {
  /** What became of each webhook. */
  debug(fields: object, message: string): void;
  /** What is normal and worth a look, such as an event that has nothing to send. */
  info(fields: object, message: string): void;
  /** What the sender or the settings got wrong, such as a signature. */
  warn(fields: object, message: string): void;
  /** What keeps events from being taken or delivered. */
  error(fields: object, message: string): void;
}

/** What is used where no logger is given: warnings and errors to the console, one line each. */
export const consoleLogger: Logger = { debug() {}, info() {}, warn: toConsole("warn"), error: toConsole("error") };

function toConsole(level: "warn" | "error") {
  return (fields: object, message: string) => console[level](`[affonso-relay] ${message}`, JSON.stringify(fields));
}

/**
 * What may be logged of an error that somebody else made: its kind and the place it came from. Its message may quote an
 * e-mail address or a body.
 */
export function causeFields(cause: unknown): { cause?: string; causeCode?: string; causeAt?: string } {
  if (!(cause instanceof Error)) return cause === undefined ? {} : { cause: typeof cause };
  const { name, code, stack, message } = cause as Partial<Record<"name" | "code" | "stack" | "message", unknown>>;
  // The message stands before the frames and may look like one. A frame names a file, and ends with line and column.
  const frames = String(stack).replace(String(message), "");
  const frame = /^ +at [^\n]*(?:[/\\]|node:)[^\n]*:\d+:\d+\)?$/m.exec(frames)?.[0].trim();
  return {
    cause: typeof name === "string" && NAME.test(name) ? name : "Error",
    ...(typeof code === "string" && NAME.test(code) && { causeCode: code }),
    ...(frame !== undefined && { causeAt: frame }),
  };
}

/**
 * The logger, made unable to throw: a log that is full must not decide what a provider is answered.
 *
 * @throws RelayError `invalid_options` where it lacks a method.
 */
export function unfailing(logger: Partial<Logger> | null): Logger {
  const safely = (level: keyof Logger) => {
    if (typeof logger?.[level] !== "function") {
      throw invalidOption(`logger.${level}`, "a function (fields, message)", logger?.[level]);
    }
    return (fields: object, message: string) => {
      try {
        const done: unknown = logger[level]?.(fields, message);
        if (done instanceof Promise) done.catch(() => {});
      } catch {
        // There is nowhere left to say it.
      }
    };
  };
  return { debug: safely("debug"), info: safely("info"), warn: safely("warn"), error: safely("error") };
}
