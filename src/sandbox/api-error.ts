/** The error codes of the API, with the HTTP status of each: https://docs.affonso.io */
export const API_ERRORS = {
  VALIDATION_ERROR: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  DUPLICATE_ERROR: 409,
  RATE_LIMIT_EXCEEDED: 429,
  INTERNAL_ERROR: 500,
} as const;

/** One of the codes in {@link API_ERRORS}. */
export type ApiErrorCode = keyof typeof API_ERRORS;

/** One wrong field of a request. */
export interface FieldProblem {
  readonly field: string;
  readonly message: string;
}

interface ApiErrorExtras {
  readonly field?: string | undefined;
  readonly details?: readonly FieldProblem[] | undefined;
  readonly retryAfter?: number | undefined;
}

/** A refusal that the client is told in the API's error envelope. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ApiErrorCode;
  readonly status: number;
  readonly extras: ApiErrorExtras;

  constructor(code: ApiErrorCode, message: string, extras: ApiErrorExtras = {}) {
    super(message);
    this.code = code;
    this.status = API_ERRORS[code];
    this.extras = extras;
  }
}

/** A `VALIDATION_ERROR` which names every wrong field; `field` and the message speak of the first. */
export function validationError(details: readonly FieldProblem[]): ApiError {
  const first = details[0];
  const message = first === undefined ? "The request is invalid" : `${first.field} ${first.message}`;
  return new ApiError("VALIDATION_ERROR", message, { field: first?.field, details });
}

/** The body that carries an error. */
export function errorEnvelope(error: ApiError): object {
  return { success: false, error: { code: error.code, message: error.message, ...error.extras } };
}

/** The code that an HTTP status stands for, where it stands for one. */
export function codeOfStatus(status: number): ApiErrorCode | undefined {
  const codes = Object.keys(API_ERRORS) as ApiErrorCode[];
  return codes.find((code) => API_ERRORS[code] === status);
}
