import { Type } from 'typebox';
import { integer, section, text } from './schema-parts.ts';

const anHourMs = 3_600_000;

export const readiness = section('When `/readyz` says that no further devices should be sent.', {
  unsettledAfterMs: integer('Age of the oldest unsettled record from which on the gateway is not ready.', {
    default: 10_000,
    minimum: 100,
    maximum: anHourMs,
  }),
  pressureAfterMs: integer(
    'How long the hard watermark may be exceeded before the gateway is not ready; time below it in between is taken off.',
    {
      default: 3000,
      minimum: 0,
      maximum: anHourMs,
    },
  ),
  recoverAfterMs: integer('How long everything must have been good before the gateway is ready again.', {
    default: 5000,
    minimum: 0,
    maximum: anHourMs,
  }),
});

export const memory = section('Ceiling of the memory that the process may take.', {
  maxBytes: integer(
    'Resident memory that is never exceeded; near it devices are held back, then new connections refused. 0: most of what the control group, or the machine, has.',
    { default: 0, minimum: 0, maximum: 1_099_511_627_776 },
  ),
});

export const shutdown = section('Draining on SIGTERM.', {
  readinessDelayMs: integer(
    'Time between turning not ready and the first step that devices notice: as long as a load balancer takes to see it.',
    { default: 0, minimum: 0, maximum: anHourMs },
  ),
  drainDeadlineMs: integer(
    'Time, after that, to hand devices over and to settle everything unsettled; what is left then gets no answer.',
    { default: 25_000, minimum: 0, maximum: anHourMs },
  ),
  disconnectsPerSecond: integer(
    'Devices handed over per second, so that they do not storm the other gateways; more when the deadline demands it.',
    { default: 1000, minimum: 1, maximum: 1_000_000 },
  ),
  serverReference: text(
    'Where MQTT 5 devices are sent: one address, or several separated by spaces, `host:port` each (Server Reference). Empty: they are only told that this server shuts down.',
    {
      default: '',
      pattern: '^(?=.{0,1000}$)([!-~]+( [!-~]+)*)?$',
      rule: 'up to 1000 characters: addresses separated by single spaces, or nothing',
    },
  ),
  serverMoved: Type.Boolean({
    default: false,
    description: 'Tell them that the server has moved for good (0x9D) instead of to use another one for now (0x9C).',
  }),
});
