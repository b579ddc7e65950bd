import { Type } from 'typebox';
import { integer, section } from './schema-parts.ts';

export const duplicates = section(
  'Dropping what a device sends again, while it is known to be on Kafka or in the spool.',
  {
    enabled: Type.Boolean({
      default: true,
      description: 'Drop and acknowledge duplicates, and count the gaps in the sequences of devices.',
    }),
    maxDevices: integer(
      'Devices whose last events are remembered; above it the one that has been quiet for longest is forgotten.',
      { default: 100_000, minimum: 1, maximum: 1_000_000 },
    ),
    windowSize: integer(
      'Events that are remembered per device, of its present start and of the one before; a power of two. Longer than what a device may send again.',
      { default: 1024, minimum: 64, maximum: 65_536 },
    ),
    maxWaitingCopies: integer(
      'Copies that may wait for how their first one ends, over all devices; a further one is written.',
      { default: 10_000, minimum: 0, maximum: 10_000_000 },
    ),
    maxWaitingBytes: integer('The same for the bytes of their payloads.', {
      default: 16_777_216,
      minimum: 0,
      maximum: 17_179_869_184,
    }),
  },
);
