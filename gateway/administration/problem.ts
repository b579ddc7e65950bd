import type { FastifyReply } from 'fastify';

/** Why a request is not answered with what it asked for: the closed set behind `type` (RFC 9457, section 3.1.1). */
export const problemKinds = {
  invalid_request: { status: 400, title: 'The request is not right' },
  no_valid_token: { status: 401, title: 'A valid token is needed' },
  insufficient_scope: { status: 403, title: 'The token does not allow this' },
  not_found: { status: 404, title: 'There is no such thing' },
  already_exists: { status: 409, title: 'It exists already' },
  import_under_way: { status: 409, title: 'Another import is under way' },
  client_gone: { status: 408, title: 'The client has gone' },
  timed_out: { status: 408, title: 'The request took too long to arrive' },
  too_large: { status: 413, title: 'The body is too large' },
  uri_too_long: { status: 414, title: 'The address is too long' },
  unsupported_media_type: { status: 415, title: 'The body is of a type that is not taken here' },
  import_refused: { status: 422, title: 'Nothing was imported' },
  too_many_failures: { status: 429, title: 'Too many requests without a valid token' },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  internal_error: { status: 500, title: 'A defect of the gateway' },
  audit_unavailable: { status: 503, title: 'The audit record could not be written' },
  registry_unavailable: { status: 503, title: 'The device registry can not be used now' },
  tokens_unavailable: { status: 503, title: 'Tokens can not be looked up now' },
  shutting_down: { status: 503, title: 'The gateway is shutting down' },
} as const;
export type ProblemKind = keyof typeof problemKinds;

/** One thing that is wrong with a body. */
export interface ProblemPart {
  /** Line of the body, from 1 on. */
  readonly line?: number;
  /** Where in the request: a JSON pointer behind `body`, `query` or `params`. */
  readonly pointer?: string;
  readonly detail: string;
}

interface ProblemOptions {
  readonly parts?: readonly ProblemPart[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** Ends a request; `detail` is for whoever has sent it, and says what to do. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly kind: ProblemKind;
  /** A field, as Fastify sets it on errors of validation, to what it is. */
  statusCode: number;
  readonly parts: readonly ProblemPart[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(kind: ProblemKind, detail: string, { parts = [], headers = {} }: ProblemOptions = {}) {
    super(detail);
    this.kind = kind;
    this.statusCode = problemKinds[kind].status;
    this.parts = parts;
    this.headers = headers;
  }
}

export const problemType = 'application/problem+json';

/** The body of RFC 9457, section 3. */
export const problemBody = ({ kind, message, parts }: Problem, requestId: string): string =>
  JSON.stringify({
    type: `urn:edge-ingest-gateway:problem:${kind}`,
    title: problemKinds[kind].title,
    status: problemKinds[kind].status,
    detail: message,
    instance: `urn:uuid:${requestId}`,
    ...(parts.length === 0 ? {} : { errors: parts }),
  });

/** As bytes, so that no serializer of a route's answers touches it, and no charset is added to its type. */
export const sendProblem = (reply: FastifyReply, problem: Problem): FastifyReply =>
  reply
    .code(problem.statusCode)
    .headers(problem.headers)
    .type(problemType)
    .send(Buffer.from(problemBody(problem, reply.request.id)));

/** What Fastify itself refuses, by its code. Its own texts quote the request. */
const frameworkProblems: Readonly<Record<string, readonly [ProblemKind, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['too_large', 'send less'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'the types that are taken are in /openapi.json'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['invalid_request', 'the body is empty, and its type says JSON'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['invalid_request', 'the body is not JSON that is taken here'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['invalid_request', 'the body is not as long as Content-Length says'],
  FST_ERR_BAD_URL: ['invalid_request', 'the address holds a percent sign that encodes nothing'],
  FST_ERR_MAX_PARAM_LENGTH: ['uri_too_long', 'a part of the address is longer than any id'],
};

/** Makes a problem of whatever was thrown; undefined: a defect, of which nothing may be told. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  const known = typeof code === 'string' ? frameworkProblems[code] : undefined;
  if (known !== undefined) return new Problem(...known);
  if (statusCode === 503) return new Problem('shutting_down', 'ask another gateway');
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode >= 500) return undefined;
  return new Problem('invalid_request', 'the request could not be read');
}
