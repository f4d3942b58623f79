import { RelayError } from "../errors.js";

/** Answered 413. */
export function bodyTooLarge(maxBodyBytes: number): RelayError {
  return new RelayError("body_too_large", `the body has more than ${maxBodyBytes} bytes`);
}

/** Answered 413 too: the framework's own limit came first. */
export function limitedByFramework(cause: Error): RelayError {
  const message = `a limit of the framework is below maxBodyBytes: ${cause.message}`;
  return new RelayError("body_too_large", message, { cause });
}

/** @param advice - What to do in this framework, in whole sentences: they reach whoever sent the request. */
export function bodyAlreadyParsed(advice: string): RelayError {
  return new RelayError(
    "body_already_parsed",
    `something read this request's body before affonso-relay could see its bytes. ${advice}`,
  );
}

/** Nobody is left to answer; the log has it. */
export function senderGone(cause?: unknown): RelayError {
  return new RelayError("client_gone", "the sender hung up before its body was complete", { cause });
}
