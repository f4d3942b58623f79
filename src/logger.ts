/** Takes one line at a time: fields first, then the message. pino fits as it is. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What is used where no logger is given: warnings and errors to the console, one line each. */
export const consoleLogger: Logger = {
  debug() {},
  info() {},
  warn: (fields, message) => console.warn(`[affonso-relay] ${message}`, JSON.stringify(fields)),
  error: (fields, message) => console.error(`[affonso-relay] ${message}`, JSON.stringify(fields)),
};

/**
 * What may be logged of an error that somebody else made: its kind and the place it came from. Its message may quote an
 * e-mail address or a body.
 */
export function causeFields(cause: unknown): { cause?: string; causeCode?: string; causeAt?: string } {
  if (!(cause instanceof Error)) return cause === undefined ? {} : { cause: typeof cause };
  const { code } = cause as { code?: unknown };
  // The stack begins with the message, which may have lines of its own that look like a frame.
  const stack = cause.stack?.replace(cause.message, "") ?? "";
  const frame = stack.split("\n").find((line) => /^\s+at /.test(line));
  return {
    cause: cause.name,
    ...(typeof code === "string" && { causeCode: code }),
    ...(frame !== undefined && { causeAt: frame.trim() }),
  };
}

/** The logger, made unable to throw: a log that is full must not decide what a provider is answered. */
export function unfailing(logger: Logger): Logger {
  const safely = (level: keyof Logger) => (fields: object, message: string) => {
    try {
      logger[level](fields, message);
    } catch {
      // There is nowhere left to say it.
    }
  };
  return { debug: safely("debug"), info: safely("info"), warn: safely("warn"), error: safely("error") };
}
