// Errors of the SDK.
//
// NexevoError
// ├── APIError: a request has failed
// │   ├── APIConnectionError: no answer came
// │   │   └── APITimeoutError: it took too long
// │   ├── APIUserAbortError: the caller's signal ended it
// │   ├── APIStreamError: a stream told of an error after it had begun
// │   └── APIStatusError: the answer is a refusal; its classes are by status
// ├── JobFailedError: a job or a run that was waited for has failed
// ├── WaitTimeoutError: it was not over in time
// └── WebhookVerificationError: a webhook is not from the gateway

/** Base of all errors of the SDK. */
export class NexevoError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A request that has failed; `requestId` is for support, where an answer has come. */
export class APIError extends NexevoError {
  readonly requestId: string | null;

  constructor(message: string, options: { cause?: unknown; requestId?: string | null } = {}) {
    super(message, "cause" in options ? { cause: options.cause } : {});
    this.requestId = options.requestId ?? null;
  }
}

/** No answer came, or its connection broke. */
export class APIConnectionError extends APIError {}

/** No answer came in time. */
export class APITimeoutError extends APIConnectionError {}

/** The caller's `signal` ended the request. */
export class APIUserAbortError extends APIError {}

/** A stream told of an error after it had begun. */
export class APIStreamError extends APIError {
  readonly code: string | null;
  readonly type: string | null;
  readonly body: any;

  constructor(message: string, body: any, requestId: string | null = null) {
    super(message, { requestId });
    this.body = body;
    this.code = body?.error?.code ?? null;
    this.type = body?.error?.type ?? null;
  }
}

/** The answer is a refusal. `requestId` is for support, `code` for programs, `param` is a JSON path. */
export class APIStatusError extends APIError {
  readonly status: number;
  readonly headers: Headers;
  readonly code: string | null;
  readonly type: string | null;
  readonly param: string | null;
  readonly body: any;

  constructor(text: string, status: number, headers: Headers, body: any) {
    const requestId = requestIdOf(headers);
    super(`${text} (status ${status}, request ${requestId})`, { requestId });
    this.status = status;
    this.headers = headers;
    this.body = body;
    const told = typeof body?.error === "object" ? body.error : null;
    this.code = told?.code ?? null;
    this.type = told?.type ?? null;
    this.param = told?.param ?? null;
  }
}

/** 400: the request is wrong. */
export class BadRequestError extends APIStatusError {}
/** 401: the key is not known, or no longer good. */
export class AuthenticationError extends APIStatusError {}
/** 402: the balance does not cover the request. */
export class InsufficientBalanceError extends APIStatusError {}
/** 403: the key may not do this. */
export class PermissionDeniedError extends APIStatusError {}
/** 404: there is no such thing. */
export class NotFoundError extends APIStatusError {}
/** 408: the answer took longer than the gateway waits. */
export class RequestTimeoutError extends APIStatusError {}
/** 409: the request is in conflict with what was done before. */
export class ConflictError extends APIStatusError {}
/** 413: the body is too large. */
export class RequestTooLargeError extends APIStatusError {}
/** 429: too many requests, or too much spent. */
export class RateLimitError extends APIStatusError {}
/** 500 and above: the gateway or its provider has failed. */
export class InternalServerError extends APIStatusError {}

const BY_STATUS: Record<number, typeof APIStatusError> = {
  400: BadRequestError,
  401: AuthenticationError,
  402: InsufficientBalanceError,
  403: PermissionDeniedError,
  404: NotFoundError,
  408: RequestTimeoutError,
  409: ConflictError,
  413: RequestTooLargeError,
  429: RateLimitError,
};

/** A job or a run that was waited for has failed or was canceled; `job` is as it stands. */
export class JobFailedError extends NexevoError {
  readonly job: any;

  constructor(message: string, job: any) {
    super(message);
    this.job = job;
  }
}

/** What was waited for was not over in time. It goes on: `job` is as it was seen last. */
export class WaitTimeoutError extends NexevoError {
  readonly job: any;

  constructor(message: string, job: any, options?: { cause?: unknown }) {
    super(message, options);
    this.job = job;
  }
}

/** A webhook is not from the gateway, or is too old. */
export class WebhookVerificationError extends NexevoError {}

/** The id of a request, for support. */
export function requestIdOf(headers: Headers): string | null {
  return headers.get("x-trace-id") ?? headers.get("x-request-id") ?? headers.get("request-id");
}

/** The error for a good answer that is not the gateway's, or has been changed on its way. */
export function unreadable(response: globalThis.Response, why: string): APIError {
  const requestId = requestIdOf(response.headers);
  return new APIError(`${response.url} ${why} (request ${requestId})`, { requestId });
}

/** The error for an answer that refuses. */
export function refusalOf(status: number, headers: Headers, text: string): APIStatusError {
  let body: any = text;
  try {
    body = JSON.parse(text);
  } catch {
    // A proxy on the way may answer with text.
  }
  const kind = BY_STATUS[status] ?? (status >= 500 ? InternalServerError : APIStatusError);
  const message = body?.error?.message;
  return new kind(typeof message === "string" ? message : `HTTP ${status}`, status, headers, body);
}
