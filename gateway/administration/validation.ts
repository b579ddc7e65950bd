import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Errors } from 'typebox/value';
import { Problem, type ProblemPart } from './problem.ts';

const mostParts = 10;
const longestDetail = 200;

/** What part of a request is checked, as it is called in a pointer. */
const names: Readonly<Record<string, string>> = {
  querystring: 'query',
  params: 'params',
  body: 'body',
  headers: 'headers',
};

/**
 * Checks a part of a request against its schema, and changes nothing in it: what is not known is refused, nothing is
 * filled in. Only in the query, which is nothing but text, are digits a number, and `true` and `false` what they say.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart = 'body' }) => {
  const part = names[httpPart] ?? httpPart;
  return (value: unknown) => {
    const checked = httpPart === 'querystring' ? withValues(schema, value) : value;
    const errors = [...Errors(schema, checked)];
    if (errors.length === 0) return { value: checked };
    const parts = errors.slice(0, mostParts).map(
      (error): ProblemPart => ({
        pointer: `/${part}${error.instancePath}`.slice(0, longestDetail),
        detail: error.message.slice(0, longestDetail),
      }),
    );
    return { error: new Problem('invalid_request', `${part} is not as /openapi.json says`, { parts }) };
  };
};

function withValues(schema: TSchema, value: unknown): unknown {
  const { properties = {} } = schema as { properties?: Readonly<Record<string, { readonly type?: string }>> };
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, text]) => [
      name,
      typedValue(Object.hasOwn(properties, name) ? properties[name]?.type : undefined, text),
    ]),
  );
}

function typedValue(type: string | undefined, text: unknown): unknown {
  if (type === 'integer' && typeof text === 'string' && /^\d{1,9}$/.test(text)) return Number(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}
