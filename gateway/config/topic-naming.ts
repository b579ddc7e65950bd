/**
 * Compiles a pattern for names of topics, `{domain}.{entity}.{event}[.v{version}]`: `{word}` is lower-case letters,
 * digits, `_` and `-`, at least one; `{version}` is a number; what is in brackets may be missing; anything else is itself.
 *
 * @returns undefined when a brace or bracket is without its other half, or brackets are in brackets.
 */
export function topicNaming(pattern: string): RegExp | undefined {
  const parts = pattern.match(token) ?? [];
  if (parts.join('') !== pattern) return undefined;
  let isOptional = false;
  let expression = '';
  for (const part of parts) {
    if (part === '[' || part === ']') {
      if (isOptional === (part === '[')) return undefined;
      isOptional = part === '[';
      expression += isOptional ? '(?:' : ')?';
    } else if (part.startsWith('{')) {
      expression += part === '{version}' ? '[0-9]+' : '[a-z0-9_-]+';
    } else {
      expression += part.replace(/[\\^$.*+?()|]/g, '\\$&');
    }
  }
  return isOptional ? undefined : new RegExp(`^${expression}$`);
}

const token = /\{[A-Za-z]+\}|[[\]]|[^{}[\]]+/g;
