import { type Static, type TSchema, Type } from 'typebox';
import { durationPattern, durationRule, sizePattern, sizeRule } from './units.ts';

/** Kafka's own rule for topic names (`.` and `..` are refused besides). */
export const topicNamePattern = /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/;

const count = (most: number) =>
  Type.Integer({ minimum: 1, maximum: most, rule: `a whole number from 1 to ${most}` } as const);
const choice = <Choices extends readonly string[]>(...choices: Choices) =>
  Type.Enum([...choices], { rule: `one of ${choices.join(' | ')}` });
const duration = Type.String({ pattern: durationPattern, rule: durationRule });
const text = Type.String({ minLength: 1, maxLength: 500, rule: 'a text of at most 500 characters' });

/** Settings that every topic must have, from wherever. */
export const neededSettings = {
  partitions: count(10_000),
  replication: count(32),
  minInSyncReplicas: count(32),
  retention: duration,
  cleanup: choice('delete', 'compact', 'compact,delete'),
  compression: choice('producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'),
  maxMessage: Type.String({ pattern: sizePattern, rule: sizeRule }),
};

/** Settings that are left to the cluster where the file does not name them. */
const furtherSettings = {
  segment: duration,
  timestampType: choice('CreateTime', 'LogAppendTime'),
  timestampsBefore: duration,
  timestampsAfter: duration,
  uncleanLeaderElection: Type.Boolean({ rule: 'true or false' }),
};

const strict = { additionalProperties: false } as const;

/** What `defaults`, a class, and (with more) a topic may hold. */
export const settingsSchema = Type.Partial(Type.Object({ ...neededSettings, ...furtherSettings }), strict);

export const topicSchema = Type.Object(
  {
    ...settingsSchema.properties,
    class: Type.Optional(Type.String({ minLength: 1, rule: 'the name of a class' })),
    owner: text,
    purpose: text,
  },
  strict,
);

/** The whole file; names of classes and topics are checked beside it. */
export const fileSchema = Type.Object(
  {
    defaults: Type.Optional(settingsSchema),
    classes: Type.Optional(Type.Record(Type.String(), settingsSchema)),
    topics: Type.Record(Type.String(), topicSchema),
  },
  strict,
);
export type TopicsFile = Static<typeof fileSchema>;
export type Settings = Static<typeof settingsSchema>;

/** What a schema allows, in words. */
export const ruleOf = (schema: TSchema): string => (schema as { rule?: string }).rule ?? 'a mapping';
