import type { RouteShorthandOptions } from 'fastify';
import type { TSchema } from 'typebox';
import { problemType } from '../problem.ts';
import type { RouteMarks } from '../request-state.ts';
import { problem } from '../schemas.ts';
import { allows, scopes } from '../scopes.ts';

/** The name of the security scheme in the document. */
export const schemeName = 'token';

interface Operation extends RouteMarks {
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  /** What else is to be said of it. */
  readonly more?: string;
  readonly params?: TSchema;
  readonly query?: TSchema;
  readonly body?: TSchema;
  readonly consumes?: readonly string[];
  /** Status and schema of the answer when all goes well. */
  readonly ok: readonly [status: 200 | 201, schema: TSchema];
}

const problems = { description: 'A problem (RFC 9457).', content: { [problemType]: { schema: problem } } };

/** What the route of an operation is to be registered with: its schemas, its scope, its part of the document. */
export function operation({ scope, action, ...about }: Operation): RouteShorthandOptions {
  const { id, tag, summary, more, params, query, body, consumes } = about;
  const [status, schema] = about.ok;
  const enough = scopes.filter((held) => allows(held, scope)).join(', ');
  const marks: RouteMarks = action === undefined ? { scope } : { scope, action };
  return {
    config: marks as object,
    schema: {
      operationId: id,
      tags: [tag],
      summary,
      description: [
        `Scope \`${scope}\` (tokens of ${enough}).`,
        ...(more === undefined ? [] : [more]),
        ...(action === undefined ? [] : [`Audit records: \`${action}\`.`]),
      ].join(' '),
      security: [{ [schemeName]: [scope] }],
      ...(params === undefined ? {} : { params }),
      ...(query === undefined ? {} : { querystring: query }),
      ...(body === undefined ? {} : { body }),
      ...(consumes === undefined ? {} : { consumes }),
      response: { [status]: schema, '4xx': problems, '5xx': problems },
    },
  };
}
