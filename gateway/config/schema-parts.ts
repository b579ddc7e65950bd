import { Type } from 'typebox';

/**
 * What a text setting holds beyond text: a `path` is resolved, a `url` is shown without its user name and password, a
 * `secret` is never shown.
 */
export type Holds = 'path' | 'url' | 'secret';

interface Range {
  readonly default: number;
  readonly minimum: number;
  readonly maximum: number;
}

interface TextRules {
  readonly default?: string;
  readonly pattern?: string;
  /** The pattern in words. */
  readonly rule?: string;
  readonly minLength?: number;
  readonly holds?: Holds;
}

/** A whole number with its default and both of its limits. */
export const integer = (description: string, range: Range) => Type.Integer({ ...range, description });

/** Text; without a default it must be given. */
export const text = (description: string, rules: TextRules = {}) => Type.String({ ...rules, description });

/** A mapping that refuses keys that it does not know, and may be left out when all of its settings have defaults. */
export const section = <Properties extends Parameters<typeof Type.Object>[0]>(
  description: string,
  properties: Properties,
) => Type.Object(properties, { additionalProperties: false, default: {}, description });
