import { integer, section } from './schema-parts.ts';

/** How many dead letters a device may have. */
export const deadLetters = section(
  'Share of the dead-letter topic that one device may take. Beyond it, what the gateway rejects is answered and counted, not kept.',
  {
    maxPerDevicePerMinute: integer('Dead letters of a device per minute in the long run.', {
      default: 60,
      minimum: 1,
      maximum: 1_000_000,
    }),
    burstPerDevice: integer('Dead letters of a device at once, after a quiet time.', {
      default: 600,
      minimum: 1,
      maximum: 10_000_000,
    }),
    maxDevices: integer('Devices whose shares are remembered: those that were rejected last.', {
      default: 20_000,
      minimum: 1,
      maximum: 10_000_000,
    }),
  },
);
