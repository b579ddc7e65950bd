import { Type } from 'typebox';
import { integer, section, text } from './schema-parts.ts';

const glue = section('AWS Glue, with `type: glue`. Credentials come from the default chain of AWS.', {
  region: text('Region; needed.', { default: '' }),
  registryName: text('Registry; it must exist.', { default: 'default-registry', minLength: 1 }),
  endpoint: text("Address instead of the region's own.", {
    default: '',
    pattern: '^(https?://[^\\s]+)?$',
    rule: 'an http or https address, or nothing',
    holds: 'url',
  }),
});

export const schemaRegistry = section('Schema registry.', {
  type: Type.Enum(['confluent', 'glue'], {
    default: 'confluent',
    description: '`confluent`: any registry that speaks the Confluent REST API. `glue`: AWS Glue Schema Registry.',
  }),
  url: text('With `confluent`: base address; user name and password in it are masked wherever it is shown.', {
    default: 'http://127.0.0.1:8081/apis/ccompat/v7',
    pattern: '^https?://[^\\s]+$',
    rule: 'an http or https address',
    holds: 'url',
  }),
  glue,
  register: Type.Boolean({
    default: true,
    description: 'Register a missing schema at the start, after its compatibility check; false: only look it up.',
  }),
  compatibility: Type.Enum(
    ['BACKWARD', 'BACKWARD_TRANSITIVE', 'FORWARD', 'FORWARD_TRANSITIVE', 'FULL', 'FULL_TRANSITIVE', 'NONE'],
    {
      default: 'BACKWARD',
      description:
        'What a new version of a schema must promise. `BACKWARD`: its readers read what the version before wrote.',
    },
  ),
  setCompatibility: Type.Boolean({
    default: false,
    description: 'Set `compatibility` at the subjects in the registry, too, whenever schemas are registered.',
  }),
  timeoutMs: integer('Time that the registry has for an answer.', { default: 5000, minimum: 100, maximum: 300_000 }),
});
