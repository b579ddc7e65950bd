import { Type } from 'typebox';
import { integer, section, text } from './schema-parts.ts';

export const spool = section('Spool on disk for long outages of Kafka.', {
  mode: Type.Enum(['off', 'outage', 'always'], {
    default: 'off',
    description:
      '`off`: devices wait while Kafka is away. `outage`: then records go to disk. `always`: every record goes to disk first.',
  }),
  directory: text('Directory of the spool; made when missing, for this user only. One gateway per directory.', {
    default: 'spool',
    minLength: 1,
    holds: 'path',
  }),
  afterMs: integer('Age of the oldest record without an answer from Kafka at which an outage begins.', {
    default: 10_000,
    minimum: 100,
    maximum: 3_600_000,
  }),
  lingerMs: integer('How long a record waits for others that are written and fsynced with it.', {
    default: 5,
    minimum: 0,
    maximum: 10_000,
  }),
  segmentBytes: integer('Size at which a new segment file is begun; settled segments are removed whole.', {
    default: 33_554_432,
    minimum: 65_536,
    maximum: 1_073_741_824,
  }),
  maxBytes: integer('Bytes of all segments above which nothing more is taken; devices wait then.', {
    default: 1_073_741_824,
    minimum: 1_048_576,
    maximum: 17_592_186_044_416,
  }),
  maxAgeSeconds: integer('Age of the oldest record in the spool above which nothing more is taken.', {
    default: 86_400,
    minimum: 1,
    maximum: 31_536_000,
  }),
  replayMaxRecords: integer(
    'Records under way in a replay, from the oldest unanswered one on; a crash repeats these.',
    {
      default: 20_000,
      minimum: 1,
      maximum: 100_000_000,
    },
  ),
  encrypted: Type.Boolean({
    default: false,
    description: 'Encrypt what is in the segment files, with the keys of `encryption`.',
  }),
  replayMaxBytes: integer('Their encoded bytes; one batch may exceed either.', {
    default: 8_388_608,
    minimum: 16_384,
    maximum: 17_179_869_184,
  }),
});
